#include "net/h2_server.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <utility>

#include "base/log.h"
#include "net/server_date.h"
#include "wire/http1.h"

namespace parley::net {
namespace {

constexpr std::uint64_t drain_ping = 0x7061726c65792e64;
constexpr std::uint64_t alive_ping = 0x7061726c65792e61;
constexpr Duration drain_grace = std::chrono::seconds(1);  // for the answer to the drain's PING
// A frame that does work earns the peer some that only control: gRPC clients answer bodies with PING and WINDOW_UPDATE.
constexpr double control_a_frame = 3;
constexpr double control_burst_seconds = 5;
constexpr std::uint64_t dropped_bytes = 16 * 1024 * 1024;  // of a request whose answer is complete, before it is reset

H2Config session_config(const ServerLimits& limits) {
  return {.server = true,
          .stream_window = limits.stream_window,
          .connection_window = limits.connection_window,
          .concurrent_streams = limits.concurrent_streams,
          .header_bytes = limits.header_bytes,
          .header_count = limits.header_count,
          .output_bytes = limits.output_bytes};
}

bool is_bodiless(int status) { return status == 204 || status == 304; }

// Handlers' fields as the peer may see them: none that steer the connection, none that would split the message.
void add_fields(H2Headers& out, const Fields& fields) {
  for (const Field f : fields) {
    if (f.name.empty() || f.name.front() == ':' || wire::is_hop_by_hop(f.name) || !wire::is_field(f)) continue;
    if (f.name == "set-cookie") {
      out.add_sensitive(f.name, f.value);
    } else {
      out.add(f.name, f.value);
    }
  }
}

Fields safe_trailers(const Fields& fields) {
  Fields out;
  for (const Field f : fields) {
    if (!wire::is_hop_by_hop(f.name) && wire::is_field(f)) out.add(f.name, f.value);
  }
  return out;
}

bool all_safe(const Fields& fields) {
  for (const Field f : fields) {
    if (wire::is_hop_by_hop(f.name) || !wire::is_field(f)) return false;
  }
  return true;
}

}  // namespace

// The exchange.

H2Exchange::H2Exchange(H2Server& server)
    : H2Stream(body_, response_body_), server_(server), began_(server.shard().now()) {
  peer_ = &server.connection_.peer();
  ++server_.exchanges_;
  if (server_.drain_ != H2Server::Drain::no) tell_drain();
}

H2Exchange::~H2Exchange() {
  if (head_pending_) server_.head_is_gone(*this);
}

void H2Exchange::pseudo_header(std::string_view name, std::string_view value) {
  if (name == ":path") {
    request_.target = value;
  } else if (name == ":method") {
    request_.method = value;
  } else if (name == ":scheme") {
    request_.scheme = value;
  } else if (name == ":authority") {
    request_.authority = value;
  } else if (name == ":protocol") {
    request_.upgrade = value;
  }
}

void H2Exchange::h2_header(std::string_view name, std::string_view value) {
  if (head_arrived_) return request_trailers_.add(name, value);
  if (name.front() == ':') return pseudo_header(name, value);
  if (name == "host") {
    host_ = value;
  } else if (name == "cookie") {
    cookies_.append(cookies_.empty() ? "" : "; ").append(value);
  } else if (name == "expect") {
    expects_continue_ = value == "100-continue";
  } else {
    has_length_ = has_length_ || name == "content-length";
    request_.fields.add(name, value);
  }
}

int H2Exchange::check_head(bool too_large) {
  const ServerLimits& limits = server_.context().limits;
  if (too_large) return 431;
  if (request_.target.size() > limits.target_bytes) return 414;
  if (request_.method == "CONNECT" && request_.upgrade != "websocket") return 501;
  if (!host_.empty() && !request_.authority.empty() && host_ != request_.authority) return 400;
  if (request_.authority.empty()) request_.authority = std::move(host_);
  return 0;
}

void H2Exchange::h2_headers_end(bool end_stream, bool too_large) {
  if (head_arrived_) {
    if (too_large) reset(Reset::enhance_your_calm);
    return;
  }
  head_arrived_ = true;
  request_ended_ = end_stream;
  if (!cookies_.empty()) request_.fields.add("cookie", cookies_);
  if (const int refused = check_head(too_large); refused != 0) return answer_plainly(refused);
  if (end_stream) body_.end();
  server_.useful(1);
  running_ = true;
  server_.context().tasks.spawn(run(this));
}

void H2Exchange::answer_plainly(int status) {
  ResponseHead head;
  head.status = status;
  head.fields.add("content-length", "0");
  respond(std::move(head));
  finish({});
}

Task<void> H2Exchange::run(H2Exchange* exchange) {
  try {
    co_await exchange->server_.context().handler.serve(*exchange);
  } catch (const std::exception& e) {
    log::error("a handler ended with an exception: {}", e.what());
  }
  exchange->handler_ended();
}

void H2Exchange::handler_ended() {
  running_ = false;
  if (!broken() && is_attached()) {
    if (!responded_) answer_plainly(500);
    if (!is_leaving_finished()) reset(Reset::internal_error);
  }
  delete_if_over();
}

void H2Exchange::delete_if_over() {
  if (running_ || is_attached()) return;
  H2Server& server = server_;
  delete this;
  server.exchange_gone();
}

void H2Exchange::respond(ResponseHead head) {
  if (responded_) return;
  responded_ = true;
  response_ = std::move(head);
  if (!is_attached()) return;
  head_pending_ = true;
  server_.head_is_pending(*this);
}

// RFC 8441 section 5: 200, and DATA in both directions.
void H2Exchange::accept_upgrade(Fields fields) {
  if (responded_ || request_.upgrade.empty()) return;
  upgraded_ = true;
  respond({.status = 200, .fields = std::move(fields)});
}

void H2Exchange::finish(Fields trailers) {
  if (!responded_) return;
  finish_leaving(all_safe(trailers) ? std::move(trailers) : safe_trailers(trailers));
}

void H2Exchange::submit_head() {
  head_pending_ = false;
  if (!is_attached()) return;
  head_submitted_ = true;
  static thread_local H2Headers headers;
  headers.clear();
  const int status = std::clamp(response_.status, 200, 599);
  const std::array<char, 3> digits = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                                      static_cast<char>('0' + status % 10)};
  headers.add(":status", {digits.data(), digits.size()});
  add_fields(headers, response_.fields);
  if (!response_.fields.has("date") && !request_.fields.get("content-type").starts_with("application/grpc"))
    headers.add("date", http_date());
  const bool no_body = request_.method == "HEAD" || is_bodiless(status);
  if (no_body) response_body_.discard();
  server_.submit_response(*this, headers, !no_body && !(is_leaving_finished() && is_leaving_empty()));
}

