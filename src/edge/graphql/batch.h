// Batch: the keys that the joins of one level ask one loader for, and what came back. Keys are asked for once; items
// are found by their key, not by their place.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "edge/graphql/plan.h"

namespace parley::edge::graphql {

class JoinKey;

// Owned by an execution. What `add` is given a view of outlives the batch.
class Batch {
 public:
  static constexpr std::uint32_t none = 0xffffffff;

  // The key's position, a new one where it was not asked for yet.
  std::uint32_t add(const JoinKey& key);
  std::uint32_t find(std::string_view key) const;
  std::size_t size() const { return keys_.size(); }
  bool empty() const { return keys_.empty(); }

  // The request for the keys from `from` on, `count` of them.
  std::string request(const BatchPlan& plan, std::size_t from, std::size_t count) const;
  // Takes the answer to it. Errors: internal, the upstream's fault: malformed.
  Result<void> accept(const BatchPlan& plan, Bytes reply, std::size_t from);
  // Its call failed.
  void fail(Error why, std::size_t from, std::size_t count);

  // What came for a key: items in the order of the reply.
  struct Item {
    std::string_view content;
    std::uint32_t next = none;
  };
  std::uint32_t first_item(std::uint32_t key) const { return keys_[key].first; }
  const Item& item(std::uint32_t at) const { return items_[at]; }
  // Null: its call did not fail.
  const Error* error(std::uint32_t key) const {
    return keys_[key].error == none ? nullptr : &errors_[keys_[key].error];
  }

 private:
  struct Key {
    std::string_view view;
    std::uint32_t first = none;
    std::uint32_t last = none;
    std::uint32_t error = none;
  };
  std::size_t slot_of(std::string_view key) const;
  void grow();
  void add_item(std::uint32_t key, std::string_view content);
  Result<void> accept_item(const ql::Loader& loader, std::string_view content);
  Result<void> accept_entry(const ql::Loader& loader, std::string_view entry);

  std::vector<Key> keys_;
  std::vector<std::uint32_t> slots_;  // 1 + position in keys_; open addressing, at most half full
  std::deque<std::string> numbers_;   // the bytes of number keys
  std::vector<Item> items_;
  std::vector<Bytes> replies_;
  std::vector<Error> errors_;
};

}  // namespace parley::edge::graphql
