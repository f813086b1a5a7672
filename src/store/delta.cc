#include "store/delta.h"

#include <algorithm>
#include <iterator>

namespace parley::store {

Delta::Entries::iterator Delta::at(std::string_view key) {
  // Keys come in order more often than not: look behind the last one first.
  if (!entries_.empty() && std::prev(entries_.end())->first < key) {
    return entries_.emplace_hint(entries_.end(), key, std::nullopt);
  }
  const auto found = entries_.lower_bound(key);
  return found != entries_.end() && found->first == key ? found : entries_.emplace_hint(found, key, std::nullopt);
}

void Delta::erase(Entries::iterator entry) {
  bytes_ -= overhead + entry->first.size() + (entry->second ? entry->second->size() : 0);
  entries_.erase(entry);
}

void Delta::put(std::string_view key, std::string_view value) {
  const std::size_t before = entries_.size();
  auto& entry = *at(key);
  if (entries_.size() != before) bytes_ += overhead + key.size();
  bytes_ += value.size() - (entry.second ? entry.second->size() : 0);
  if (entry.second) {
    entry.second->assign(value);
  } else {
    entry.second.emplace(value);
  }
}

void Delta::remove(std::string_view key) {
  if (hides(key) != nullptr) {
    if (const auto found = entries_.find(key); found != entries_.end()) erase(found);
    return;
  }
  const std::size_t before = entries_.size();
  auto& entry = *at(key);
  if (entries_.size() != before) bytes_ += overhead + key.size();
  bytes_ -= entry.second ? entry.second->size() : 0;
  entry.second.reset();
}

void Delta::remove_range(std::string_view from, std::string_view to) {
  if (from >= to) return;
  for (auto entry = entries_.lower_bound(from); entry != entries_.end() && entry->first < to;) erase(entry++);
  // One with all that it touches.
  std::string begin(from);
  std::string end(to);
  auto range = ranges_.upper_bound(from);
  if (range != ranges_.begin() && std::prev(range)->second >= from) --range;
  while (range != ranges_.end() && range->first <= to) {
    begin = std::min(begin, range->first);
    end = std::max(end, range->second);
    bytes_ -= overhead + range->first.size() + range->second.size();
    range = ranges_.erase(range);
  }
  bytes_ += overhead + begin.size() + end.size();
  ranges_.emplace(std::move(begin), std::move(end));
}

void Delta::clear() {
  entries_.clear();
  ranges_.clear();
  bytes_ = 0;
}

const Delta::Ranges::value_type* Delta::hides(std::string_view key) const {
  if (ranges_.empty()) return nullptr;
  auto range = ranges_.upper_bound(key);
  if (range == ranges_.begin()) return nullptr;
  --range;
  return key < range->second ? &*range : nullptr;
}

}  // namespace parley::store
