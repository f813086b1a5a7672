#include "net/websocket.h"

#include <utility>

#include "loop/shard.h"
#include "net/websocket_handshake.h"

namespace parley::net {
namespace {

// Below it a frame is copied into one block of its own, which costs less than a string that is given away.
constexpr std::size_t copied_below = 4096;

thread_local std::string scratch;  // a compressed frame, while it is made

std::string joined(const std::vector<std::string_view>& values) {
  std::string out;
  for (const std::string_view value : values) out.append(out.empty() ? "" : ",").append(value);
  return out;
}

Bytes control_frame(wire::WsOpcode opcode, std::string_view payload) {
  std::string frame;
  wire::append_ws_frame(frame, opcode, payload);
  return Bytes::copy_of(frame);
}

}  // namespace

WebSocket::WebSocket(ServerExchange& exchange, const WebSocketOptions& options, std::string_view subprotocol)
    : exchange_(exchange),
      options_(options),
      decoder_(wire::WebSocketDecoder::Peer::client, {.message_bytes = options.max_message}),
      timer_([](void* self) { static_cast<WebSocket*>(self)->tick(); }, this),
      heard_(Shard::current().now()) {
  const Fields& request = exchange.request().fields;
  Fields answer;
  if (const auto key = request.find("sec-websocket-key"); key && exchange.request().method != "CONNECT")
    answer.add("sec-websocket-accept", websocket_accept(*key));
  if (!subprotocol.empty()) answer.add("sec-websocket-protocol", subprotocol);
  const std::string offers = joined(request.all("sec-websocket-extensions"));
  if (const auto terms = wire::agree_on_deflate(offers, options.compression)) {
    answer.add("sec-websocket-extensions", wire::deflate_answer(*terms));
    inflater_ = std::make_unique<wire::MessageInflater>(*terms);
    deflater_ = std::make_unique<wire::MessageDeflater>(*terms);
    decoder_ = wire::WebSocketDecoder(wire::WebSocketDecoder::Peer::client, {.message_bytes = options.max_message},
                                      inflater_.get());
  }
  exchange.response_body().set_limit(options.buffer);
  exchange.accept_upgrade(std::move(answer));
  timer_.set(Shard::current().timers(), Deadline::after(heard_, options.ping));
}

WebSocket::~WebSocket() = default;

// Reading.

WebSocket::Event WebSocket::closed(Cause cause, std::uint16_t code, std::string_view reason) {
  end_ = {.cause = cause, .code = code, .reason = std::string(reason)};
  return Event::closed;
}

WebSocket::Event WebSocket::next() {
  using Wire = wire::WebSocketDecoder::Event;
  while (!end_) {
    const auto event = decoder_.next(rest_);
    if (!event) {
      const wire::WsFailure& failure = event.error();
      return closed(Cause::failed, static_cast<std::uint16_t>(failure.code), failure.text);
    }
    switch (*event) {
      case Wire::need_more:
        chunk_ = Bytes();
        rest_ = {};
        decoder_.shrink();
        return Event::need_more;
      case Wire::ping: answer_ping(); break;
      case Wire::pong: break;
      case Wire::close: {
        const std::uint16_t code = decoder_.close_code();
        const auto none = static_cast<std::uint16_t>(wire::WsClose::none);
        closed(Cause::closed, code, decoder_.payload());
        close(code == none ? static_cast<std::uint16_t>(wire::WsClose::normal) : code, "");
        break;
      }
      case Wire::text:
        if (!close_sent_) return Event::text;
        break;
      case Wire::binary:
        if (!close_sent_) return Event::binary;
        break;
    }
  }
  return Event::closed;
}

Task<void> WebSocket::more() {
  reading_ = true;
  auto chunk = co_await exchange_.body().read();
  reading_ = false;
  if (!chunk || !*chunk) {
    if (!end_) closed(Cause::lost, 1006, chunk ? "the client ended the connection" : chunk.error().message());
    co_return;
  }
  chunk_ = std::move(**chunk);
  rest_ = chunk_.view();
  heard_ = Shard::current().now();
  pinged_ = false;
}

void WebSocket::answer_ping() { push(control_frame(wire::WsOpcode::pong, decoder_.payload())); }

// A peer that does not read gets no answers to what it sends, so that none pile up.
void WebSocket::push(Bytes frame) {
  if (can_send() && !is_full()) exchange_.response_body().push(std::move(frame));
}

// Writing.

Bytes WebSocket::seal_plain(wire::WsOpcode opcode, std::string& text) {
  const std::size_t payload = text.size() - frame_room;
  const std::size_t head = wire::put_ws_head_before(text.data() + frame_room, opcode, false, payload);
  const std::size_t from = frame_room - head;
  if (text.size() < copied_below) return Bytes::copy_of(std::string_view(text).substr(from));
  return Bytes(std::move(text)).slice(from);
}

Bytes WebSocket::seal(wire::WsOpcode opcode, std::string& text) {
  const std::string_view payload = std::string_view(text).substr(frame_room);
  if (!deflater_ || payload.size() < deflater_->worth_from()) return seal_plain(opcode, text);
  scratch.assign(frame_room, '\0');
  deflater_->deflate(payload, scratch);
  const std::size_t head =
      wire::put_ws_head_before(scratch.data() + frame_room, opcode, true, scratch.size() - frame_room);
  Bytes frame = Bytes::copy_of(std::string_view(scratch).substr(frame_room - head));
  if (scratch.capacity() > (std::size_t{1} << 20)) std::string().swap(scratch);
  return frame;
}

void WebSocket::close(std::uint16_t code, std::string_view reason) {
  if (!can_send()) return;
  exchange_.response_body().push(control_frame(wire::WsOpcode::close, wire::ws_close_payload(code, reason)));
  close_sent_ = true;
  timer_.set(Shard::current().timers(), Deadline::after(Shard::current().now(), options_.close_timeout));
}

// The clock.

// Silence counts while we listen and have nothing to send: a peer that is busy taking what we sent shows that by
// taking it, and one that takes nothing is the connection's time-out to find.
void WebSocket::tick() {
  if (exchange_.broken() || end_) return;
  if (close_sent_) {
    // No answer to our close frame. The reader wakes and finds the socket closed.
    return exchange_.body().abort(Error(Code::cancelled, Blame::caller, "no close frame came").with_reason("no_close"));
  }
  Shard& shard = Shard::current();
  const bool silent = reading_ && exchange_.response_body().bytes() == 0 && shard.now() - heard_ >= options_.ping;
  if (silent && pinged_) return exchange_.reset(Reset::cancel);
  if (silent) {
    pinged_ = true;
    push(control_frame(wire::WsOpcode::ping, ""));
  }
  const Instant due = heard_ + options_.ping;
  timer_.set(shard.timers(), due > shard.now() ? Deadline::at(due) : Deadline::after(shard.now(), options_.ping));
}

}  // namespace parley::net
