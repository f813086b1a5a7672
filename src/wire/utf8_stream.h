// UTF-8 that comes in pieces (RFC 3629): fails at the first byte that no valid text can continue with.
#pragma once

#include <cstdint>
#include <string_view>

namespace parley::wire {

class Utf8Stream {
 public:
  // False: what came so far is the beginning of no valid text. Then it stays false until `reset`.
  bool write(std::string_view piece);
  // No character is cut off.
  bool is_complete() const { return needed_ == 0; }
  void reset() { needed_ = 0; }

 private:
  bool begin(unsigned char lead);

  // Continuation bytes that are missing, and what the next may be: 0x80 to 0xbf but after some lead bytes.
  std::uint8_t needed_ = 0;
  std::uint8_t lowest_ = 0x80;
  std::uint8_t highest_ = 0xbf;
};

}  // namespace parley::wire
