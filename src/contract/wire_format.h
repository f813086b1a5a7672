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

// The same without a branch on the size, for numbers of any size in a row. May write ten bytes.
inline char* put_varint_wide(char* to, std::uint64_t value) {
  const auto size = (static_cast<unsigned>(std::bit_width(value | 1U)) + 6) / 7;
  const std::uint64_t all = value;
  value = (value & 0x000000000fffffffU) | (value & 0x00fffffff0000000U) << 4U;
  value = (value & 0x00003fff00003fffU) | (value & 0x0fffc0000fffc000U) << 2U;
  value = (value & 0x007f007f007f007fU) | (value & 0x3f803f803f803f80U) << 1U;
  if (size <= 8) {
    value |= 0x8080808080808080U & ((std::uint64_t{1} << 8 * (size - 1)) - 1);
    std::memcpy(to, &value, 8);
    return to + size;
  }
  value |= 0x8080808080808080U;  // nine bytes, or the ten of every negative number
  std::memcpy(to, &value, 8);
  to[8] = static_cast<char>((all >> 56U & 0x7fU) | (all >> 63U) << 7U);
  to[9] = static_cast<char>(all >> 63U);
  return to + size;
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

// The same without a branch on the size, for numbers of any size in a row.
inline const char* read_varint_wide(const char* from, const char* end, std::uint64_t& value) {
  if (end - from < 10) [[unlikely]]
    return read_varint(from, end, value);
  std::uint64_t word = 0;
  std::memcpy(&word, from, 8);
  const std::uint64_t stops = ~word & 0x8080808080808080U;
  const std::uint64_t used = stops ^ (stops - 1);  // up to the byte that ends the number; all bits if none does
  word &= used & 0x7f7f7f7f7f7f7f7fU;
  word = (word & 0x007f007f007f007fU) | (word & 0x7f007f007f007f00U) >> 1U;
  word = (word & 0x00003fff00003fffU) | (word & 0x3fff00003fff0000U) >> 2U;
  word = (word & 0x000000000fffffffU) | (word & 0x0fffffff00000000U) >> 4U;
  if (stops != 0) [[likely]] {
    value = word;
    return from + (static_cast<unsigned>(std::countr_zero(stops)) + 1) / 8;
  }
  const auto ninth = static_cast<unsigned char>(from[8]);
  const auto tenth = static_cast<unsigned char>(from[9]);
  value = word | std::uint64_t{ninth & 0x7fU} << 56U;
  if (ninth < 0x80) return from + 9;
  value |= std::uint64_t{tenth} << 63U;
  return tenth < 0x80 ? from + 10 : nullptr;
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
