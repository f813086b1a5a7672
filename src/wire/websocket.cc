#include "wire/websocket.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace parley::wire {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t rsv1_bit = 0x40;  // RFC 7692 section 6: the message is compressed
constexpr std::uint8_t reserved_bits = 0x30;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::size_t control_limit = 125;
constexpr std::size_t kept_capacity = 1024;

bool is_control(WsOpcode opcode) { return opcode >= WsOpcode::close; }

bool is_known(std::uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

// RFC 6455 section 7.4, and IANA's registry for 1012 to 1014.
bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

bool is_utf8(std::string_view text) {
  Utf8Stream utf8;
  return utf8.write(text) && utf8.is_complete();
}

std::uint64_t big_endian(const char* from, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8U | static_cast<unsigned char>(from[i]);
  return value;
}

}  // namespace

std::uint32_t ws_mask(char* to, std::string_view from, std::uint32_t mask) {
  const std::uint64_t wide = mask | static_cast<std::uint64_t>(mask) << 32U;
  const char* at = from.data();
  std::size_t left = from.size();
  for (; left >= 8; left -= 8, at += 8, to += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    word ^= wide;
    std::memcpy(to, &word, 8);
  }
  for (std::size_t i = 0; i < left; ++i) to[i] = static_cast<char>(at[i] ^ static_cast<char>(wide >> (8 * i)));
  return std::rotr(mask, static_cast<int>(8 * (left % 4)));
}

// The head.

std::size_t WebSocketDecoder::head_length() const {
  const auto second = static_cast<std::uint8_t>(head_[1]);
  const std::size_t length = second & 0x7fU;
  return 2 + (length == 126 ? 2U : length == 127 ? 8U : 0U) + ((second & mask_bit) != 0 ? 4U : 0U);
}

bool WebSocketDecoder::take_head(std::string_view& in) {
  const auto take = [&](std::size_t wanted) {
    const std::size_t part = std::min(wanted - head_size_, in.size());
    if (part == 0) return false;  // an empty view may point nowhere
    std::memcpy(head_.data() + head_size_, in.data(), part);
    head_size_ = static_cast<std::uint8_t>(head_size_ + part);
    in.remove_prefix(part);
    return head_size_ == wanted;
  };
  if (head_size_ < 2 && !take(2)) return false;
  return head_size_ >= head_length() || take(head_length());
}

// What the first two bytes say already, so that nothing is waited for in vain.
WebSocketDecoder::Outcome WebSocketDecoder::check_frame(std::uint8_t first, std::uint8_t second) {
  const bool control = is_control(opcode_);
  if (!is_known(first & 0x0fU)) return broken(WsClose::protocol_error, "an opcode that is reserved");
  if ((first & reserved_bits) != 0) return broken(WsClose::protocol_error, "a reserved bit is set");
  const bool may_compress = inflater_ != nullptr && !control && opcode_ != WsOpcode::continuation;
  if ((first & rsv1_bit) != 0 && !may_compress) return broken(WsClose::protocol_error, "a reserved bit is set");
  if (((second & mask_bit) != 0) != masked_) {
    return broken(WsClose::protocol_error, masked_ ? "a client's frame is not masked" : "a server's frame is masked");
  }
  if (control && !fin_) return broken(WsClose::protocol_error, "a control frame is fragmented");
  if (control && (second & 0x7fU) > control_limit)
    return broken(WsClose::protocol_error, "a control frame is too long");
  if (!control && (opcode_ == WsOpcode::continuation) != in_message_) {
    return broken(WsClose::protocol_error,
                  in_message_ ? "a message begins within another" : "a continuation of no message");
  }
  return Event::need_more;
}

