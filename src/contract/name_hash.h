// A hash for the short names of fields: it reads the first, the last and the middle eight bytes. Tables compare the
// whole name afterwards, so names that differ elsewhere only cost a second comparison.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace parley::contract {

inline std::uint64_t load_up_to_8(const char* from, std::size_t size) {
  std::uint64_t word = 0;
  if (size >= 8) {
    std::memcpy(&word, from, 8);
  } else if (size >= 4) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, from, 4);
    std::memcpy(&high, from + size - 4, 4);
    word = low | std::uint64_t{high} << 32U;
  } else if (size > 0) {
    const auto byte = [from](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(from[i])}; };
    word = byte(0) | byte(size / 2) << 8U | byte(size - 1) << 16U;
  }
  return word;
}

inline std::uint32_t name_hash(std::string_view text) {
  constexpr std::uint64_t mix = 0x9e3779b97f4a7c15U;
  std::uint64_t hash = load_up_to_8(text.data(), text.size()) + text.size() * mix;
  if (text.size() > 8) {
    hash = (hash ^ hash >> 29U) * mix;
    hash ^= load_up_to_8(text.data() + text.size() - 8, 8);
    if (text.size() > 16) hash = (hash ^ hash >> 31U) * mix + load_up_to_8(text.data() + text.size() / 2 - 4, 8);
  }
  hash *= mix;
  return static_cast<std::uint32_t>(hash >> 32U);
}

}  // namespace parley::contract
