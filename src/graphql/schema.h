// Schema: a contract as GraphQL sees it (docs/graphql.md's mapping), with where each value comes from and goes to.
//
// Immutable: built at start-up and after each reload on any thread, then read from every shard without locks. All of it
// lies in one arena and points into the contract it was built from, which it keeps alive. Names are compared once, by
// validation; a planner follows the pointers that are left in the document.
//
// Introspection's own types (__Schema, __Type, …) and meta fields (__typename) are ordinary types and fields here, with
// Source::meta.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/contract.h"
#include "contract/load.h"
#include "contract/message_table.h"
#include "graphql/arena.h"
#include "graphql/name_index.h"
#include "graphql/type.h"

namespace parley::graphql {

struct Field;
struct InputValue;
struct Value;  // document.h

enum class TypeKind : std::uint8_t { scalar, object, union_type, enumeration, input_object };

// What a scalar type is. `text` forms are ProtoJSON's.
enum class Scalar : std::uint8_t {
  none,        // the type is no scalar
  int32,       // Int: int32, sint32, sfixed32
  float64,     // Float: float and double; NaN and the infinities cannot be shown
  string,      // String
  boolean,     // Boolean
  id,          // ID: of the introspection types' neighbours only; the mapping does not use it
  int64,       // Int64: a JSON string on output, a string or an integer on input; int64, sint64, sfixed64
  uint64,      // UInt64, the same; uint64, fixed64
  uint32,      // UInt32, the same; uint32, fixed32
  bytes,       // Bytes: base64
  timestamp,   // Timestamp: text of google.protobuf.Timestamp
  duration,    // Duration
  field_mask,  // FieldMask
  json,        // JSON: google.protobuf.Struct, Value, ListValue, Any and NullValue, as ProtoJSON writes them
};

// Where an output field's value comes from.
enum class Source : std::uint8_t {
  rpc,          // root field: `method` is called; see `unwrap`
  field,        // `field` of the parent's message
  one_of,       // a union: whichever of the members' fields the parent's message has; nullable
  join,         // `link`
  placeholder,  // nothing: always null. It stands in a type that would have no field
  meta,         // introspection: `meta` says what
};

// Introspection's fields, by type (specification, chapter Introspection).
enum class Meta : std::uint8_t {
  none,
  typename_,  // __typename of every object and union; __schema and __type of the query root
  schema,
  type,
  schema_description,  // __Schema
  schema_types,
  schema_query_type,
  schema_mutation_type,
  schema_subscription_type,
  schema_directives,
  type_kind,  // __Type
  type_name,
  type_description,
  type_specified_by_url,
  type_fields,
  type_interfaces,
  type_possible_types,
  type_enum_values,
  type_input_fields,
  type_of_type,
  type_is_one_of,
  field_name,  // __Field
  field_description,
  field_args,
  field_type,
  field_is_deprecated,
  field_deprecation_reason,
  input_name,  // __InputValue
  input_description,
  input_type,
  input_default_value,
  input_is_deprecated,
  input_deprecation_reason,
  value_name,  // __EnumValue
  value_description,
  value_is_deprecated,
  value_deprecation_reason,
  directive_name,  // __Directive
  directive_description,
  directive_is_repeatable,
  directive_locations,
  directive_args,
};

// A rpc that finds things by key.
struct Loader {
  const contract::Method* method = nullptr;
  const contract::FieldTable* keys = nullptr;   // in the request. Repeated: many keys a call. Else one
  const contract::FieldTable* items = nullptr;  // in the response: repeated messages, or a map by key; null: the
                                                // response itself is the one item of the one key
  const contract::FieldTable* match = nullptr;  // in the item: the key it is for. Null where `items` is a map or null
  bool many = false;                            // a key may have several items: the join is a list
  std::uint32_t max = 0;                        // keys a call, at most; 0: no limit of its own
  const contract::FieldTable* read_mask = nullptr;  // in the request; see Field::read_mask
};

// How a join finds what it shows.
struct Link {
  const Loader* loader = nullptr;
  const contract::FieldTable* key = nullptr;  // in the parent's message: a scalar. Repeated: the join is a list, an
                                              // item (or null) for each key in order
};

// A field of an object type.
struct Field {
  std::string_view name;
  std::string_view description;
  Type type;
  std::span<const InputValue> arguments;
  NameIndex argument_index;
  std::optional<std::string_view> deprecation;