WebSocketDecoder::Outcome WebSocketDecoder::begin_frame() {
  const auto second = static_cast<std::uint8_t>(head_[1]);
  const std::size_t short_length = second & 0x7fU;
  const std::size_t extra = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  left_ = extra == 0 ? short_length : big_endian(head_.data() + 2, extra);
  // RFC 6455 section 5.2: the shortest form, and at most 63 bits.
  if ((extra == 2 && left_ < 126) || (extra == 8 && (left_ < 65536 || left_ >> 63U != 0)))
    return broken(WsClose::protocol_error, "a length is not in its shortest form");
  mask_ = 0;
  if (masked_) std::memcpy(&mask_, head_.data() + 2 + extra, 4);
  static_assert(std::endian::native == std::endian::little, "the mask's first byte is its lowest");
  head_size_ = 0;
  state_ = State::payload;
  if (is_control(opcode_)) {
    control_size_ = 0;
    return Event::need_more;
  }
  if (opcode_ != WsOpcode::continuation) {
    message_.clear();
    is_text_ = opcode_ == WsOpcode::text;
    compressed_ = (static_cast<std::uint8_t>(head_[0]) & rsv1_bit) != 0;
    utf8_.reset();
  }
  in_message_ = true;
  if (left_ > limits_.message_bytes - std::min(message_.size(), limits_.message_bytes))
    return broken(WsClose::too_large, "a message is above the limit");
  return Event::need_more;
}

// The payload.

WebSocketDecoder::Outcome WebSocketDecoder::take_payload(std::string_view& in) {
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
  const std::string_view bytes = in.substr(0, part);
  in.remove_prefix(part);
  left_ -= part;
  if (is_control(opcode_)) {
    mask_ = ws_mask(control_.data() + control_size_, bytes, mask_);
    control_size_ = static_cast<std::uint8_t>(control_size_ + part);
    return Event::need_more;
  }
  const std::size_t before = message_.size();
  message_.resize_and_overwrite(before + part, [&](char* text, std::size_t /*libstdc++ 12: perhaps more*/) {
    mask_ = ws_mask(text + before, bytes, mask_);
    return before + part;
  });
  if (is_text_ && !compressed_ && !utf8_.write(std::string_view(message_).substr(before)))
    return broken(WsClose::bad_data, "a text message is not UTF-8");
  return Event::need_more;
}

WebSocketDecoder::Outcome WebSocketDecoder::end_frame() {
  state_ = State::head;
  if (!is_control(opcode_)) return fin_ ? end_message() : Outcome(Event::need_more);
  payload_ = {control_.data(), control_size_};
  if (opcode_ == WsOpcode::ping) return Event::ping;
  if (opcode_ == WsOpcode::pong) return Event::pong;
  return end_close();
}

WebSocketDecoder::Outcome WebSocketDecoder::end_message() {
  in_message_ = false;
  payload_ = message_;
  if (compressed_) {
    switch (inflater_->inflate(message_, limits_.message_bytes, inflated_)) {
      case InflateResult::ok: break;
      case InflateResult::malformed: return broken(WsClose::bad_data, "a message does not decompress");
      case InflateResult::too_large: return broken(WsClose::too_large, "a message is above the limit");
    }
    payload_ = inflated_;
    if (is_text_ && !utf8_.write(payload_)) return broken(WsClose::bad_data, "a text message is not UTF-8");
  }
  if (is_text_ && !utf8_.is_complete()) return broken(WsClose::bad_data, "a text message is not UTF-8");
  return is_text_ ? Event::text : Event::binary;
}

// RFC 6455 section 5.5.1.
WebSocketDecoder::Outcome WebSocketDecoder::end_close() {
  state_ = State::closed;
  close_code_ = static_cast<std::uint16_t>(WsClose::none);
  if (payload_.empty()) return Event::close;
  if (payload_.size() < 2) return broken(WsClose::protocol_error, "half a close code");
  close_code_ = static_cast<std::uint16_t>(big_endian(payload_.data(), 2));
  payload_.remove_prefix(2);
  if (!may_be_sent(close_code_)) return broken(WsClose::protocol_error, "a close code that is never sent");
  if (!is_utf8(payload_)) return broken(WsClose::bad_data, "a close reason is not UTF-8");
  return Event::close;
}

