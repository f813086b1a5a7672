// permessage-deflate (RFC 7692): agreeing on it, and the messages. Without context takeover, the default, a socket
// keeps no compression state at all: one compressor and one decompressor a thread serve all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace parley::wire {

enum class DeflateMode : std::uint8_t {
  off,
  message,  // each message by itself: no memory a socket
  context,  // what came before helps the next, as far as the client agrees: up to 300 KiB a socket
};

// What was agreed on (RFC 7692 section 7.1).
struct DeflateTerms {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  int server_max_window_bits = 15;
  int client_max_window_bits = 15;
  bool say_client_bits = false;  // the answer may name client_max_window_bits only where the offer did

  friend bool operator==(const DeflateTerms&, const DeflateTerms&) = default;
};

// `offers`: the value of Sec-WebSocket-Extensions (several fields joined by commas). The first offer that can be
// accepted; nothing: none, the extension is left out of the answer. An offer with unknown, doubled or bad parameters is
// passed over (section 7.1).
std::optional<DeflateTerms> agree_on_deflate(std::string_view offers, DeflateMode mode);
// The answer's value: "permessage-deflate; server_no_context_takeover".
std::string deflate_answer(const DeflateTerms& terms);

enum class InflateResult : std::uint8_t { ok, malformed, too_large };

// Decompresses the messages of one socket. Not moved: zlib points back at its state.
class MessageInflater {
 public:
  explicit MessageInflater(const DeflateTerms& terms);
  ~MessageInflater();
  MessageInflater(const MessageInflater&) = delete;
  MessageInflater& operator=(const MessageInflater&) = delete;

  // Replaces `out`. It never grows beyond `limit` bytes and a block.
  InflateResult inflate(std::string_view message, std::size_t limit, std::string& out);

 private:
  struct Stream;
  std::unique_ptr<Stream> own_;  // null: the thread's is used, afresh for each message
};

// Compresses the messages of one socket.
class MessageDeflater {
 public:
  explicit MessageDeflater(const DeflateTerms& terms);
  ~MessageDeflater();
  MessageDeflater(const MessageDeflater&) = delete;
  MessageDeflater& operator=(const MessageDeflater&) = delete;

  // Appends to `out`.
  void deflate(std::string_view message, std::string& out);
  // Messages below it are better sent as they are.
  std::size_t worth_from() const { return own_ ? 48 : 256; }

 private:
  struct Stream;
  std::unique_ptr<Stream> own_;  // null: the thread's of that window
  int window_bits_;
};

}  // namespace parley::wire
