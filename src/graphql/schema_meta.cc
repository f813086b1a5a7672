// What every schema has: the specified directives, and the types of introspection (September 2025, Type System
// Directives; Schema Introspection).
#include "graphql/document.h"
#include "graphql/schema_builder.h"
#include "graphql/schema_builder_text.h"

namespace parley::graphql {
namespace {

struct MetaField {
  std::string_view owner;
  std::string_view name;
  std::string_view type;
  Meta meta;
  bool include_deprecated;  // takes that argument
  std::string_view description;
};
constexpr MetaField meta_fields[] = {
    {"__Schema", "description", "String", Meta::schema_description, false, "What the schema is about."},
    {"__Schema", "types", "[__Type!]!", Meta::schema_types, false, "All types."},
    {"__Schema", "queryType", "__Type!", Meta::schema_query_type, false, "Where queries begin."},
    {"__Schema", "mutationType", "__Type", Meta::schema_mutation_type, false,
     "Where mutations begin, if there are any."},
    {"__Schema", "subscriptionType", "__Type", Meta::schema_subscription_type, false,
     "Where subscriptions begin, if there are any."},
    {"__Schema", "directives", "[__Directive!]!", Meta::schema_directives, false, "All directives."},
    {"__Type", "kind", "__TypeKind!", Meta::type_kind, false, "What kind of type it is; other fields depend on it."},
    {"__Type", "name", "String", Meta::type_name, false, "Null for lists and non-nulls."},
    {"__Type", "description", "String", Meta::type_description, false, ""},
    {"__Type", "specifiedByURL", "String", Meta::type_specified_by_url, false, "Scalars: where their text is defined."},
    {"__Type", "fields", "[__Field!]", Meta::type_fields, true, "Of objects."},
    {"__Type", "interfaces", "[__Type!]", Meta::type_interfaces, false, "Of objects."},
    {"__Type", "possibleTypes", "[__Type!]", Meta::type_possible_types, false, "Of unions."},
    {"__Type", "enumValues", "[__EnumValue!]", Meta::type_enum_values, true, "Of enumerations."},
    {"__Type", "inputFields", "[__InputValue!]", Meta::type_input_fields, true, "Of input objects."},
    {"__Type", "ofType", "__Type", Meta::type_of_type, false, "What a list or a non-null is around."},
    {"__Type", "isOneOf", "Boolean", Meta::type_is_one_of, false, "Input objects: exactly one field is given."},
    {"__Field", "name", "String!", Meta::field_name, false, ""},
    {"__Field", "description", "String", Meta::field_description, false, ""},
    {"__Field", "args", "[__InputValue!]!", Meta::field_args, true, ""},
    {"__Field", "type", "__Type!", Meta::field_type, false, ""},
    {"__Field", "isDeprecated", "Boolean!", Meta::field_is_deprecated, false, ""},
    {"__Field", "deprecationReason", "String", Meta::field_deprecation_reason, false, ""},
    {"__InputValue", "name", "String!", Meta::input_name, false, ""},
    {"__InputValue", "description", "String", Meta::input_description, false, ""},
    {"__InputValue", "type", "__Type!", Meta::input_type, false, ""},
    {"__InputValue", "defaultValue", "String", Meta::input_default_value, false, "As GraphQL writes it."},
    {"__InputValue", "isDeprecated", "Boolean!", Meta::input_is_deprecated, false, ""},
    {"__InputValue", "deprecationReason", "String", Meta::input_deprecation_reason, false, ""},
    {"__EnumValue", "name", "String!", Meta::value_name, false, ""},
    {"__EnumValue", "description", "String", Meta::value_description, false, ""},
    {"__EnumValue", "isDeprecated", "Boolean!", Meta::value_is_deprecated, false, ""},
    {"__EnumValue", "deprecationReason", "String", Meta::value_deprecation_reason, false, ""},
    {"__Directive", "name", "String!", Meta::directive_name, false, ""},
    {"__Directive", "description", "String", Meta::directive_description, false, ""},
    {"__Directive", "isRepeatable", "Boolean!", Meta::directive_is_repeatable, false, ""},
    {"__Directive", "locations", "[__DirectiveLocation!]!", Meta::directive_locations, false, ""},
    {"__Directive", "args", "[__InputValue!]!", Meta::directive_args, true, ""},
};

struct MetaType {
  std::string_view name;
  std::string_view description;
};
constexpr MetaType meta_types[] = {
    {"__Schema", "What a service offers: its types, its directives and where operations begin."},
    {"__Type", "A type, or a list or a non-null of one."},
    {"__Field", "A field of an object."},
    {"__InputValue", "An argument, or a field of an input object."},
    {"__EnumValue", "A value of an enumeration."},
    {"__Directive", "Something that an operation can say beside its fields."},
};

constexpr std::string_view type_kinds[] = {"SCALAR", "OBJECT",       "INTERFACE", "UNION",
                                           "ENUM",   "INPUT_OBJECT", "LIST",      "NON_NULL"};
constexpr std::string_view directive_locations[] = {"QUERY",
                                                    "MUTATION",
                                                    "SUBSCRIPTION",
                                                    "FIELD",
                                                    "FRAGMENT_DEFINITION",
                                                    "FRAGMENT_SPREAD",
                                                    "INLINE_FRAGMENT",
                                                    "VARIABLE_DEFINITION",
                                                    "SCHEMA",
                                                    "SCALAR",
                                                    "OBJECT",
                                                    "FIELD_DEFINITION",
                                                    "ARGUMENT_DEFINITION",
                                                    "INTERFACE",
                                                    "UNION",
                                                    "ENUM",
                                                    "ENUM_VALUE",
                                                    "INPUT_OBJECT",
                                                    "INPUT_FIELD_DEFINITION"};

using enum DirectiveLocation;
constexpr DirectiveLocation conditional[] = {field, fragment_spread, inline_fragment};
constexpr DirectiveLocation deprecable[] = {field_definition, argument_definition, input_field_definition, enum_value};
constexpr DirectiveLocation scalars[] = {DirectiveLocation::scalar};
constexpr DirectiveLocation input_objects[] = {input_object};

struct SpecifiedDirective {
  std::string_view name;
  std::string_view description;
  std::span<const DirectiveLocation> locations;
  std::string_view argument;  // empty: it takes none
  std::string_view argument_type;
  std::string_view argument_default;
  std::string_view argument_description;
};
constexpr SpecifiedDirective specified_directives[] = {
    {"include", "Only where the argument is true.", conditional, "if", "Boolean!", "", "Whether it is included."},
    {"skip", "Not where the argument is true.", conditional, "if", "Boolean!", "", "Whether it is skipped."},
    {"deprecated", "Will go away: do not use it in anything new.", deprecable, "reason", "String!",
     "\"No longer supported\"", "Why, and what to use in its place; Markdown."},
    {"specifiedBy", "Where the text of a scalar is defined.", scalars, "url", "String!", "", "The address."},
    {"oneOf", "Exactly one field of the input object is given, and it is not null.", input_objects, "", "", "", ""},
};

}  // namespace

std::string_view name(DirectiveLocation location) { return directive_locations[static_cast<std::size_t>(location)]; }

// "[String!]!"
Type SchemaBuilder::meta_type(std::string_view text) {
  if (text.ends_with('!')) return meta_type(text.substr(0, text.size() - 1)).in_non_null();
  if (text.starts_with('[')) return meta_type(text.substr(1, text.size() - 2)).in_list();
  if (const auto found = meta_types_.find(text); found != meta_types_.end()) return {found->second, {}};
  return {scalar(text == "Boolean" ? Scalar::boolean : Scalar::string), {}};
}

std::vector<InputValue> SchemaBuilder::include_deprecated() {
  InputValue out;
  out.name = "includeDeprecated";
  out.description = "Those that are deprecated too.";
  out.type = meta_type("Boolean");
  out.default_text = "false";
  out.default_value = *parse_value(out.default_text, schema_->arena_);
  out.shape = InputShape::meta;
  return {out};
}

NamedType* SchemaBuilder::meta_enum(std::string_view name, std::span<const std::string_view> values,
                                    std::string_view description) {
  auto* const type = schema_->arena_.make<NamedType>();
  type->kind = TypeKind::enumeration;
  type->introspection = true;
  type->name = name;
  type->description = description;
  const auto kept = schema_->arena_.array<EnumValue>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) kept[i] = {values[i], "", std::nullopt, static_cast<std::int32_t>(i)};
  type->values = kept;
  type->names = NameIndex(kept, [](const EnumValue& value) { return value.name; }, schema_->arena_);
  return meta_types_[std::string(name)] = type;
}

