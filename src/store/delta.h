// Delta: the changes to a sorted map that are not written yet, as reads have to see them: values that were put, keys
// that were removed, and ranges of which nothing below is left.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace parley::store {

class Delta {
 public:
  using Entries = std::map<std::string, std::optional<std::string>, std::less<>>;  // nothing: removed
  using Ranges = std::map<std::string, std::string, std::less<>>;  // from, to (not included); they do not touch

  void put(std::string_view key, std::string_view value);
  void remove(std::string_view key);
  void remove_range(std::string_view from, std::string_view to);
  void clear();

  // Of what is below: the range that hides `key`, if one does. Entries count above that.
  const Ranges::value_type* hides(std::string_view key) const;
  const Entries& entries() const { return entries_; }
  const Ranges& ranges() const { return ranges_; }
  // About what it holds.
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t overhead = 32;  // of an entry, about what RocksDB adds to it too
  Entries::iterator at(std::string_view key);
  void erase(Entries::iterator entry);

  Entries entries_;
  Ranges ranges_;
  std::size_t bytes_ = 0;
};

}  // namespace parley::store