WebSocketDecoder::Outcome WebSocketDecoder::broken(WsClose code, std::string_view text) {
  state_ = State::broken;
  failure_ = {code, text};
  return std::unexpected(failure_);
}

WebSocketDecoder::Outcome WebSocketDecoder::next(std::string_view& in) {
  for (;;) {
    if (state_ == State::broken) return std::unexpected(failure_);
    if (state_ == State::closed) in = {};
    if (state_ == State::head) {
      const bool had_two = head_size_ >= 2;
      const bool complete = take_head(in);
      if (!had_two && head_size_ >= 2) {
        const auto first = static_cast<std::uint8_t>(head_[0]);
        opcode_ = static_cast<WsOpcode>(first & 0x0fU);
        fin_ = (first & fin_bit) != 0;
        if (auto good = check_frame(first, static_cast<std::uint8_t>(head_[1])); !good) return good;
      }
      if (!complete) return Event::need_more;
      if (auto begun = begin_frame(); !begun) return begun;
    }
    if (left_ > 0) {
      if (in.empty()) return Event::need_more;
      if (auto taken = take_payload(in); !taken) return taken;
      if (left_ > 0) return Event::need_more;
    }
    if (state_ != State::payload) return Event::need_more;
    if (auto ended = end_frame(); !ended || *ended != Event::need_more) return ended;
  }
}

void WebSocketDecoder::shrink() {
  payload_ = {};
  if (!in_message_ && message_.capacity() > kept_capacity) std::string().swap(message_);
  if (inflated_.capacity() > kept_capacity) std::string().swap(inflated_);
}

// Serialisation.

std::size_t put_ws_head_before(char* end, WsOpcode opcode, bool compressed, std::size_t payload) {
  const std::size_t extra = payload < 126 ? 0 : payload < 65536 ? 2 : 8;
  char* const begin = end - 2 - extra;
  begin[0] = static_cast<char>(fin_bit | (compressed ? rsv1_bit : 0U) | static_cast<unsigned>(opcode));
  begin[1] = static_cast<char>(extra == 0 ? payload : extra == 2 ? 126 : 127);
  for (std::size_t i = 0; i < extra; ++i) begin[2 + i] = static_cast<char>(payload >> (8 * (extra - 1 - i)));
  return 2 + extra;
}

void append_ws_frame(std::string& out, WsOpcode opcode, std::string_view payload, bool compressed) {
  std::array<char, max_ws_head> head;
  char* const end = head.data() + head.size();
  const std::size_t size = put_ws_head_before(end, opcode, compressed, payload.size());
  out.append(end - size, size).append(payload);
}

void append_masked_ws_frame(std::string& out, WsOpcode opcode, std::string_view payload, std::uint32_t mask,
                            bool compressed) {
  std::array<char, max_ws_head> head;
  char* const end = head.data() + head.size();
  const std::size_t size = put_ws_head_before(end, opcode, compressed, payload.size());
  end[1 - static_cast<std::ptrdiff_t>(size)] |= static_cast<char>(mask_bit);
  out.append(end - size, size);
  std::array<char, 4> key;
  std::memcpy(key.data(), &mask, key.size());
  out.append(key.data(), key.size());
  const std::size_t at = out.size();
  out.append(payload);
  ws_mask(out.data() + at, payload, mask);
}

std::string ws_close_payload(std::uint16_t code, std::string_view reason) {
  constexpr std::size_t most = control_limit - 2;
  if (reason.size() > most) {
    std::size_t cut = most;
    while (cut > 0 && (static_cast<unsigned char>(reason[cut]) & 0xc0U) == 0x80) --cut;
    reason = reason.substr(0, cut);
  }
  std::string out = {static_cast<char>(code >> 8U), static_cast<char>(code)};
  return out.append(reason);
}

}  // namespace parley::wire
