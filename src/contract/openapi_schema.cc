#include "contract/openapi_schema.h"

#include <algorithm>

#include <google/protobuf/descriptor.pb.h>

#include "contract/comments.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;
using Type = pb::FieldDescriptor;

JsonTree nullable(const char* type) { return JsonTree::list({type, "null"}); }

// 64-bit integers are strings: JavaScript's numbers are too short for them.
JsonTree int64_schema() { return {{"type", "string"}, {"format", "int64"}, {"pattern", "^-?[0-9]+$"}}; }
JsonTree uint64_schema() { return {{"type", "string"}, {"format", "uint64"}, {"pattern", "^[0-9]+$"}}; }
JsonTree uint32_schema() {
  return {{"type", "integer"}, {"format", "int64"}, {"minimum", 0}, {"maximum", std::int64_t{4294967295}}};
}
JsonTree bytes_schema() { return {{"type", "string"}, {"contentEncoding", "base64"}}; }

JsonTree scalar_schema(Type::Type type) {
  switch (type) {
    case Type::TYPE_BOOL: return {{"type", "boolean"}};
    case Type::TYPE_STRING: return {{"type", "string"}};
    case Type::TYPE_BYTES: return bytes_schema();
    case Type::TYPE_FLOAT: return {{"type", "number"}, {"format", "float"}};
    case Type::TYPE_DOUBLE: return {{"type", "number"}, {"format", "double"}};
    case Type::TYPE_UINT32:
    case Type::TYPE_FIXED32: return uint32_schema();
    case Type::TYPE_INT64:
    case Type::TYPE_SINT64:
    case Type::TYPE_SFIXED64: return int64_schema();
    case Type::TYPE_UINT64:
    case Type::TYPE_FIXED64: return uint64_schema();
    default: return {{"type", "integer"}, {"format", "int32"}};
  }
}

JsonTree or_null(JsonTree schema, const char* type) {
  schema.set("type", nullable(type));
  return schema;
}

std::map<std::string, JsonTree> make_well_known() {
  const JsonTree any = {{"type", "object"},
                        {"description", "A message of any type. `@type` names it; its fields stand beside it."},
                        {"properties", JsonTree{{"@type", JsonTree{{"type", "string"}}}}},
                        {"required", JsonTree::list({"@type"})},
                        {"additionalProperties", true}};
  std::map<std::string, JsonTree> table = {
      {"Timestamp", {{"type", "string"}, {"format", "date-time"}}},
      {"Duration", {{"type", "string"}, {"pattern", "^-?[0-9]+(\\.[0-9]{1,9})?s$"}}},
      {"FieldMask", {{"type", "string"}, {"description", "Paths of fields, divided by commas."}}},
      {"Empty", {{"type", "object"}}},
      {"Struct", {{"type", "object"}, {"additionalProperties", true}}},
      {"Value", JsonTree()},
      {"ListValue", {{"type", "array"}, {"items", JsonTree()}}},
      {"Any", any},
      {"BoolValue", {{"type", nullable("boolean")}}},
      {"StringValue", {{"type", nullable("string")}}},
      {"BytesValue", or_null(bytes_schema(), "string")},
      {"Int32Value", {{"type", nullable("integer")}, {"format", "int32"}}},
      {"UInt32Value", or_null(uint32_schema(), "integer")},
      {"Int64Value", or_null(int64_schema(), "string")},
      {"UInt64Value", or_null(uint64_schema(), "string")},
      {"FloatValue", {{"type", nullable("number")}, {"format", "float"}}},
      {"DoubleValue", {{"type", nullable("number")}, {"format", "double"}}},
  };
  return table;
}

// "Order.Item": the name without its package.
std::string short_name(const std::string& full_name, const std::string& package) {
  return package.empty() ? full_name : full_name.substr(package.size() + 1);
}

}  // namespace

const JsonTree* well_known_schema(const std::string& full_name) {
  static const std::map<std::string, JsonTree> table = make_well_known();
  constexpr std::string_view package = "google.protobuf.";
  if (!full_name.starts_with(package)) return nullptr;
  const auto at = table.find(full_name.substr(package.size()));
  return at == table.end() ? nullptr : &at->second;
}

std::string SchemaBook::component_name(const std::string& full_name, const std::string& short_name) {
  // Of two types with one short name the first that is met has it.
  const auto [at, fresh] = names_.emplace(short_name, full_name);
  return at->second == full_name ? short_name : full_name;
}

JsonTree SchemaBook::reference(const std::string& full_name, const std::string& short_name) {
  return {{"$ref", "#/components/schemas/" + component_name(full_name, short_name)}};
}

JsonTree SchemaBook::message(const pb::Descriptor& message) {
  if (const JsonTree* known = well_known_schema(message.full_name())) return *known;
  const std::string shorter = short_name(message.full_name(), message.file()->package());
  const auto [at, fresh] = components_.emplace(component_name(message.full_name(), shorter), JsonTree());
  if (fresh) pending_.push_back(&message);
  return reference(message.full_name(), shorter);
}

