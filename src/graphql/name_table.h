// NameTable: numbers by name, for the moment of one check. Few names are compared one by one, many by hash.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/name_hash.h"

namespace parley::graphql {

class NameTable {
 public:
  // The number of `name`, and whether it is new; a new one has `fresh`.
  std::pair<std::uint32_t&, bool> add(std::string_view name, std::uint32_t fresh) {
    if (std::uint32_t* known = find(name)) return {*known, false};
    entries_.push_back({name, fresh});
    if (!slots_.empty()) {
      if (2 * entries_.size() > slots_.size()) {
        rebuild();
      } else {
        insert(static_cast<std::uint32_t>(entries_.size() - 1));
      }
    } else if (entries_.size() > few) {
      rebuild();
    }
    return {entries_.back().number, true};
  }

  std::uint32_t* find(std::string_view name) {
    if (slots_.empty()) {
      for (Entry& each : entries_) {
        if (each.name == name) return &each.number;
      }
      return nullptr;
    }
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = contract::name_hash(name) & mask; slots_[at] != 0; at = (at + 1) & mask) {
      Entry& entry = entries_[slots_[at] - 1];
      if (entry.name == name) return &entry.number;
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t few = 8;
  struct Entry {
    std::string_view name;
    std::uint32_t number;
  };

  void rebuild() {
    slots_.assign(slots_.empty() ? 8 * few : 2 * slots_.size(), 0);
    for (std::uint32_t i = 0; i < entries_.size(); ++i) insert(i);
  }
  void insert(std::uint32_t entry) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = contract::name_hash(entries_[entry].name) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = entry + 1;
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // 1 + position; 0: free
};

}  // namespace parley::graphql
