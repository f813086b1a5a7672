#include "edge/graphql/batch.h"

#include <functional>

#include "contract/wire_format.h"
#include "edge/graphql/join_key.h"
#include "edge/graphql/wire_scan.h"

namespace parley::edge::graphql {
namespace {

using contract::FieldTable;

Error malformed() {
  return Error(Code::internal, Blame::upstream, "the service's reply is malformed").with_reason("malformed_reply");
}

// Calls `visit` with the value of each record of `field`. False: malformed.
template <class Visit>
bool each_value(const FieldTable& field, std::string_view message, const Visit& visit) {
  const Slot all{.from = message.data(), .end = message.data() + message.size(), .count = 1};
  ItemReader values(field, all);
  std::string_view value;
  while (values.next(value)) visit(value);
  return !values.malformed();
}

}  // namespace

std::size_t Batch::slot_of(std::string_view key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = std::hash<std::string_view>()(key) & mask;
  while (slots_[at] != 0 && keys_[slots_[at] - 1].view != key) at = (at + 1) & mask;
  return at;
}

void Batch::grow() {
  slots_.assign(slots_.empty() ? 16 : 2 * slots_.size(), 0);
  for (std::size_t i = 0; i < keys_.size(); ++i) slots_[slot_of(keys_[i].view)] = static_cast<std::uint32_t>(i + 1);
}

std::uint32_t Batch::add(const JoinKey& key) {
  if (slots_.size() < 2 * (keys_.size() + 1)) grow();
  std::uint32_t& slot = slots_[slot_of(key.view())];
  if (slot != 0) return slot - 1;
  keys_.push_back({.view = key.is_number() ? std::string_view(numbers_.emplace_back(key.view())) : key.view()});
  slot = static_cast<std::uint32_t>(keys_.size());
  return slot - 1;
}

std::uint32_t Batch::find(std::string_view key) const {
  if (slots_.empty()) return none;
  const std::uint32_t slot = slots_[slot_of(key)];
  return slot == 0 ? none : slot - 1;
}

std::string Batch::request(const BatchPlan& plan, std::size_t from, std::size_t count) const {
  std::string wire;
  for (std::size_t i = from; i < from + count; ++i) put_key(*plan.loader->keys, keys_[i].view, wire);
  return wire += plan.read_mask;
}

void Batch::add_item(std::uint32_t key, std::string_view content) {
  const auto at = static_cast<std::uint32_t>(items_.size());
  items_.push_back({.content = content});
  Key& of = keys_[key];
  (of.first == none ? of.first : items_[of.last].next) = at;
  of.last = at;
}

Result<void> Batch::accept_item(const ql::Loader& loader, std::string_view content) {
  JoinKey key;
  bool has_key = false;
  if (!each_value(*loader.match, content, [&](std::string_view value) { has_key = key.read(*loader.match, value); })) {
    return parley::fail(malformed());
  }
  // An item nobody asked for is nobody's.
  if (const std::uint32_t at = has_key ? find(key.view()) : none; at != none) add_item(at, content);
  return {};
}

Result<void> Batch::accept_entry(const ql::Loader& loader, std::string_view entry) {
  const std::vector<FieldTable>& fields = loader.items->message->fields();
  JoinKey key;
  bool has_key = false;
  std::string_view content;
  const bool good =
      each_value(fields[0], entry, [&](std::string_view value) { has_key = key.read(fields[0], value); }) &&
      each_value(fields[1], entry, [&](std::string_view value) { content = value; });
  if (!good) return parley::fail(malformed());
  const std::uint32_t at = has_key ? find(key.view()) : none;
  if (at != none && keys_[at].first == none) add_item(at, content);
  return {};
}

Result<void> Batch::accept(const BatchPlan& plan, Bytes reply, std::size_t from) {
  const ql::Loader& loader = *plan.loader;
  replies_.push_back(std::move(reply));
  const std::string_view message = replies_.back().view();
  if (loader.items == nullptr) {
    add_item(static_cast<std::uint32_t>(from), message);
    return {};
  }
  // One key a call and nothing in the item to tell it by: all items are that key's.
  const bool all_are_its = loader.match == nullptr && !loader.items->map;
  Result<void> done;
  const bool good = each_value(*loader.items, message, [&](std::string_view value) {
    if (!done) return;
    if (all_are_its) {
      add_item(static_cast<std::uint32_t>(from), value);
    } else {
      done = loader.items->map ? accept_entry(loader, value) : accept_item(loader, value);
    }
  });
  if (!good) return parley::fail(malformed());
  return done;
}

void Batch::fail(Error why, std::size_t from, std::size_t count) {
  errors_.push_back(std::move(why));
  for (std::size_t i = from; i < from + count; ++i) {
    keys_[i].error = static_cast<std::uint32_t>(errors_.size() - 1);
    keys_[i].first = none;
  }
}

}  // namespace parley::edge::graphql
