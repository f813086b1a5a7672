#include "graphql/schema_builder.h"

#include <algorithm>
#include <stdexcept>

#include "contract/comments.h"
#include "graphql/schema_builder_text.h"

namespace parley::graphql {
namespace {

namespace pb = google::protobuf;

struct ScalarType {
  Scalar scalar;
  std::string_view name;
  std::string_view description;
  std::string_view specified_by;
};
constexpr ScalarType scalar_types[] = {
    {Scalar::int32, "Int", "A whole number from -2^31 to 2^31 - 1.", ""},
    {Scalar::float64, "Float", "A number with a fraction, of double precision.", ""},
    {Scalar::string, "String", "Text.", ""},
    {Scalar::boolean, "Boolean", "`true` or `false`.", ""},
    {Scalar::id, "ID", "A name that says which, and nothing else.", ""},
    {Scalar::int64, "Int64",
     "A whole number from -2^63 to 2^63 - 1, as a string of digits. A literal may be a number too.", ""},
    {Scalar::uint64, "UInt64",
     "A whole number from 0 to 2^64 - 1, as a string of digits. A literal may be a number too.", ""},
    {Scalar::uint32, "UInt32",
     "A whole number from 0 to 2^32 - 1, as a string of digits. A literal may be a number too.", ""},
    {Scalar::bytes, "Bytes", "Bytes in base64.", "https://www.rfc-editor.org/rfc/rfc4648"},
    {Scalar::timestamp, "Timestamp", "A moment, such as `2026-01-02T03:04:05.678Z`.",
     "https://www.rfc-editor.org/rfc/rfc3339"},
    {Scalar::duration, "Duration", "A span of time in seconds, such as `1.5s`.", ""},
    {Scalar::field_mask, "FieldMask", "Names of fields with commas between them, such as `title,price.units`.", ""},
    {Scalar::json, "JSON", "Any JSON value.", "https://www.rfc-editor.org/rfc/rfc8259"},
};

Scalar scalar_of(const pb::FieldDescriptor& field) {
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_INT32:
    case pb::FieldDescriptor::TYPE_SINT32:
    case pb::FieldDescriptor::TYPE_SFIXED32: return Scalar::int32;
    case pb::FieldDescriptor::TYPE_INT64:
    case pb::FieldDescriptor::TYPE_SINT64:
    case pb::FieldDescriptor::TYPE_SFIXED64: return Scalar::int64;
    case pb::FieldDescriptor::TYPE_UINT32:
    case pb::FieldDescriptor::TYPE_FIXED32: return Scalar::uint32;
    case pb::FieldDescriptor::TYPE_UINT64:
    case pb::FieldDescriptor::TYPE_FIXED64: return Scalar::uint64;
    case pb::FieldDescriptor::TYPE_FLOAT:
    case pb::FieldDescriptor::TYPE_DOUBLE: return Scalar::float64;
    case pb::FieldDescriptor::TYPE_BOOL: return Scalar::boolean;
    case pb::FieldDescriptor::TYPE_BYTES: return Scalar::bytes;
    default: return Scalar::string;
  }
}

// Of messages that are scalars in JSON; none: it is not one of them.
Scalar scalar_of(contract::WellKnown known) {
  switch (known) {
    case contract::WellKnown::any:
    case contract::WellKnown::structure:
    case contract::WellKnown::value:
    case contract::WellKnown::list_value:
    case contract::WellKnown::message_set: return Scalar::json;
    case contract::WellKnown::timestamp: return Scalar::timestamp;
    case contract::WellKnown::duration: return Scalar::duration;
    case contract::WellKnown::field_mask: return Scalar::field_mask;
    default: return Scalar::none;
  }
}

}  // namespace

BuiltSchema Schema::build(contract::ContractPtr contract, const SchemaOptions& options) {
  return SchemaBuilder(std::move(contract), options).build();
}

SchemaBuilder::SchemaBuilder(contract::ContractPtr contract, const SchemaOptions& options)
    : schema_(new Schema()), contract_(*contract), options_(options), reader_(contract->pool()) {
  schema_->contract_ = std::move(contract);
}

