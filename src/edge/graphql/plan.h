// Plan: one operation of a validated document, compiled into flat tables: for each object that may be answered, its
// response keys in order, where each value lies on the wire and how it is written. A response is written by walking
// these tables beside the wire bytes; no name is compared and no tree is built.
//
// @skip and @include are decided when the plan is made: an operation has one plan for each set of values of the
// variables they name. Owned by the cache (plan_cache.h), on one shard; read-only once made.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graphql/arena.h"
#include "graphql/document.h"
#include "graphql/schema.h"

namespace parley::edge::graphql {

namespace ql = parley::graphql;

// How one value, or one item of a list, is written.
enum class Form : std::uint8_t {
  scalar,       // as ProtoJSON writes the field's kind
  quoted,       // a 32-bit unsigned number in quotes (UInt32)
  floating,     // a number that may be no number at all
  enumeration,  // by `type`
  json,         // a message with a JSON form of its own
  object,       // a message, by objects[object]
  one_of,       // a union, by unions[extra]
  join,         // joins[extra]
  rpc,          // roots[extra]
  text,         // `fallback`: __typename, placeholders
  meta,         // introspection: by definition->meta
};

// What a value that is not on the wire reads as.
enum class Absent : std::uint8_t { null, fallback, empty_message };

// One response key of one object.
struct Output {
  std::string_view key;  // `,"name":`, with 16 readable bytes behind it
  Form form = Form::scalar;
  Absent absent = Absent::null;
  bool list = false;
  bool non_null = false;
  bool item_non_null = false;
  bool wrapped = false;        // the value is field 1 of a message
  bool leads_to_join = false;  // at or below it
  std::uint16_t slot = 0;      // in ObjectPlan's records
  std::uint32_t object = 0;
  std::uint32_t extra = 0;
  const contract::FieldTable* field = nullptr;      // of the value; where it is wrapped, of the value inside
  const contract::FieldTable* on_wire = nullptr;    // of the record: where it is not wrapped, the same
  const contract::MessageTable* message = nullptr;  // Form::json: what is written
  const ql::NamedType* type = nullptr;              // the innermost
  std::string_view fallback;
  const ql::Field* definition = nullptr;
  std::span<const ql::Selection* const> nodes;  // of the document: merged into this key

  std::string_view response_name() const { return key.substr(2, key.size() - 4); }
};

// What is looked for on the wire of an object: by field number, the slot its record goes to.
struct WireSlot {
  std::uint32_t number = 0;
  std::uint16_t slot = 0;
  std::uint16_t also = no_slot;  // a second slot, where a union's member is read by itself too
  std::uint16_t member = 0;      // of a union: 1 + position among its members
  const contract::FieldTable* field = nullptr;

  static constexpr std::uint16_t no_slot = 0xffff;
};

struct ObjectPlan {
  const ql::NamedType* type = nullptr;
  std::span<const Output> outputs;
  std::span<const WireSlot> wires;           // sorted by number, one a number
  std::span<const std::uint16_t> by_number;  // of small numbers: 1 + position in `wires`
  std::uint16_t slot_count = 0;
  bool leads_to_join = false;

  const WireSlot* wire(std::uint32_t number) const {
    if (number < by_number.size()) return by_number[number] == 0 ? nullptr : &wires[by_number[number] - 1U];
    return large_wire(number);
  }

 private:
  const WireSlot* large_wire(std::uint32_t number) const;
};

// A union: what is selected of each member, in the members' order.
struct UnionPlan {
  const ql::NamedType* type = nullptr;
  std::span<const std::uint32_t> objects;
};

struct JoinPlan {
  const ql::Field* definition = nullptr;
  std::uint32_t object = 0;
  std::uint32_t batch = 0;
  std::uint32_t level = 0;  // 1: below a root field
  bool leads_to_join = false;
};

// The joins that ask one loader on one level together.
struct BatchPlan {
  const ql::Loader* loader = nullptr;
  std::uint32_t level = 0;
  std::uint32_t root = 0;    // a mutation's fields share nothing; of a query always 0
  std::uint32_t method = 0;  // in Plan::methods
  std::string read_mask{};   // wire bytes of the request's mask; "": none
};

// A root field that calls a rpc. The reply's message is the value, an object by objects[output->object]; or, where the
// value is a field of it, objects[shell] has that field as its only output.
struct RootPlan {
  const Output* output = nullptr;
  std::uint32_t method = 0;
  bool has_shell = false;
  std::uint32_t shell = 0;
  std::string read_mask{};
  // What the field costs: `fixed`, and `for_each` item of the lists that a page size bounds.
  std::uint64_t fixed = 0;
  std::uint64_t for_each = 0;
};

struct PlanLimits {
  std::uint32_t depth = 0;
  std::uint32_t aliases = 0;
  std::uint64_t outputs = 0;
};

inline constexpr std::uint64_t assumed_list_size = 10;  // of a list whose size nobody said

// A variable's value, as far as @skip and @include ask: true or false.
using ConditionOf = bool (*)(const void* context, const ql::VariableDefinition& variable);

class Plan {
 public:
  // Errors: the operation is above a limit; it says which.
  static std::expected<std::unique_ptr<Plan>, ql::GraphqlError> make(const ql::Schema& schema,
                                                                     const ql::Document& document,
                                                                     const ql::OperationDefinition& operation,
                                                                     const PlanLimits& limits, ConditionOf condition,
                                                                     const void* context);

  const ql::Document* document = nullptr;
  const ql::OperationDefinition* operation = nullptr;
  std::uint32_t root = 0;  // object
  std::vector<ObjectPlan> objects;
  std::vector<UnionPlan> unions;
  std::vector<JoinPlan> joins;
  std::vector<BatchPlan> batches;
  std::vector<RootPlan> roots;
  std::vector<const contract::Method*> methods;  // that may be called, each once
  std::uint32_t levels = 0;                      // of joins
  std::size_t bytes() const;

 private:
  friend class Planner;
  ql::Arena arena_;
  std::size_t output_count_ = 0;
};

}  // namespace parley::edge::graphql