void SchemaBuilder::build_meta() {
  meta_enum("__TypeKind", type_kinds, "What kinds of types there are.");
  meta_enum("__DirectiveLocation", directive_locations, "Where a directive can stand.");
  for (const MetaType& each : meta_types) {
    auto* const type = schema_->arena_.make<NamedType>();
    type->kind = TypeKind::object;
    type->introspection = true;
    type->name = each.name;
    type->description = each.description;
    meta_types_[std::string(each.name)] = type;
  }
  const auto make = [&](const MetaField& each) {
    Field out;
    out.name = each.name;
    out.description = each.description;
    out.type = meta_type(each.type);
    out.source = Source::meta;
    out.meta = each.meta;
    std::vector<InputValue> arguments;
    if (each.include_deprecated) arguments = include_deprecated();
    set_arguments(out, arguments);
    return out;
  };
  for (const MetaType& type : meta_types) {
    std::vector<Field> fields;
    for (const MetaField& each : meta_fields) {
      if (each.owner == type.name) fields.push_back(make(each));
    }
    set_fields(*meta_types_.find(type.name)->second, fields);
  }
  const auto keep_field = [&](Field out) { return schema_->arena_.make(out); };
  schema_->typename_field_ =
      keep_field(make({"", "__typename", "String!", Meta::typename_, false, "The name of the object's type."}));
  schema_->schema_field_ =
      keep_field(make({"", "__schema", "__Schema!", Meta::schema, false, "What this service offers."}));
  Field type = make({"", "__type", "__Type", Meta::type, false, "The type of that name."});
  InputValue name;
  name.name = "name";
  name.type = meta_type("String!");
  name.shape = InputShape::meta;
  std::vector<InputValue> arguments{name};
  set_arguments(type, arguments);
  schema_->type_field_ = keep_field(type);
}

void SchemaBuilder::build_directives() {
  std::vector<DirectiveDefinition> out;
  for (const SpecifiedDirective& each : specified_directives) {
    DirectiveDefinition directive;
    directive.name = each.name;
    directive.description = each.description;
    directive.locations = each.locations;
    if (!each.argument.empty()) {
      InputValue argument;
      argument.name = each.argument;
      argument.description = each.argument_description;
      argument.type = meta_type(each.argument_type);
      argument.default_text = each.argument_default;
      if (!each.argument_default.empty()) argument.default_value = *parse_value(each.argument_default, schema_->arena_);
      argument.shape = InputShape::meta;
      directive.arguments = schema_->arena_.copy(std::span<InputValue>(&argument, 1));
    }
    out.push_back(directive);
  }
  schema_->directives_ = schema_->arena_.copy(std::span<DirectiveDefinition>(out));
}

}  // namespace parley::graphql
