// To the client: replies by the kind of rpc and by what is done about slow clients, then the status.
#include <algorithm>

#include <fmt/format.h>

#include "edge/websocket/session.h"
#include "loop/shard.h"

namespace parley::edge::websocket {
namespace {

using net::WebSocket;
using wire::WsClose;

constexpr std::uint16_t number(WsClose code) { return static_cast<std::uint16_t>(code); }
constexpr std::uint16_t status_codes = 4000;  // and gRPC's number of the code
// Of frames that many sockets share: a slow one is behind in its number, not in bytes of its own.
constexpr std::size_t shared_buffer = std::size_t{16} << 10;

thread_local std::string frame_text;  // a frame while it is made

std::string& new_frame() {
  frame_text.assign(WebSocket::frame_room, '\0');
  return frame_text;
}

Error bad_reply(std::string_view text) {
  return Error(Code::unimplemented, Blame::upstream, std::string(text)).with_reason("bad_reply");
}

const Error* end_of(const Call& call) {
  if (call.is_finished()) return call.status();
  return call.cancelled() ? &*call.cancelled() : nullptr;
}

}  // namespace

Bytes Session::seal(std::string& text) {
  return socket_.seal(is_json() ? wire::WsOpcode::text : wire::WsOpcode::binary, text);
}

Task<void> Session::send_replies() {
  const contract::Method& method = call_.method();
  if (method.stream.share && !call_.cancelled()) return send_shared_stream();
  // What is wrong with a call is heard by its handler too, and with it by telemetry.
  tasks_.spawn(answer(*handler_, call_));
  if (!method.server_streaming) return send_only_reply();
  return slow_ == SlowPolicy::drop_oldest ? send_kept_stream() : send_stream();
}

void Session::send_headers(const Fields& headers, bool resumed) {
  std::string& text = new_frame();
  put_headers(format_, headers, resumed, text);
  (void)socket_.send(seal(text));
}

void Session::send_pong() {
  std::string& text = new_frame();
  put_pong(format_, text);
  socket_.push(seal(text));
}

void Session::send_skipped(std::uint64_t messages) {
  std::string& text = new_frame();
  put_skipped(format_, messages, text);
  (void)socket_.send(seal(text));
}

std::optional<Bytes> Session::reply_frame(const Bytes& message) {
  std::string& text = new_frame();
  if (auto put = put_message(format_, *call_.method().output, message.view(), "", text); !put) {
    failed_ = put.error();
    call_.cancel(std::move(put).error());
    return std::nullopt;
  }
  return seal(text);
}

// A single reply counts only if the call ends well: it leaves together with headers and status.
Task<void> Session::send_only_reply() {
  Bytes only;
  int replies = 0;
  for (;;) {
    auto reply = co_await call_.replies.read();
    if (!reply || !*reply) break;
    if (++replies > 1) fail_call(bad_reply("the service sent two replies to a call with one"));
    only = std::move(**reply);
  }
  if (end_of(call_) != nullptr || !socket_.can_send()) co_return;
  if (replies == 0) {
    failed_ = bad_reply("the service sent no reply to a call with one");
    co_return;
  }
  const auto frame = reply_frame(only);
  if (!frame) co_return;
  send_headers(call_.headers);
  (void)socket_.send(*frame);
}

Task<void> Session::send_stream() {
  co_await call_.wait_headers();
  if (!socket_.can_send()) co_return;
  if (end_of(call_) == nullptr || call_.replies.count() > 0) send_headers(call_.headers);
  while (goes_on()) {
    auto reply = co_await call_.replies.read();
    if (!reply || !*reply) break;
    if (is_held()) co_await wait_window();
    if (!goes_on()) break;
    auto frame = reply_frame(**reply);
    if (!frame) break;
    count_sent();
    auto sending = socket_.send(std::move(*frame));
    if (slow_ == SlowPolicy::close && socket_.is_full()) watch_slow();
    if (auto sent = co_await sending; !sent) break;
    slow_timer_.clear();
  }
  slow_timer_.clear();
}

// SlowPolicy::drop_oldest: the service is read on whatever the client does.
Task<void> Session::send_kept_stream() {
  co_await call_.wait_headers();
  if (!socket_.can_send()) co_return;
  if (end_of(call_) == nullptr || call_.replies.count() > 0) send_headers(call_.headers);
  Ring ring(*call_.method().output, {.bytes = options_.socket.buffer}, "");
  bool ended = false;
  TaskGroup filling;
  filling.spawn(fill(ring, ended));
  co_await send_ring(ring, ring.first(), ended);
  if (!ended) call_.cancel(Error(Code::cancelled, Blame::caller, "the client is gone").with_reason("client_gone"));
  co_await filling.join();
}

Task<void> Session::fill(Ring& ring, bool& ended) {
  for (;;) {
    auto reply = co_await call_.replies.read();
    if (!reply || !*reply) break;
    ring.push(std::move(**reply));
    changed_.notify();
  }
  ended = true;
  changed_.notify();
}

Task<void> Session::send_shared_stream() {
  const Bytes request = (*call_.requests.take()).value_or(Bytes());
  exchange_.response_body().set_limit(std::min(options_.socket.buffer, shared_buffer));
  for (bool is_gone = true; is_gone;) {
    const SharedStream::Reader stream(shared_.join(call_, request, handler_), changed_, format_);
    while (!stream->is_open() && !stream->is_gone() && !call_.cancelled()) co_await changed_.wait();
    is_gone = stream->is_gone() && !call_.cancelled();
    if (!is_gone) co_await send_shared_stream(stream);
  }
}

Task<void> Session::send_shared_stream(const SharedStream::Reader& stream) {
  Ring& ring = stream->ring();
  const auto resumed = ring.after(resume_);
  const std::uint64_t wanted = std::min<std::uint64_t>(history_, call_.method().stream.history);
  const std::uint64_t begin = ring.next() - std::min(wanted, ring.next() - ring.first());
  const std::uint64_t next = stream.is_first() ? 1 : resumed.value_or(begin);
  while (!stream->has_headers() && !stream->has_ended() && !call_.cancelled()) co_await changed_.wait();
  if (call_.cancelled()) co_return;
  if (stream->has_headers()) send_headers(stream->headers(), resumed.has_value());
  co_await send_ring(ring, next, stream->has_ended());
  if (!stream->has_ended() || call_.cancelled()) co_return;
  if (stream->end().status) failed_ = stream->end().status;
  call_.trailers = stream->end().trailers;
}

Task<void> Session::send_ring(Ring& ring, std::uint64_t next, const bool& ended) {
  while (goes_on()) {
    if (next < ring.first()) {
      if (slow_ == SlowPolicy::close) {
        lose_patience();
        break;  // it reads again, and so hears why
      }
      send_skipped(ring.first() - next);
      next = ring.first();
    }
    if (next == ring.next()) {
      if (ended) break;
      co_await changed_.wait();
      continue;
    }
    if (is_held()) {
      co_await wait_window();
      continue;
    }
    auto frame = ring.frame(next++, format_);
    count_sent();
    if (!frame) {
      failed_ = frame.error();
      call_.cancel(std::move(frame).error());
      break;
    }
    auto sending = socket_.send(std::move(*frame));
    if (slow_ == SlowPolicy::close && socket_.is_full()) watch_slow();
    if (auto sent = co_await sending; !sent) break;
    if (slow_timer_.is_set()) slow_timer_.clear();
  }
  slow_timer_.clear();
}

void Session::send_status() {
  if (!socket_.can_send()) return;
  const Error* status = failed_ ? &*failed_ : end_of(call_);
  std::uint16_t code = close_code_;
  if (code == 0)
    code = status == nullptr ? number(WsClose::normal) : status_codes + static_cast<std::uint16_t>(status->code());
  if (close_code_ != number(WsClose::protocol_error) && close_code_ != number(WsClose::bad_data)) {
    std::string& text = new_frame();
    put_status(format_, status, call_.trailers, &call_.contract().tables(), text);
    (void)socket_.send(seal(text));
  }
  socket_.close(code,
                status == nullptr ? std::string() : fmt::format("{}: {}", name(status->code()), status->message()));
}

}  // namespace parley::edge::websocket
