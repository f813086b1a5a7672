// UTF-8 that is known to be well-formed, one character at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::graphql {

// How many bytes the character that begins with `first` has.
inline std::size_t utf8_size(char first) {
  const auto c = static_cast<unsigned char>(first);
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

inline std::uint32_t code_point_at(std::string_view text, std::size_t at) {
  const std::size_t size = utf8_size(text[at]);
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])); };
  if (size == 1) return byte(0);
  std::uint32_t point = byte(0) & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) point = point << 6U | (byte(i) & 0x3fU);
  return point;
}

inline void append_utf8(std::uint32_t point, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0U | point >> 6U);
  } else if (point < 0x10000) {
    put(0xe0U | point >> 12U);
    put(0x80U | (point >> 6U & 0x3fU));
  } else {
    put(0xf0U | point >> 18U);
    put(0x80U | (point >> 12U & 0x3fU));
    put(0x80U | (point >> 6U & 0x3fU));
  }
  put(0x80U | (point & 0x3fU));
}

// How many UTF-16 code units the text has.
inline std::uint32_t utf16_size(std::string_view text) {
  std::uint32_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80U) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

}  // namespace parley::graphql
