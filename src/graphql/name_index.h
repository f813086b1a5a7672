// NameIndex: the position of a name in a list of named things, by hash; the list keeps the names.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "contract/name_hash.h"
#include "graphql/arena.h"

namespace parley::graphql {

class NameIndex {
 public:
  NameIndex() = default;
  // `name_of(item)` is its name, which must not be in the list twice.
  template <class T, class NameOf>
  NameIndex(std::span<T> items, NameOf name_of, Arena& arena) {
    if (items.empty()) return;
    std::size_t size = 4;
    while (size < 2 * items.size()) size *= 2;
    slots_ = arena.array<std::uint32_t>(size);
    for (std::size_t i = 0; i < items.size(); ++i) {
      std::size_t at = contract::name_hash(name_of(items[i])) & (size - 1);
      while (slots_[at] != 0) at = (at + 1) & (size - 1);
      slots_[at] = static_cast<std::uint32_t>(i + 1);
    }
  }

  // The item of that name; null if there is none. `items` as they were at construction.
  template <class T, class NameOf>
  T* find(std::span<T> items, std::string_view name, NameOf name_of) const {
    if (slots_.empty()) return nullptr;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = contract::name_hash(name) & mask; slots_[at] != 0; at = (at + 1) & mask) {
      T& item = items[slots_[at] - 1U];
      if (name_of(item) == name) return &item;
    }
    return nullptr;
  }

 private:
  std::span<std::uint32_t> slots_;  // 1 + position; 0: free. Open addressing, at most half full
};

}  // namespace parley::graphql