void H2Exchange::reset(Reset code) {
  if (end_sent_ && request_ended_) return;
  counted_ = false;
  reset_stream(static_cast<std::uint32_t>(code));
  break_off(Error(Code::cancelled, Blame::us, "the exchange was reset").with_reason("reset"));
}

void H2Exchange::h2_data(std::size_t bytes) {
  moved_ += bytes;
  server_.useful(bytes > 0 ? 1 : 0);
}

void H2Exchange::h2_sent(std::size_t bytes) {
  moved_ += bytes;
  server_.useful(1);
}

// Clients that send their whole body before they read the answer would wait for ever, or take the reset for the answer:
// a rest that is known to end soon is taken and dropped, as over HTTP/1.1.
bool H2Exchange::takes_rest() const {
  if (!has_length_ || expects_continue_) return false;
  const std::string_view length = request_.fields.get("content-length");
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bytes);
  return error == std::errc() && bytes <= dropped_bytes;
}

void H2Exchange::h2_end_sent() {
  end_sent_ = true;
  if (request_ended_) return;
  if (takes_rest()) return body_.discard();
  // The answer is complete: the rest of the request is not needed (RFC 9113 section 8.1).
  counted_ = false;
  reset_stream(NGHTTP2_NO_ERROR);
}

void H2Exchange::h2_closed(std::uint32_t error_code) {
  const bool orderly = end_sent_ && error_code == NGHTTP2_NO_ERROR;
  server_.stream_is_gone(id(), request_ended_);
  if (counted_ && server_.closing_ == nullptr) server_.count_end(!orderly);
  if (server_.closing_ != nullptr && !orderly) {
    break_off(*server_.closing_);
  } else if (!orderly) {
    break_off(client_gone("the client reset the stream"));
  } else if (!request_ended_) {
    break_off(Error(Code::cancelled, Blame::us, "the response is complete").with_reason("response_complete"));
  }
  delete_if_over();
}

