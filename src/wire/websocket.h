// WebSocket frames (RFC 6455 section 5): a strict pull parser of messages and control frames, and the serialisation.
// No io: the same bytes in any chunking give the same events, and the same failure. Why an own codec:
// docs/decisions/014-websocket-codec.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "wire/permessage_deflate.h"
#include "wire/utf8_stream.h"

namespace parley::wire {

enum class WsOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// Close codes (RFC 6455 section 7.4.1) that Parley sends.
enum class WsClose : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  none = 1005,  // a close frame without a code; never sent
  bad_data = 1007,
  policy = 1008,
  too_large = 1009,
  internal = 1011,
};

// Why the connection must be closed; `text` is a literal.
struct WsFailure {
  WsClose code;
  std::string_view text;
};

class WebSocketDecoder {
 public:
  struct Limits {
    std::size_t message_bytes = std::size_t{4} << 20;  // of one message, decompressed; WsClose::too_large beyond
  };
  enum class Peer : std::uint8_t { client, server };  // who sent: a client masks its frames, a server does not

  enum class Event : std::uint8_t {
    need_more,  // all of the input was used
    text,       // `payload()` is a whole message, valid UTF-8
    binary,
    ping,  // `payload()` is the application data; control frames come between the fragments of a message
    pong,
    close,  // `close_code()` and `payload()`, the reason. What comes after it is not looked at
  };

  // `inflater`: permessage-deflate was agreed on; null: it was not, and its bit is an error. It outlives the decoder.
  WebSocketDecoder(Peer sender, const Limits& limits, MessageInflater* inflater = nullptr)
      : limits_(limits), inflater_(inflater), masked_(sender == Peer::client) {}

  // Takes bytes from the front of `in` and returns what they made. After a failure every call gives that failure.
  std::expected<Event, WsFailure> next(std::string_view& in);

  // Of the last event; valid until the next call.
  std::string_view payload() const { return payload_; }
  std::uint16_t close_code() const { return close_code_; }
  bool between_messages() const { return !in_message_ && state_ == State::head && head_size_ == 0; }
  // Gives back what large messages needed. Call it when no view into the payload is used any more.
  void shrink();

 private:
  enum class State : std::uint8_t { head, payload, closed, broken };
  using Outcome = std::expected<Event, WsFailure>;

  Outcome broken(WsClose code, std::string_view text);
  // The bytes of a frame's head that are still missing are taken; false: not all came.
  bool take_head(std::string_view& in);
  std::size_t head_length() const;
  Outcome begin_frame();
  Outcome check_frame(std::uint8_t first, std::uint8_t second);
  Outcome take_payload(std::string_view& in);
  Outcome end_frame();
  Outcome end_message();
  Outcome end_close();

  Limits limits_;
  MessageInflater* inflater_;
  State state_ = State::head;
  bool masked_;
  bool in_message_ = false;  // some fragments came, and not the last
  bool compressed_ = false;  // that message
  bool is_text_ = false;
  bool fin_ = false;
  WsOpcode opcode_{};  // of the frame
  std::uint8_t head_size_ = 0;
  std::array<char, 14> head_{};
  std::array<char, 125> control_{};
  std::uint8_t control_size_ = 0;
  std::uint16_t close_code_ = 0;
  std::uint32_t mask_ = 0;  // rotated to the next byte
  std::uint64_t left_ = 0;  // of the frame's payload
  std::string message_;     // as it came: compressed, where it is
  std::string inflated_;
  std::string_view payload_;
  Utf8Stream utf8_;
  WsFailure failure_{};
};

// The longest head of a frame that a server sends; a client's has four more for its mask.
inline constexpr std::size_t max_ws_head = 10;
// Writes the head of a frame, unmasked and final, so that it ends at `end`, and returns its size.
std::size_t put_ws_head_before(char* end, WsOpcode opcode, bool compressed, std::size_t payload);
// Appends a whole frame, unmasked.
void append_ws_frame(std::string& out, WsOpcode opcode, std::string_view payload, bool compressed = false);
// The same as a client sends it.
void append_masked_ws_frame(std::string& out, WsOpcode opcode, std::string_view payload, std::uint32_t mask,
                            bool compressed = false);
// The payload of a close frame. A reason that is too long is cut between two characters.
std::string ws_close_payload(std::uint16_t code, std::string_view reason);

// XORs `from` with `mask`, whose first byte is the lowest, into `to`, which may be the same place. Returns the mask
// rotated for what follows.
std::uint32_t ws_mask(char* to, std::string_view from, std::uint32_t mask);

}  // namespace parley::wire
