// Finds the records that a plan asks for in the wire bytes of a message. Merging is Protobuf's: the last scalar wins, a
// message in several records is their concatenation, of a oneof the last member stays, records of a repeated field may
// lie apart.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "edge/graphql/plan.h"

namespace parley::edge::graphql {

inline constexpr int max_wire_depth = 100;  // of groups nobody knows

struct Slot {
  // Of a singular field: its value, the content where it has a length. Of a repeated one: from its first record's tag
  // to the end of its last record.
  const char* from = nullptr;
  const char* end = nullptr;
  std::uint32_t count = 0;   // records; 0: absent
  std::uint16_t member = 0;  // of a union: 1 + position of the member that is set
  std::string_view content() const { return {from, end}; }
};

// Fills `slots` (zeroed, plan.slot_count of them). False: the message is malformed.
bool scan(const ObjectPlan& plan, std::string_view message, std::span<Slot> slots);

// The values of a repeated field, in order; packed records are taken apart.
class ItemReader {
 public:
  ItemReader(const contract::FieldTable& field, const Slot& slot) : field_(field), at_(slot.from), end_(slot.end) {}
  // The next value: the content of a string, bytes or message, or bytes that begin with the number.
  bool next(std::string_view& value);
  bool malformed() const { return malformed_; }

 private:
  bool next_packed(std::string_view& value);
  bool broken() {
    malformed_ = true;
    return false;
  }
  const contract::FieldTable& field_;
  const char* at_;
  const char* end_;
  const char* packed_ = nullptr;  // within a packed record
  const char* packed_end_ = nullptr;
  bool malformed_ = false;
};

// The content of a singular message that comes in several records of `message`.
std::string joined(const contract::FieldTable& field, std::string_view message);

// Whether a record of this wire type can hold a value of the field.
bool takes(const contract::FieldTable& field, contract::WireType type);

}  // namespace parley::edge::graphql
