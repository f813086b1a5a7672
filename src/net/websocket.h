// WebSocket: the server's end of one socket (RFC 6455) over an exchange of either HTTP version: messages in and out,
// pings, the close handshake, permessage-deflate.
//
//   WebSocket socket(exchange, options, "parley.json.v1");    // after check_websocket and the like
//   for (;;) {
//     switch (socket.next()) {
//       case WebSocket::Event::need_more: co_await socket.more(); continue;
//       case WebSocket::Event::text: use(socket.payload()); continue;
//       …
//       case WebSocket::Event::closed: …
//
// On the exchange's shard, owned by its task. One coroutine reads and one writes; they may be two. The reader goes on
// until `closed`, also after our own `close`; the writer's side ends with `close`, then `exchange.finish()` once the
// reader is through.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "loop/task.h"
#include "loop/timer.h"
#include "net/exchange.h"
#include "wire/websocket.h"

namespace parley::net {

struct WebSocketOptions {
  std::size_t max_message = std::size_t{4} << 20;    // of one message, decompressed
  std::size_t buffer = Pipe::default_limit;          // bytes that wait to be sent, before writers wait
  Duration ping = std::chrono::seconds(20);          // of silence, after which the peer is asked, then taken for lost
  Duration close_timeout = std::chrono::seconds(2);  // from our close frame to the peer's
  wire::DeflateMode compression = wire::DeflateMode::message;
};

class WebSocket {
 public:
  // Accepts the exchange's request. `subprotocol`: the one agreed on, "" for none.
  WebSocket(ServerExchange& exchange, const WebSocketOptions& options, std::string_view subprotocol);
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  // Reading.
  enum class Event : std::uint8_t {
    need_more,  // call `more`
    text,       // a message, valid UTF-8
    binary,
    closed,  // there is nothing more to read: `end` says why
  };
  // The next message of what has come. Pings are answered and the peer's close frame is echoed on the way. After our
  // own close, messages are dropped.
  Event next();
  // Waits for bytes.
  Task<void> more();
  // Of the last event; valid until `next`.
  std::string_view payload() const { return decoder_.payload(); }

  enum class Cause : std::uint8_t {
    closed,  // by a close frame of the peer, whose code is `code`
    lost,    // the connection ended without one
    failed,  // the peer broke the protocol: the caller is to close with `code` and `reason`
  };
  struct End {
    Cause cause = Cause::lost;
    std::uint16_t code = 0;
    std::string reason;
  };
  // Only once `closed`.
  const End& end() const { return *end_; }

  // Writing. A frame may be sent on any number of sockets, as long as it was not compressed for one of them.
  // `text` begins with `frame_room` bytes that are not of the payload. Compresses where that was agreed on and is worth
  // it.
  Bytes seal(wire::WsOpcode opcode, std::string& text);
  // The same, never compressed.
  static Bytes seal_plain(wire::WsOpcode opcode, std::string& text);
  static constexpr std::size_t frame_room = wire::max_ws_head;
  // Waits while more than `buffer` bytes wait to be sent. Errors: the connection ended.
  Pipe::Write send(Bytes frame) { return exchange_.response_body().write(std::move(frame)); }
  // Queues without waiting: for small frames, one for each that came.
  void push(Bytes frame);
  bool is_full() const { return exchange_.response_body().is_full(); }
  // False once a close frame was sent, or the connection has ended.
  bool can_send() const { return !close_sent_ && !exchange_.broken(); }
  // Sends a close frame, once, and gives the peer a while to answer with its own.
  void close(std::uint16_t code, std::string_view reason);

 private:
  void tick();
  void answer_ping();
  Event closed(Cause cause, std::uint16_t code, std::string_view reason);

  ServerExchange& exchange_;
  const WebSocketOptions& options_;
  std::unique_ptr<wire::MessageInflater> inflater_;
  std::unique_ptr<wire::MessageDeflater> deflater_;
  wire::WebSocketDecoder decoder_;
  Bytes chunk_;
  std::string_view rest_;  // of it
  std::optional<End> end_;
  Timer timer_;  // of silence, then of the close handshake
  Instant heard_;
  bool pinged_ = false;
  bool reading_ = false;  // `more` waits: silence is the peer's, not ours
  bool close_sent_ = false;
};

}  // namespace parley::net