BuiltSchema SchemaBuilder::build() {
  find_joins();
  build_roots();
  for (std::size_t i = 0; i < drafts_.size(); ++i) fill(drafts_[i]);  // finds more as it goes
  break_cycles();
  name_types();
  build_meta();
  build_directives();
  order_types();
  BuiltSchema out{schema_, std::move(diagnostics_)};
  const auto is_error = [](const auto& d) { return d.severity == contract::Diagnostic::Severity::error; };
  if (std::ranges::any_of(out.diagnostics, is_error)) out.schema = nullptr;
  return out;
}

NamedType* SchemaBuilder::draft(Role role, const void* descriptor, TypeKind kind, std::vector<std::string> names,
                                std::string what) {
  NamedType*& known = by_descriptor_[{role, descriptor}];
  if (known != nullptr) return known;
  known = schema_->arena_.make<NamedType>();
  known->kind = kind;
  drafts_.push_back({role, descriptor, known, Naming{std::move(names), "", std::move(what)}});
  return known;
}

void SchemaBuilder::fill(Draft& draft) {
  const auto message = [&]() -> const pb::Descriptor& { return *static_cast<const pb::Descriptor*>(draft.descriptor); };
  const auto oneof = [&]() -> const pb::OneofDescriptor& {
    return *static_cast<const pb::OneofDescriptor*>(draft.descriptor);
  };
  NamedType& type = *draft.type;
  switch (draft.role) {
    case Role::object: return fill_object(message(), type);
    case Role::input: return fill_input(message(), type);
    case Role::enumeration: return fill_enum(*static_cast<const pb::EnumDescriptor*>(draft.descriptor), type);
    case Role::union_type: return fill_union(oneof(), type);
    case Role::one_of: return fill_one_of(oneof(), type);
    case Role::box: return fill_box(*static_cast<const pb::FieldDescriptor*>(draft.descriptor), type);
  }
}

void SchemaBuilder::error_at_draft(const Draft& draft, const std::string& message, const std::string& hint) {
  switch (draft.role) {
    case Role::object:
    case Role::input: return error_at(*static_cast<const pb::Descriptor*>(draft.descriptor), message, hint);
    case Role::enumeration: return error_at(*static_cast<const pb::EnumDescriptor*>(draft.descriptor), message, hint);
    case Role::union_type:
    case Role::one_of: return error_at(*static_cast<const pb::OneofDescriptor*>(draft.descriptor), message, hint);
    case Role::box: return error_at(*static_cast<const pb::FieldDescriptor*>(draft.descriptor), message, hint);
  }
}

void SchemaBuilder::name_types() {
  std::vector<std::string_view> taken = {"Query", "Mutation", "Subscription"};
  for (const ScalarType& each : scalar_types) taken.push_back(each.name);
  std::vector<Naming*> all;
  for (Draft& each : drafts_) all.push_back(&each.naming);
  for (const auto& [one, other] : choose_names(all, taken)) {
    const Naming* const named = one;
    const Draft& draft = *std::ranges::find(drafts_, named, [](const Draft& each) { return &each.naming; });
    error_at_draft(draft,
                   one->what + " would be called `" + one->chosen + "`, as " +
                       (other == nullptr ? "one of GraphQL's own types" : other->what),
                   "rename it, or put it into a package");
  }
  for (Draft& each : drafts_) {
    if (!is_name(each.naming.chosen)) each.naming.chosen = "T" + each.naming.chosen;  // "__x" is reserved
    each.type->name = keep(each.naming.chosen);
  }
}

// Depth first from the roots, a field's type before those of its arguments: the order that graphql-js has, too.
void SchemaBuilder::order_types() {
  std::vector<const NamedType*> types;
  std::set<const NamedType*> seen;
  for (const NamedType* root : {schema_->query_, schema_->mutation_, schema_->subscription_}) {
    if (root != nullptr) collect(*root, types, seen);
  }
  for (const DirectiveDefinition& directive : schema_->directives_) {
    for (const InputValue& argument : directive.arguments) collect(*argument.type.named, types, seen);
  }
  collect(*meta_types_.find("__Schema")->second, types, seen);
  for (std::size_t i = 0; i < types.size(); ++i)
    const_cast<NamedType*>(types[i])->index = static_cast<std::uint32_t>(i);
  const auto kept = schema_->arena_.copy(std::span<const NamedType*>(types));
  schema_->types_ = kept;
  schema_->type_index_ = NameIndex(kept, [](const NamedType* type) { return type->name; }, schema_->arena_);
}

