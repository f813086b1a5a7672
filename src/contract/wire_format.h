// The primitives of the Protobuf encoding: varints, zigzag, fixed words, and skipping a record.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "contract/message_table.h"

namespace parley::contract {

static_assert(std::endian::native == std::endian::little, "fixed words are copied as they lie in memory");

inline constexpr std::size_t max_varint_size = 10;

inline char* put_varint(char* to, std::uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7U;
  }
  *to++ = static_cast<char>(value);
  return to;
}

inline std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1U)) * 9 + 64) / 64;  // ceil(bits / 7) for 1..64
}

inline std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U ^ (~(value & 1U) + 1U));
}

const char* read_long_varint(const char* from, const char* end, std::uint64_t& value);

// Returns what follows the varint, or null if it is cut off or longer than ten bytes.
inline const char* read_varint(const char* from, const char* end, std::uint64_t& value) {
  if (from != end && static_cast<signed char>(*from) >= 0) [[likely]] {
    value = static_cast<unsigned char>(*from);
    return from + 1;
  }
  return read_long_varint(from, end, value);
}

// A tag: field number << 3 | wire type. Null if it is cut off, the number is 0 or above 2^29 - 1, or the wire type is 6
// or 7.
inline const char* read_tag(const char* from, const char* end, std::uint32_t& tag) {
  std::uint64_t value = 0;
  from = read_varint(from, end, value);
  if (from == nullptr || value > 0xffffffffU || value < 8 || (value & 7U) > 5) return nullptr;
  tag = static_cast<std::uint32_t>(value);
  return from;
}

// Reads a length and checks that so much is there. `from` is then the first byte of the content.
inline const char* read_length(const char* from, const char* end, std::size_t& size) {
  std::uint64_t value = 0;
  from = read_varint(from, end, value);
  if (from == nullptr || value > static_cast<std::uint64_t>(end - from)) return nullptr;
  size = static_cast<std::size_t>(value);
  return from;
}

// Skips the rest of a record whose tag was read; null if it is malformed. An end-group tag is malformed here.
const char* skip_record(const char* from, const char* end, std::uint32_t tag, int depth);
// Skips to the end tag of a group whose start tag was read. `content_end` is where that end tag begins.
const char* skip_group(const char* from, const char* end, std::uint32_t number, int depth, const char*& content_end);

}  // namespace parley::contract