  Source source = Source::field;
  Meta meta = Meta::none;
  const contract::FieldTable* field = nullptr;  // Source::field
  // Source::field: the value is a well-known wrapper (google.protobuf.StringValue): a message whose field 1 is what is
  // shown, null where the message is absent.
  bool wrapped = false;
  // Source::field: a map; the type is a list of entry objects, whose two fields are those of the map's entry message.
  bool map = false;
  const contract::Method* method = nullptr;  // Source::rpc
  // Source::rpc: this field of the response is shown in its place ((parley.graphql).unwrap). Null: the response is.
  const contract::FieldTable* unwrap = nullptr;
  // Source::rpc without side effects: the FieldMask of the request that says what to answer with (AIP-157's
  // `read_mask`); null if there is none. An argument that the caller gives stands above the selection.
  const contract::FieldTable* read_mask = nullptr;
  const Link* link = nullptr;  // Source::join

  const NamedType* owner = nullptr;  // null: a meta field
  std::uint32_t index = 0;           // in its owner's fields

  const InputValue* argument(std::string_view name) const;
};

// What an argument or a field of an input object becomes.
enum class InputShape : std::uint8_t {
  scalar,       // `field`, by its type's `scalar` (Scalar::json: a message in ProtoJSON)
  enumeration,  // `field`: the EnumValue's number
  object,       // `field`: a message; the type is an input object for that message
  map,          // `field`: a map; the type is a list of entry input objects {key value}
  one_of,       // the type is an @oneOf input object whose fields are fields of the *same* message
  request,      // a mutation's `input`: the request message itself
  placeholder,  // nothing: any value is ignored
  meta,         // arguments of introspection fields and directives
};

// An argument, or a field of an input object.
struct InputValue {
  std::string_view name;
  std::string_view description;
  Type type;
  const Value* default_value = nullptr;  // only directives and introspection have any
  std::string_view default_text;         // the same as a GraphQL literal; empty: there is none
  std::optional<std::string_view> deprecation;

  InputShape shape = InputShape::scalar;
  bool wrapped = false;  // the scalar goes into field 1 of the message (google.protobuf.StringValue)
  const contract::FieldTable* field = nullptr;
  std::uint32_t index = 0;  // in its field's arguments or its input object's fields

  // Non-null and without a default: it must be given.
  bool required() const { return type.non_null() && default_value == nullptr; }
};

struct EnumValue {
  std::string_view name;
  std::string_view description;
  std::optional<std::string_view> deprecation;
  std::int32_t number = 0;
};

// A member of a union: the object type that is shown where the parent's message has `field`.
struct UnionMember {
  const NamedType* type = nullptr;
  const contract::FieldTable* field = nullptr;
  // A scalar (or a type that another member has too) in a box: `type` has one field, with the same `field`, of the same
  // message that the union stands in. Not boxed: `type` is the message that `field` holds.
  bool boxed = false;
};

struct NamedType {
  TypeKind kind = TypeKind::scalar;
  Scalar scalar = Scalar::none;
  bool one_of = false;         // an @oneOf input object
  bool introspection = false;  // __Schema and so on, with their enums
  bool box = false;            // an object type with one field: a boxed member of a union
  std::uint32_t index = 0;     // in Schema::types()
  std::string_view name;
  std::string_view description;
  std::string_view specified_by;  // scalars: an address, or empty

  std::span<const Field> fields;         // objects
  std::span<const InputValue> inputs;    // input objects
  std::span<const EnumValue> values;     // enumerations, in order of declaration; not the one that is shown as null
  std::span<const UnionMember> members;  // unions, in order of declaration
  NameIndex names;                       // of fields, inputs or values

  // Objects and input objects: the message. Boxes and @oneOf input objects: the one that the oneof is in. Null: roots
  // and introspection.
  const contract::MessageTable* message = nullptr;
  // Enumerations of the contract. `null_number`: the number that is shown as null (X_UNSPECIFIED), if there is one.
  const contract::EnumTable* enumeration = nullptr;
  std::optional<std::int32_t> null_number;
  std::span<const std::uint32_t> values_by_number;  // positions in `values`, sorted by number, one a number

