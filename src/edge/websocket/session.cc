#include "edge/websocket/session.h"

#include <utility>

#include <fmt/format.h>

#include "call/header_rules.h"
#include "loop/shard.h"
#include "wire/base64.h"

namespace parley::edge::websocket {
namespace {

using net::WebSocket;
using wire::WsClose;

constexpr std::uint16_t number(WsClose code) { return static_cast<std::uint16_t>(code); }

Error bad_frame(std::string message) {
  return Error(Code::invalid_argument, Blame::caller, std::move(message)).with_reason("bad_frame");
}

Error wrong_count(std::string_view text) {
  return Error(Code::unimplemented, Blame::caller, std::string(text)).with_reason("request_count");
}

// As the rpc edges do it.
Result<void> read_metadata(const Fields& from, Fields& to) {
  for (const Field field : from) {
    if (!passes(field.name, Direction::request)) continue;
    if (!wire::is_bin(field.name)) {
      to.add(field.name, field.value);
    } else if (!wire::add_bin_decoded(to, field.name, field.value)) {
      return invalid(fmt::format("the value of {} is not base64", field.name));
    }
  }
  return {};
}

// A shared stream waits for nobody.
SlowPolicy slow_policy(const contract::StreamOptions& stream, SlowPolicy fallback) {
  switch (stream.slow) {
    case contract::SlowCaller::wait: return SlowPolicy::wait;
    case contract::SlowCaller::drop_oldest: return SlowPolicy::drop_oldest;
    case contract::SlowCaller::close: return SlowPolicy::close;
    case contract::SlowCaller::unsaid: break;
  }
  return stream.share && fallback == SlowPolicy::wait ? SlowPolicy::drop_oldest : fallback;
}

}  // namespace

Session::Session(net::ServerExchange& exchange, const WebSocketOptions& options, const contract::ContractPtr& contract,
                 const contract::Method& method, HandlerPtr handler, SharedStreams& shared, Format format)
    : exchange_(exchange),
      options_(options),
      handler_(std::move(handler)),
      shared_(shared),
      socket_(exchange, options.socket,
              exchange.request().fields.has("sec-websocket-protocol") ? subprotocol(format) : std::string_view()),
      call_(contract, method, "websocket"),
      on_cancel_(call_, [this](const Error&) { changed_.notify(); }),
      drain_timer_([](void* self) { static_cast<Session*>(self)->stop(); }, this),
      slow_timer_([](void* self) { static_cast<Session*>(self)->lose_patience(); }, this),
      format_(format),
      slow_(slow_policy(method.stream, options.slow)) {
  if (auto read = read_metadata(exchange.request().fields, call_.metadata); !read) fail_call(std::move(read).error());
  call_.caller.address = exchange.peer().address;
  call_.caller.subject = exchange.peer().subject;
  exchange.on_broken([](void* self) { static_cast<Session*>(self)->broken_off(); }, this);
  exchange.on_drain([](void* self) { static_cast<Session*>(self)->drain(); }, this);
}

Session::~Session() {
  exchange_.on_broken(nullptr, nullptr);
  exchange_.on_drain(nullptr, nullptr);
}

Task<void> Session::run() {
  tasks_.spawn(pump());
  while (!begun_ && !call_.cancelled()) co_await changed_.wait();
  if (begun_ || !gone_) {
    co_await send_replies();
    send_status();
  }
  co_await tasks_.join();
  if (!exchange_.broken()) exchange_.finish();
}

// From the client.

Task<void> Session::pump() {
  for (;;) {
    const WebSocket::Event event = socket_.next();
    if (event == WebSocket::Event::closed) co_return closed();
    if (event == WebSocket::Event::need_more) {
      co_await socket_.more();
      continue;
    }
    if ((event == WebSocket::Event::text) != is_json()) {
      fail_call(bad_frame(is_json() ? "parley.json.v1 has text frames" : "parley.proto.v1 has binary frames"),
                number(WsClose::unsupported_data));
      continue;
    }
    auto frame = read_frame(format_, socket_.payload(), *call_.method().input);
    if (!frame) {
      fail_call(std::move(frame).error());
    } else if (take(*frame)) {
      (void)co_await call_.requests.write(std::move(frame->message));  // if the call has ended, it is told why
    }
  }
}

bool Session::take(ClientFrame& frame) {
  switch (frame.kind) {
    case ClientFrame::Kind::start: take_start(std::move(frame.start)); return false;
    case ClientFrame::Kind::end: take_end(); return false;
    case ClientFrame::Kind::ping: send_pong(); return false;
    case ClientFrame::Kind::credit:
      if (window_) *window_ += frame.credit;
      changed_.notify();
      return false;
    case ClientFrame::Kind::message:
      if (!take_message()) return false;
      if (call_.method().client_streaming) return true;
      call_.requests.push(std::move(frame.message));
      call_.requests.end();
      begin();
      return false;
  }
  std::unreachable();
}

void Session::take_start(Start start) {
  if (std::exchange(started_, true)) return fail_call(bad_frame("start is the first frame, once"));
  for (const Field field : start.metadata) call_.metadata.remove(field.name);
  copy_passing(start.metadata, Direction::request, call_.metadata);
  resume_ = std::move(start.resume);
  history_ = start.history;
  if (start.window != 0) window_ = start.window;
  if (start.timeout && *start.timeout <= Duration::zero())
    return fail_call(Error(Code::deadline_exceeded, Blame::caller, "the call came with no time left"));
  if (start.timeout) call_.set_deadline(Deadline::after(Shard::current().now(), *start.timeout));
  if (call_.method().client_streaming) begin();
}

bool Session::take_message() {
  started_ = true;
  const bool takes_many = call_.method().client_streaming;
  if (!takes_many && has_message_) {
    fail_call(wrong_count("two request messages where the rpc takes one"));
    return false;
  }
  if (ended_) {
    fail_call(bad_frame("a message after end"));
    return false;
  }
  has_message_ = true;
  if (takes_many) begin();
  return true;
}

void Session::take_end() {
  started_ = true;
  if (std::exchange(ended_, true)) return fail_call(bad_frame("end is said once"));
  if (call_.method().client_streaming) {
    begin();
    call_.requests.end();
  } else if (!has_message_) {
    fail_call(wrong_count("no request message where the rpc takes one"));
  }
}

void Session::begin() {
  if (std::exchange(begun_, true)) return;
  changed_.notify();
}

void Session::closed() {
  const WebSocket::End& end = socket_.end();
  if (end.cause == WebSocket::Cause::failed) {
    return fail_call(Error(end.code == number(WsClose::too_large) ? Code::resource_exhausted : Code::invalid_argument,
                           Blame::caller, end.reason)
                         .with_reason(end.code == number(WsClose::too_large) ? "message_too_large" : "bad_websocket"),
                     end.code);
  }
  gone_ = true;
  Error why = Error(Code::cancelled, Blame::caller,
                    end.cause == WebSocket::Cause::closed ? fmt::format("the client closed the socket ({})", end.code)
                                                          : end.reason)
                  .with_reason("client_gone");
  if (call_.is_finished() && !failed_) failed_ = why;  // what it said is not sent to its end
  call_.cancel(std::move(why));
  changed_.notify();
}

// What is wrong with a call that is over changes nothing, but a socket that has to close does not wait until the client
// has taken the rest.
void Session::fail_call(Error why, std::uint16_t code) {
  if (failed_ || call_.cancelled() || (call_.is_finished() && code == 0)) return;
  close_code_ = code;
  failed_ = why;
  call_.replies.abort(why);
  call_.cancel(std::move(why));
  changed_.notify();
}

void Session::broken_off() {
  gone_ = true;
  changed_.notify();
  call_.cancel(*exchange_.broken());
}

// A unary call is let end; a stream, which may never end, has some time to.
void Session::drain() {
  if (!begun_) return stop();
  if (call_.method().is_unary()) return;
  Shard& shard = Shard::current();
  drain_timer_.set(shard.timers(), Deadline::after(shard.now(), options_.drain_patience));
}

void Session::stop() {
  fail_call(Error(Code::unavailable, Blame::us, "Parley stops: connect again").with_reason("draining"),
            number(WsClose::going_away));
}

Task<void> Session::wait_window() {
  if (slow_ == SlowPolicy::close) watch_slow();
  while (is_held()) co_await changed_.wait();
}

void Session::count_sent() {
  if (window_ && *window_ > 0) --*window_;
}

void Session::watch_slow() {
  Shard& shard = Shard::current();
  slow_timer_.set(shard.timers(), Deadline::after(shard.now(), options_.slow_patience));
}

// SlowPolicy::close. Status and close frame wait behind what the client did not take; if that does not help, the
// connection goes.
void Session::lose_patience() {
  if (failed_) return exchange_.reset(net::Reset::cancel);
  fail_call(Error(Code::resource_exhausted, Blame::caller, "the client reads too slowly").with_reason("slow_consumer"),
            number(WsClose::policy));
  Shard& shard = Shard::current();
  slow_timer_.set(shard.timers(), Deadline::after(shard.now(), options_.socket.close_timeout));
}

}  // namespace parley::edge::websocket
