// Types of answers: objects, unions of a oneof's members, enumerations.
#include <algorithm>

#include "contract/graphql_names.h"
#include "graphql/schema_builder.h"
#include "graphql/schema_builder_text.h"

namespace parley::graphql {
namespace {

namespace pb = google::protobuf;

std::string json_name(const pb::FieldDescriptor& field) { return field.json_name(); }

bool is_unspecified(const pb::EnumValueDescriptor& value) {
  return value.number() == 0 && (value.name() == "UNSPECIFIED" || value.name().ends_with("_UNSPECIFIED"));
}

}  // namespace

const NamedType* SchemaBuilder::object_of(const pb::Descriptor& message) {
  return draft(Role::object, &message, TypeKind::object, type_names(message, ""), "message " + message.full_name());
}

const NamedType* SchemaBuilder::enum_of(const pb::EnumDescriptor& enumeration) {
  NamedType* type = draft(Role::enumeration, &enumeration, TypeKind::enumeration, type_names(enumeration),
                          "enum " + enumeration.full_name());
  const pb::EnumValueDescriptor& first = *enumeration.value(0);
  if (is_unspecified(first) && enumeration.value_count() > 1) type->null_number = 0;
  return type;
}

const NamedType* SchemaBuilder::union_of(const pb::OneofDescriptor& oneof) {
  return draft(Role::union_type, &oneof, TypeKind::union_type, type_names(oneof, ""), "oneof " + oneof.full_name());
}

const NamedType* SchemaBuilder::box_of(const pb::FieldDescriptor& member) {
  return draft(Role::box, &member, TypeKind::object, type_names(member), "oneof field " + member.full_name());
}

void SchemaBuilder::fill_object(const pb::Descriptor& message, NamedType& type) {
  type.message = &table(message);
  type.description = comment(message);
  FieldNames names;
  std::vector<Field> fields;
  std::set<const pb::OneofDescriptor*> seen;
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    const bool hidden = has_behavior(field, contract::FieldBehavior::input_only);
    if (const pb::OneofDescriptor* oneof = field.real_containing_oneof()) {
      if (hidden || !seen.insert(oneof).second) continue;
      fields.push_back(union_field(*oneof));
      fields.back().name = field_name(contract::lower_camel(oneof->name()), oneof->name(), names, message.full_name());
      continue;
    }
    if (!hidden) {
      fields.push_back(output_field(field));
      fields.back().name = field_name(json_name(field), field.name(), names, message.full_name());
    }
    add_joins(field, fields, names);
  }
  for (int i = 0; i < message.field_count(); ++i) {
    if (message.field(i)->real_containing_oneof() != nullptr) add_joins(*message.field(i), fields, names);
  }
  set_fields(type, fields);
}

Field SchemaBuilder::output_field(const pb::FieldDescriptor& field) {
  const Shown value = shown(field, false);
  Field out;
  out.field = &table(field);
  out.description = comment(field);
  out.deprecation = deprecation_of(field);
  out.wrapped = value.wrapped;
  out.map = field.is_map();
  out.type = output_type(field, value);
  return out;
}

Type SchemaBuilder::output_type(const pb::FieldDescriptor& field, const Shown& value) {
  const Type type{value.type, {}};
  if (field.is_repeated()) return (value.nullable ? type : type.in_non_null()).in_list().in_non_null();
  if (value.nullable) return type;
  if (field.containing_type()->options().map_entry() || field.is_required()) return type.in_non_null();
  return field.has_presence() ? type : type.in_non_null();
}

Field SchemaBuilder::union_field(const pb::OneofDescriptor& oneof) {
  Field out;
  out.source = Source::one_of;
  out.description = comment(oneof);
  out.type = {union_of(oneof), {}};
  return out;
}

Field SchemaBuilder::placeholder() {
  Field out;
  out.name = "_";
  out.description = "Always null: GraphQL asks for a field, and there is none.";
  out.type = {scalar(Scalar::boolean), {}};
  out.source = Source::placeholder;
  return out;
}

void SchemaBuilder::fill_union(const pb::OneofDescriptor& oneof, NamedType& type) {
  type.description = comment(oneof);
  type.message = &table(*oneof.containing_type());
  std::map<const NamedType*, int> uses;
  std::vector<const pb::FieldDescriptor*> members;
  for (int i = 0; i < oneof.field_count(); ++i) {
    if (has_behavior(*oneof.field(i), contract::FieldBehavior::input_only)) continue;
    members.push_back(oneof.field(i));
    ++uses[shown(*oneof.field(i), false).type];
  }
  std::vector<UnionMember> out;
  for (const pb::FieldDescriptor* member : members) {
    const Shown value = shown(*member, false);
    const bool boxed = value.type->kind != TypeKind::object || uses[value.type] > 1;
    out.push_back({boxed ? box_of(*member) : value.type, &table(*member), boxed});
  }
  type.members = schema_->arena_.copy(std::span<UnionMember>(out));
}

void SchemaBuilder::fill_box(const pb::FieldDescriptor& member, NamedType& type) {
  type.box = true;
  type.message = &table(*member.containing_type());
  type.description = comment(member);
  std::vector<Field> fields{output_field(member)};
  FieldNames names;
  fields[0].name = field_name(json_name(member), member.name(), names, member.containing_type()->full_name());
  // Where the box is there at all, its member is set.
  const Shown value = shown(member, false);
  if (!value.nullable) fields[0].type = Type{value.type, {}}.in_non_null();
  set_fields(type, fields);
}

void SchemaBuilder::fill_enum(const pb::EnumDescriptor& enumeration, NamedType& type) {
  type.description = comment(enumeration);
  std::map<std::string, int> uses;
  for (int i = 0; i < enumeration.value_count(); ++i) ++uses[contract::graphql_value(*enumeration.value(i))];
  std::vector<EnumValue> values;
  for (int i = 0; i < enumeration.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *enumeration.value(i);
    if (type.null_number && is_unspecified(value)) continue;
    std::string name = contract::graphql_value(value);
    const bool reserved = name == "true" || name == "false" || name == "null";
    if (uses[name] > 1 || reserved || !is_name(name)) name = value.name();
    if (name == "true" || name == "false" || name == "null" || !is_name(name)) name = "V_" + name;
    values.push_back({keep(name), comment(value), deprecation_of(value), value.number()});
  }
  const auto kept = schema_->arena_.copy(std::span<EnumValue>(values));
  type.values = kept;
  type.names = NameIndex(kept, [](const EnumValue& value) { return value.name; }, schema_->arena_);
  std::vector<std::uint32_t> order(kept.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  const auto number = [&](std::uint32_t i) { return kept[i].number; };
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(number(i), i); });
  const auto more = std::ranges::unique(order, {}, number);  // an alias is shown by the name that is declared first
  order.erase(more.begin(), more.end());
  type.values_by_number = schema_->arena_.copy(std::span<std::uint32_t>(order));
}

}  // namespace parley::graphql
