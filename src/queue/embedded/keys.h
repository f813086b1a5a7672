// Keys of the view. All begin with `q`, so that other models find room beside; numbers are eight bytes, highest first,
// so that keys sort as numbers do. docs/formats/store-queues.md lists them with their values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace parley::queue::embedded::keys {

inline void append(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}
inline std::uint64_t number_at(std::string_view key, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = at; i < at + 8 && i < key.size(); ++i) value = value << 8 | static_cast<std::uint8_t>(key[i]);
  return value;
}
inline std::string make(char family, std::initializer_list<std::uint64_t> numbers, std::string_view text = {}) {
  std::string key = "q";
  key.reserve(2 + 8 * numbers.size() + text.size());
  key.push_back(family);
  for (const std::uint64_t n : numbers) append(key, n);
  key.append(text);
  return key;
}
// The i-th number of a key.
inline std::uint64_t part(std::string_view key, std::size_t i) { return number_at(key, 2 + 8 * i); }

inline constexpr char state = 'M';       // -> what concerns all: ids, live counts
inline constexpr char log = 'L';         // log -> its state
inline constexpr char group = 'G';       // group -> its state and its open messages in memory
inline constexpr char index = 'I';       // log, first position -> a run: the frame, and which messages are in it
inline constexpr char dead = 'Z';        // group, position -> a dead letter
inline constexpr char delayed = 'D';     // group, due, position -> an open message
inline constexpr char parked = 'K';      // group, line, position -> an open message
inline constexpr char delayed_at = 'd';  // group, position -> due: finds it in D
inline constexpr char parked_at = 'k';   // group, position -> line: finds it in K
inline constexpr char in_place = 'W';    // group, position -> nothing: its due time has come, the cursor has not
inline constexpr char large = 'B';       // log, position -> bytes of a large message's record
inline constexpr char dedup = 'U';       // log, dedup key -> id, position, until
inline constexpr char dedup_end = 'u';   // log, until, position -> dedup key

}  // namespace parley::queue::embedded::keys