  bool is_leaf() const { return kind == TypeKind::scalar || kind == TypeKind::enumeration; }
  bool is_input() const { return is_leaf() || kind == TypeKind::input_object; }
  bool is_output() const { return kind != TypeKind::input_object; }
  bool is_composite() const { return kind == TypeKind::object || kind == TypeKind::union_type; }

  // Each is null if there is none of that name (or number). Meta fields are not among the fields: Schema::field.
  const Field* field(std::string_view name) const;
  const InputValue* input(std::string_view name) const;
  const EnumValue* value(std::string_view name) const;
  const EnumValue* value_of(std::int32_t number) const;
};

enum class DirectiveLocation : std::uint8_t {
  query,
  mutation,
  subscription,
  field,
  fragment_definition,
  fragment_spread,
  inline_fragment,
  variable_definition,
  schema,
  scalar,
  object,
  field_definition,
  argument_definition,
  interface,
  union_type,
  enumeration,
  enum_value,
  input_object,
  input_field_definition,
};
std::string_view name(DirectiveLocation location);  // "FIELD_DEFINITION"

// Only the specified ones exist: @include @skip @deprecated @specifiedBy @oneOf.
struct DirectiveDefinition {
  std::string_view name;
  std::string_view description;
  std::span<const InputValue> arguments;
  std::span<const DirectiveLocation> locations;
  bool repeatable = false;

  const InputValue* argument(std::string_view name) const;
};

class Schema;
using SchemaPtr = std::shared_ptr<const Schema>;

// A join that the configuration names, for contracts that cannot be edited: as (parley.link), on `field` of `message`.
struct ConfiguredLink {
  std::string message;  // "shop.Order"
  std::string field;    // "customer_id"
  std::string as;       // the name it is shown under: "customer"
  std::string rpc;      // "shop.Customers/BatchGetCustomers"
};

struct SchemaOptions {
  // Which rpcs are shown at all; empty: all.
  std::function<bool(const contract::Method&)> shown;
  std::vector<ConfiguredLink> links;
};

struct BuiltSchema {
  SchemaPtr schema;                               // null if any diagnostic is an error
  std::vector<contract::Diagnostic> diagnostics;  // what is wrong, where, and what to do
};

class Schema {
 public:
  // A contract without a query gets a Query type with a placeholder field, since GraphQL asks for one.
  static BuiltSchema build(contract::ContractPtr contract, const SchemaOptions& options = {});

  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  const contract::Contract& contract() const { return *contract_; }
  const NamedType& query() const { return *query_; }
  const NamedType* mutation() const { return mutation_; }          // null: there is none
  const NamedType* subscription() const { return subscription_; }  // null: there is none
  // In the order introspection lists them in.
  std::span<const NamedType* const> types() const { return types_; }
  std::span<const DirectiveDefinition> directives() const { return directives_; }

  const NamedType* type(std::string_view name) const;
  const DirectiveDefinition* directive(std::string_view name) const;
  // A field of `parent`, meta fields too; null if there is none.
  const Field* field(const NamedType& parent, std::string_view name) const;
  // Objects: itself. Unions: its members' types. Whether an object of type `object` can stand where `abstract` is.
  bool is_possible(const NamedType& abstract, const NamedType& object) const;
  // Whether some object type is possible in both.
  bool overlap(const NamedType& a, const NamedType& b) const;

  // The whole as a GraphQL document with descriptions, as graphql-js's printSchema writes it.
  std::string sdl() const;

 private:
  friend class SchemaBuilder;
  Schema() = default;

  contract::ContractPtr contract_;
  Arena arena_{64 << 10U};
  const NamedType* query_ = nullptr;
  const NamedType* mutation_ = nullptr;
  const NamedType* subscription_ = nullptr;
  std::span<const NamedType* const> types_;
  std::span<const DirectiveDefinition> directives_;
  NameIndex type_index_;
  const Field* typename_field_ = nullptr;
  const Field* schema_field_ = nullptr;
  const Field* type_field_ = nullptr;
};

}  // namespace parley::graphql
