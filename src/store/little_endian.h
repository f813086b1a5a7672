// Fixed-width little-endian numbers in the store's files.
#pragma once

#include <bit>
#include <concepts>
#include <cstring>

namespace parley::store {

static_assert(std::endian::native == std::endian::little, "put_number and get_number would have to swap");

template <std::integral T>
void put_number(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <std::integral T>
T get_number(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace parley::store
