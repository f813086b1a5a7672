// Small sets that tell what was met already while one object is read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace parley::contract {

// Of small numbers: fields and oneofs of one message. No allocation up to 256 of them.
class SeenSet {
 public:
  explicit SeenSet(std::size_t count) {
    if (count <= 64 * inline_words) [[likely]]
      return;
    more_ = std::make_unique<std::uint64_t[]>((count + 63) / 64);
    words_ = more_.get();
  }
  SeenSet(const SeenSet&) = delete;
  SeenSet& operator=(const SeenSet&) = delete;

  bool has(std::size_t i) const { return (words_[i / 64] >> i % 64 & 1U) != 0; }
  // False if it was in the set already.
  bool add(std::size_t i) {
    std::uint64_t& word = words_[i / 64];
    const std::uint64_t bit = std::uint64_t{1} << i % 64;
    const bool added = (word & bit) == 0;
    word |= bit;
    return added;
  }

 private:
  static constexpr std::size_t inline_words = 4;
  std::uint64_t inline_[inline_words] = {};
  std::uint64_t* words_ = inline_;
  std::unique_ptr<std::uint64_t[]> more_;
};

// Of map keys, by a 64-bit hash alone: that two honest keys are taken for one has odds of n^2 / 2^65.
class KeySet {
 public:
  // False if it was in the set already.
  bool add(std::string_view key) {
    std::uint64_t hash = std::hash<std::string_view>()(key);
    if (hash == 0) hash = 1;  // 0 marks a free slot
    if (!slots_.empty()) return add_slot(hash);
    for (std::size_t i = 0; i < count_; ++i) {
      if (first_[i] == hash) return false;
    }
    if (count_ < few) {
      first_[count_++] = hash;
      return true;
    }
    slots_.resize(8 * few);
    for (const std::uint64_t old : first_) insert(old);
    return add_slot(hash);
  }

 private:
  static constexpr std::size_t few = 8;

  bool add_slot(std::uint64_t hash) {
    if (!insert(hash)) return false;
    if (2 * ++count_ > slots_.size()) {
      std::vector<std::uint64_t> old(2 * slots_.size());
      old.swap(slots_);
      for (const std::uint64_t each : old) {
        if (each != 0) insert(each);
      }
    }
    return true;
  }
  bool insert(std::uint64_t hash) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    for (; slots_[at] != 0; at = (at + 1) & mask) {
      if (slots_[at] == hash) return false;
    }
    slots_[at] = hash;
    return true;
  }

  std::uint64_t first_[few] = {};
  std::size_t count_ = 0;
  std::vector<std::uint64_t> slots_;
};

}  // namespace parley::contract
