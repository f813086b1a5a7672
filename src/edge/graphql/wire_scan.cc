#include "edge/graphql/wire_scan.h"

#include "contract/wire_format.h"

namespace parley::edge::graphql {
namespace {

using contract::FieldTable;
using contract::Kind;
using contract::WireType;

// Reads the value behind a tag. `from` and `end` become the content's where it has a length. Null: malformed.
const char* read_value(std::uint32_t tag, const char*& from, const char*& end) {
  const auto type = static_cast<WireType>(tag & 7U);
  if (type == WireType::length) {
    std::size_t size = 0;
    from = contract::read_length(from, end, size);
    if (from == nullptr) return nullptr;
    end = from + size;
    return end;
  }
  if (type == WireType::group_start) {
    const char* content_end = nullptr;
    const char* const next = contract::skip_group(from, end, tag >> 3U, max_wire_depth, content_end);
    end = content_end;
    return next;
  }
  const char* const next = contract::skip_record(from, end, tag, max_wire_depth);
  end = next;
  return next;
}

void put(const WireSlot& wire, const char* record, const char* from, const char* end, const char* next, Slot& slot,
         std::uint16_t member) {
  if (slot.count == 0 || slot.member != member) slot = {.from = record, .member = member};
  if (!wire.field->repeated) slot.from = from;
  slot.end = wire.field->repeated ? next : end;
  ++slot.count;
}

}  // namespace

bool takes(const FieldTable& field, WireType type) {
  const WireType unpacked = contract::wire_type(field.kind);
  return type == unpacked || (type == WireType::length && field.repeated && field.kind < Kind::string);
}

bool scan(const ObjectPlan& plan, std::string_view message, std::span<Slot> slots) {
  const char* at = message.data();
  const char* const message_end = at + message.size();
  while (at != message_end) {
    const char* const record = at;
    std::uint32_t tag = 0;
    at = contract::read_tag(at, message_end, tag);
    if (at == nullptr) return false;
    const char* from = at;
    const char* end = message_end;
    at = read_value(tag, from, end);
    if (at == nullptr) return false;
    const WireSlot* wire = plan.wire(tag >> 3U);
    if (wire == nullptr || !takes(*wire->field, static_cast<WireType>(tag & 7U))) continue;
    put(*wire, record, from, end, at, slots[wire->slot], wire->member);
    if (wire->also != WireSlot::no_slot) put(*wire, record, from, end, at, slots[wire->also], 0);
  }
  return true;
}

bool ItemReader::next_packed(std::string_view& value) {
  const char* const from = packed_;
  const auto tag = static_cast<std::uint32_t>(contract::wire_type(field_.kind));
  packed_ = contract::skip_record(from, packed_end_, tag, 1);
  if (packed_ == nullptr) return broken();
  value = {from, packed_};
  return true;
}

bool ItemReader::next(std::string_view& value) {
  for (;;) {
    if (packed_ != packed_end_) return next_packed(value);
    if (at_ == end_) return false;
    std::uint32_t tag = 0;
    at_ = contract::read_tag(at_, end_, tag);
    if (at_ == nullptr) return broken();
    const char* from = at_;
    const char* end = end_;
    at_ = read_value(tag, from, end);
    if (at_ == nullptr) return broken();
    const auto type = static_cast<WireType>(tag & 7U);
    if (tag >> 3U != field_.number || !takes(field_, type)) continue;
    if (type == WireType::length && field_.kind < Kind::string) {
      packed_ = from;
      packed_end_ = end;
      continue;
    }
    value = {from, end};
    return true;
  }
}

std::string joined(const FieldTable& field, std::string_view message) {
  std::string all;
  const char* at = message.data();
  const char* const message_end = at + message.size();
  while (at != nullptr && at != message_end) {
    std::uint32_t tag = 0;
    at = contract::read_tag(at, message_end, tag);
    if (at == nullptr) break;
    const char* from = at;
    const char* end = message_end;
    at = read_value(tag, from, end);
    if (at != nullptr && tag >> 3U == field.number && takes(field, static_cast<WireType>(tag & 7U))) {
      all.append(from, end);
    }
  }
  return all;
}

}  // namespace parley::edge::graphql