JsonTree SchemaBook::enumeration(const pb::EnumDescriptor& enumeration) {
  if (enumeration.full_name() == "google.protobuf.NullValue") return {{"type", "null"}};
  const std::string shorter = short_name(enumeration.full_name(), enumeration.file()->package());
  components_.emplace(component_name(enumeration.full_name(), shorter), enum_schema(enumeration));
  return reference(enumeration.full_name(), shorter);
}

JsonTree SchemaBook::enum_schema(const pb::EnumDescriptor& enumeration) const {
  JsonTree schema = {{"type", "string"}};
  std::string description = comment_of(enumeration);
  std::string values;
  JsonTree names(JsonTree::Array{});
  for (int i = 0; i < enumeration.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *enumeration.value(i);
    names.push(value.name());
    const std::string comment = comment_of(value);
    if (!comment.empty()) values += "\n- `" + value.name() + "`: " + comment;
  }
  if (!values.empty()) description += (description.empty() ? "" : "\n") + values;
  schema.set_text("description", description);
  schema.set("enum", names);
  if (enumeration.options().deprecated()) schema.set("deprecated", true);
  return schema;
}

JsonTree SchemaBook::value(const pb::FieldDescriptor& field) {
  if (field.message_type() != nullptr) return message(*field.message_type());
  if (field.enum_type() != nullptr) return enumeration(*field.enum_type());
  return scalar_schema(field.type());
}

JsonTree SchemaBook::field(const pb::FieldDescriptor& field) {
  JsonTree schema;
  if (field.is_map()) {
    schema = {{"type", "object"}, {"additionalProperties", value(*field.message_type()->map_value())}};
  } else if (field.is_repeated()) {
    schema = {{"type", "array"}, {"items", value(field)}};
  } else {
    schema = value(field);
  }
  schema.set_text("description", comment_of(field));
  if (has_behavior(field, FieldBehavior::output_only)) schema.set("readOnly", true);
  if (has_behavior(field, FieldBehavior::input_only)) schema.set("writeOnly", true);
  if (field.options().deprecated()) schema.set("deprecated", true);
  return schema;
}

JsonTree SchemaBook::object(const pb::Descriptor& message, const std::set<std::string>& without, bool partial) {
  JsonTree schema = {{"type", "object"}};
  schema.set_text("description", comment_of(message));
  if (message.options().deprecated()) schema.set("deprecated", true);
  JsonTree properties;
  JsonTree required(JsonTree::Array{});
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& f = *message.field(i);
    if (without.contains(f.name())) continue;
    properties.set(f.json_name(), field(f));
    if (!partial && (f.is_required() || has_behavior(f, FieldBehavior::required))) required.push(f.json_name());
  }
  if (!properties.empty()) schema.set("properties", properties);
  if (!required.empty()) schema.set("required", required);
  add_oneofs(message, without, schema);
  return schema;
}

// At most one member of a oneof is there: each forbids the others.
void SchemaBook::add_oneofs(const pb::Descriptor& message, const std::set<std::string>& without,
                            JsonTree& schema) const {
  JsonTree rules;
  for (int i = 0; i < message.real_oneof_decl_count(); ++i) {
    const pb::OneofDescriptor& oneof = *message.oneof_decl(i);
    for (int k = 0; k < oneof.field_count(); ++k) {
      JsonTree forbidden;
      for (int other = 0; other < oneof.field_count(); ++other) {
        const bool counts = other != k && !without.contains(oneof.field(other)->name());
        if (counts) forbidden.set(oneof.field(other)->json_name(), false);
      }
      if (without.contains(oneof.field(k)->name()) || forbidden.empty()) continue;
      rules.set(oneof.field(k)->json_name(), JsonTree{{"properties", forbidden}});
    }
  }
  if (!rules.empty()) schema.set("dependentSchemas", rules);
}

bool SchemaBook::has_behavior(const pb::FieldDescriptor& field, FieldBehavior behavior) const {
  const std::vector<int> all = options_.numbers(field.options(), "google.api.field_behavior");
  return std::ranges::find(all, static_cast<int>(behavior)) != all.end();
}

JsonTree SchemaBook::components() {
  // Writing one schema may refer to the next.
  while (!pending_.empty()) {
    const pb::Descriptor* next = pending_.back();
    pending_.pop_back();
    const std::string shorter = short_name(next->full_name(), next->file()->package());
    JsonTree schema = object(*next, {});
    components_[component_name(next->full_name(), shorter)] = std::move(schema);
  }
  JsonTree out;
  for (const auto& [name, schema] : components_) out.set(name, schema);
  return out;
}

}  // namespace parley::contract