void H2Exchange::pipe_awaited(Pipe& pipe) {
  if (!expects_continue_ || &pipe != &body_ || responded_ || request_ended_) return;
  expects_continue_ = false;
  H2Headers headers;
  headers.add(":status", "100");
  server_.submit_headers(*this, headers);
}

bool H2Exchange::waits_for_peer() const {
  if (broken()) return false;
  return is_send_blocked() || (has_length_ && !request_ended_ && unread() == 0);
}

void H2Exchange::sweep(const ServerLimits& limits, Instant now) {
  const bool head_is_late = !head_arrived_ && now - began_ >= limits.header_timeout;
  if (!mark_.is_late(waits_for_peer(), moved_, limits.body_timeout, now) && !head_is_late) return;
  reset_stream(NGHTTP2_CANCEL);
  break_off(Error(Code::deadline_exceeded, Blame::caller, "no progress of a body in time").with_reason("body_timeout"));
}

// The connection.

H2Server::H2Server(ServerConnection& connection)
    : H2Session(connection.context().shard, connection.transport(), session_config(connection.context().limits)),
      connection_(connection),
      control_tokens_(connection.context().limits.control_frames_a_second * control_burst_seconds),
      reset_tokens_(connection.context().limits.resets_a_minute),
      refilled_(connection.context().shard.now()),
      resets_refilled_(refilled_),
      last_received_(refilled_),
      idle_since_(refilled_) {}

void H2Server::received(std::string_view bytes) {
  last_received_ = context().shard.now();
  pinged_ = false;
  receive(bytes);
}

void H2Server::input_ended() {
  flush();  // a GOAWAY that says why may wait
  connection_.close(client_gone("the client closed the connection"));
}

H2Stream* H2Server::h2_open(std::int32_t id) {
  last_id_ = id;
  // Handlers of streams that were reset may still run: they count too (CVE-2023-44487).
  if (exchanges_ >= std::size_t{2} * context().limits.concurrent_streams) {
    ended_by_us_.add(id);
    return nullptr;
  }
  return new H2Exchange(*this);  // deletes itself: H2Exchange::delete_if_over
}

void H2Server::head_is_pending(H2Exchange& exchange) {
  pending_heads_.push_back(&exchange);
  wake();
}

void H2Server::head_is_gone(H2Exchange& exchange) {
  std::replace(pending_heads_.begin(), pending_heads_.end(), &exchange, static_cast<H2Exchange*>(nullptr));
}

void H2Server::h2_before_flush() {
  for (H2Exchange* exchange : pending_heads_) {
    if (exchange != nullptr) exchange->submit_head();
  }
  pending_heads_.clear();
}

void H2Server::h2_flushed() {
  if (is_over()) return connection_.close_in_order(client_gone("the connection is over"));
}

void H2Server::h2_failed(Error why) {
  if (why.reason() == "http2_broken") {
    connection_.close_in_order(why);  // the peer should read the GOAWAY
  } else {
    connection_.close(why);
  }
}

void H2Server::exchange_gone() {
  --exchanges_;
  if (exchanges_ == 0) idle_since_ = context().shard.now();
  connection_.exchange_gone();
}

void H2Server::abort(const Error& why) {
  closing_ = &why;
  close_streams(NGHTTP2_CANCEL);
  closing_ = nullptr;
}

// Limits against abuse.

