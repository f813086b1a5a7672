#include "wire/utf8_stream.h"

#include <cstring>

namespace parley::wire {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080U;

// The first byte that is not ASCII, or the end. Sixteen bytes a step.
const char* skip_ascii(const char* at, const char* end) {
  while (end - at >= 16) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::memcpy(&a, at, 8);
    std::memcpy(&b, at + 8, 8);
    if (((a | b) & high_bits) != 0) break;
    at += 16;
  }
  while (at != end && static_cast<signed char>(*at) >= 0) ++at;
  return at;
}

}  // namespace

// RFC 3629 section 4: overlong forms, surrogates and what is above U+10FFFF show in the byte after the lead.
bool Utf8Stream::begin(unsigned char lead) {
  lowest_ = 0x80;
  highest_ = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    needed_ = 1;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    needed_ = 2;
    if (lead == 0xe0) lowest_ = 0xa0;
    if (lead == 0xed) highest_ = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    needed_ = 3;
    if (lead == 0xf0) lowest_ = 0x90;
    if (lead == 0xf4) highest_ = 0x8f;
  } else {
    return false;
  }
  return true;
}

bool Utf8Stream::write(std::string_view piece) {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at != end) {
    if (needed_ == 0) {
      at = skip_ascii(at, end);
      if (at == end) return true;
      if (!begin(static_cast<unsigned char>(*at++))) return false;
      continue;
    }
    const auto byte = static_cast<unsigned char>(*at++);
    if (byte < lowest_ || byte > highest_) return false;
    lowest_ = 0x80;
    highest_ = 0xbf;
    --needed_;
  }
  return true;
}

}  // namespace parley::wire
