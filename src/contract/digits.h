// Integers as decimal text, eight digits a step.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace parley::contract {

inline constexpr std::uint64_t ascii_zeros = 0x3030303030303030;

// Eight decimal digits, one a byte, the first in the lowest: three divisions at once by multiplying lanes of one word.
inline std::uint64_t eight_digits(std::uint32_t value) {
  const std::uint64_t fours = value / 10000 | std::uint64_t{value % 10000} << 32U;
  const std::uint64_t hundreds = (fours * 10486 >> 20U) & 0x0000007f0000007fU;
  const std::uint64_t twos = hundreds | (fours - hundreds * 100) << 16U;
  const std::uint64_t tens = (twos * 103 >> 10U) & 0x000f000f000f000fU;
  return tens | (twos - tens * 10) << 8U;
}

inline char* put_word8(char* to, std::uint64_t word) {
  std::memcpy(to, &word, 8);
  return to + 8;
}

inline char* put_all_eight(char* to, std::uint32_t value) { return put_word8(to, eight_digits(value) | ascii_zeros); }

// Without leading zeros.
inline char* put_up_to_eight(char* to, std::uint32_t value) {
  const std::uint64_t digits = eight_digits(value);
  const auto zeros = static_cast<unsigned>(std::countr_zero(digits | std::uint64_t{1} << 56U)) / 8;
  put_word8(to, (digits | ascii_zeros) >> 8 * zeros);
  return to + 8 - zeros;
}

// Both return what follows the number, and may write up to 24 bytes (25 with a sign), also behind it.
inline char* put_uint(char* to, std::uint64_t value) {
  constexpr std::uint64_t eight = 100'000'000;
  if (value < eight) return put_up_to_eight(to, static_cast<std::uint32_t>(value));
  if (value < eight * eight) {
    to = put_up_to_eight(to, static_cast<std::uint32_t>(value / eight));
    return put_all_eight(to, static_cast<std::uint32_t>(value % eight));
  }
  to = put_up_to_eight(to, static_cast<std::uint32_t>(value / (eight * eight)));
  to = put_all_eight(to, static_cast<std::uint32_t>(value / eight % eight));
  return put_all_eight(to, static_cast<std::uint32_t>(value % eight));
}

inline char* put_int(char* to, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0) return put_uint(to, bits);
  *to = '-';
  return put_uint(to + 1, ~bits + 1);
}

}  // namespace parley::contract