void H2Server::h2_frame(const nghttp2_frame_hd& head) {
  switch (head.type) {
    case NGHTTP2_DATA:
      if (head.length == 0 && (head.flags & NGHTTP2_FLAG_END_STREAM) == 0) count_control();
      check_closed(head);
      break;
    case NGHTTP2_HEADERS: check_closed(head); break;
    case NGHTTP2_RST_STREAM: peer_reset_ = head.stream_id; [[fallthrough]];
    default: count_control(); break;
  }
}

// nghttp2 ignores frames on streams that it has forgotten. What is on its way to a stream that we ended must be
// ignored; what comes on a stream that the peer itself ended, or skipped, is an error of the connection (RFC 9113
// sections 5.1 and 5.1.1).
void H2Server::check_closed(const nghttp2_frame_hd& head) {
  if (head.stream_id > last_id_ || nghttp2_session_find_stream(raw(), head.stream_id) != nullptr) return;
  if (ended_by_peer_.has(head.stream_id)) {
    terminate(NGHTTP2_STREAM_CLOSED);
  } else if (head.type == NGHTTP2_HEADERS && !ended_by_us_.has(head.stream_id)) {
    terminate(NGHTTP2_PROTOCOL_ERROR);
  }
}

void H2Server::stream_is_gone(std::int32_t id, bool by_peer) {
  (by_peer || id == peer_reset_ ? ended_by_peer_ : ended_by_us_).add(id);
}

void H2Server::useful(double frames) {
  const double most = context().limits.control_frames_a_second * control_burst_seconds;
  control_tokens_ = std::min(most, control_tokens_ + frames * control_a_frame);
}

void H2Server::count_control() {
  if (--control_tokens_ >= 0) return;
  const Instant now = context().shard.now();
  const double seconds = std::chrono::duration<double>(now - refilled_).count();
  refilled_ = now;
  control_tokens_ += 1;
  useful(seconds * context().limits.control_frames_a_second / control_a_frame);
  if (--control_tokens_ < 0) terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

// An orderly end earns what a reset costs: clients that cancel some of many calls are not cut off.
void H2Server::count_end(bool reset) {
  const double most = context().limits.resets_a_minute;
  if (!reset) {
    reset_tokens_ = std::min(most, reset_tokens_ + 1);
    return;
  }
  const Instant now = context().shard.now();
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - resets_refilled_).count();
  resets_refilled_ = now;
  reset_tokens_ = std::min(most, reset_tokens_ + minutes * most) - 1;
  if (reset_tokens_ < 0) terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

void H2Server::sweep(Instant now) {
  const ServerLimits& limits = context().limits;
  each_stream([&](H2Stream& stream) { static_cast<H2Exchange&>(stream).sweep(limits, now); });
  if (unsent_.is_late(has_unsent(), sent_bytes(), limits.body_timeout, now)) {
    return connection_.close(client_gone("the client does not read"), true);
  }
  if (drain_ == Drain::noticed && now - drain_began_ >= drain_grace) h2_ping_answered(drain_ping);
  const Duration quiet = now - last_received_;
  if (exchanges_ == 0) {
    if (now - idle_since_ >= limits.idle_timeout) submit_goaway(NGHTTP2_NO_ERROR);
  } else if (quiet >= 2 * limits.body_timeout && pinged_) {
    connection_.close(client_gone("the client does not answer"), true);
  } else if (quiet >= limits.body_timeout && !pinged_) {
    pinged_ = true;
    submit_ping(alive_ping);
  }
}

// Two steps, so that no stream that is on its way is refused (RFC 9113 section 6.8): a notice with the highest id,
// then, once the peer must have seen it, the real last id.
void H2Server::drain() {
  if (drain_ != Drain::no) return;
  drain_ = Drain::noticed;
  each_stream([](H2Stream& stream) { static_cast<H2Exchange&>(stream).tell_drain(); });
  drain_began_ = context().shard.now();
  submit_shutdown_notice();
  flush();  // before the PING, which would overtake it
  submit_ping(drain_ping);
}

void H2Server::h2_ping_answered(std::uint64_t payload) {
  if (payload != drain_ping || drain_ != Drain::noticed) return;
  drain_ = Drain::goaway;
  submit_goaway(NGHTTP2_NO_ERROR);
}

}  // namespace parley::net