void SchemaBuilder::collect(const NamedType& type, std::vector<const NamedType*>& out,
                            std::set<const NamedType*>& seen) {
  if (!seen.insert(&type).second) return;
  out.push_back(&type);
  for (const UnionMember& member : type.members) collect(*member.type, out, seen);
  for (const Field& field : type.fields) {
    collect(*field.type.named, out, seen);
    for (const InputValue& argument : field.arguments) collect(*argument.type.named, out, seen);
  }
  for (const InputValue& input : type.inputs) collect(*input.type.named, out, seen);
}

const NamedType* SchemaBuilder::scalar(Scalar which) {
  const NamedType*& known = scalars_[which];
  if (known != nullptr) return known;
  const auto* const found = std::ranges::find(scalar_types, which, &ScalarType::scalar);
  auto* const made = schema_->arena_.make<NamedType>();
  made->scalar = which;
  made->name = found->name;
  made->description = found->description;
  made->specified_by = found->specified_by;
  return known = made;
}

SchemaBuilder::Shown SchemaBuilder::shown(const pb::FieldDescriptor& field, bool input) {
  if (const pb::EnumDescriptor* enumeration = field.enum_type()) {
    if (enumeration->full_name() == "google.protobuf.NullValue") return {scalar(Scalar::json), false, true, false};
    const NamedType* type = enum_of(*enumeration);
    return {type, false, !input && type->null_number.has_value(), false};
  }
  const pb::Descriptor* message = field.message_type();
  if (message == nullptr) return {scalar(scalar_of(field)), false, false, false};
  const contract::WellKnown known = table(*message).well_known();
  if (known == contract::WellKnown::wrapper) return {scalar(scalar_of(*message->field(0))), true, false, true};
  if (const Scalar which = scalar_of(known); which != Scalar::none)
    return {scalar(which), false, known == contract::WellKnown::value, true};
  return {input ? input_of(*message, false) : object_of(*message), false, false, true};
}

bool SchemaBuilder::has_behavior(const pb::FieldDescriptor& field, contract::FieldBehavior behavior) {
  const auto all = reader_.numbers(field.options(), "google.api.field_behavior");
  return std::ranges::count(all, static_cast<int>(behavior)) > 0;
}

const contract::MessageTable& SchemaBuilder::table(const pb::Descriptor& message) const {
  const contract::MessageTable* found = contract_.tables().find(message.full_name());
  if (found == nullptr) throw std::logic_error("no table for " + message.full_name());
  return *found;
}

const contract::FieldTable& SchemaBuilder::table(const pb::FieldDescriptor& field) const {
  return *table(*field.containing_type()).by_number(static_cast<std::uint32_t>(field.number()));
}

std::string_view SchemaBuilder::field_name(const std::string& best, const std::string& second, FieldNames& taken,
                                           const std::string& owner) {
  for (const std::string& name : {best, second}) {
    if (is_name(name) && taken.insert(name).second) return keep(name);
  }
  error_at(*contract_.pool().FindMessageTypeByName(owner), "`" + best + "` of " + owner + " is no name that is free",
           "rename the field");
  return keep(best);
}

void SchemaBuilder::set_fields(NamedType& type, std::vector<Field>& fields) {
  if (fields.empty()) fields.push_back(placeholder());
  const auto kept = schema_->arena_.copy(std::span<Field>(fields));
  for (std::size_t i = 0; i < kept.size(); ++i) {
    kept[i].index = static_cast<std::uint32_t>(i);
    kept[i].owner = &type;
  }
  type.fields = kept;
  type.names = NameIndex(kept, [](const Field& field) { return field.name; }, schema_->arena_);
}

void SchemaBuilder::set_arguments(Field& field, std::vector<InputValue>& arguments) {
  const auto kept = schema_->arena_.copy(std::span<InputValue>(arguments));
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i].index = static_cast<std::uint32_t>(i);
  field.arguments = kept;
  field.argument_index = NameIndex(kept, [](const InputValue& value) { return value.name; }, schema_->arena_);
}

}  // namespace parley::graphql
