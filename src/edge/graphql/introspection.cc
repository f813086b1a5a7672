#include "edge/graphql/introspection.h"

#include <algorithm>
#include <array>
#include <optional>
#include <variant>

#include "contract/text_escape.h"

namespace parley::edge::graphql {
namespace {

using Meta = ql::Meta;

// What a selection set of introspection reads from.
using Subject = std::variant<const ql::Schema*, ql::Type, const ql::Field*, const ql::InputValue*, const ql::EnumValue*,
                             const ql::DirectiveDefinition*>;

constexpr std::array<std::string_view, 5> kind_names = {"SCALAR", "OBJECT", "UNION", "ENUM", "INPUT_OBJECT"};

class Introspector {
 public:
  Introspector(const IntrospectionContext& context, contract::OutBuffer& out) : context_(context), out_(out) {}

  void root(const Output& output) {
    if (output.definition->meta == Meta::schema) return object(output, &context_.schema);
    const InputView name = argument(output, "name");
    const ql::NamedType* type = name.is(InputView::Kind::text) ? context_.schema.type(name.text()) : nullptr;
    type == nullptr ? null() : object(output, ql::Type{type, {}});
  }

 private:
  void object(const Output& output, const Subject& subject) {
    const std::size_t start = out_.size();
    for (const Output& each : context_.plan.objects[output.object].outputs) {
      out_.put(each.key);
      if (each.form == Form::text) {
        out_.put(each.fallback);
      } else {
        std::visit([&](const auto& of) { field(each, of); }, subject);
      }
    }
    if (out_.size() == start) out_.put('{');
    *out_.at(start) = '{';
    out_.put('}');
  }

  template <class Items, class Write>
  void list(const Items& items, const Write& write) {
    const std::size_t start = out_.size();
    for (const auto& item : items) {
      out_.put(',');
      const std::size_t before = out_.size();
      write(item);
      if (out_.size() == before) out_.cut(before - 1);
    }
    if (out_.size() == start) out_.put('[');
    *out_.at(start) = '[';
    out_.put(']');
  }

  // ---- a selection on each kind of subject

  void field(const Output& output, const ql::Schema* schema) {
    switch (output.definition->meta) {
      case Meta::schema_types:
        return list(schema->types(), [&](const ql::NamedType* type) { object(output, ql::Type{type, {}}); });
      case Meta::schema_query_type: return named(output, &schema->query());
      case Meta::schema_mutation_type: return named(output, schema->mutation());
      case Meta::schema_subscription_type: return named(output, schema->subscription());
      case Meta::schema_directives:
        return list(schema->directives(), [&](const ql::DirectiveDefinition& each) { object(output, &each); });
      default: return null();
    }
  }

  void field(const Output& output, const ql::Type& type) {
    if (type.non_null() || type.list()) return wrapper(output, type);
    const ql::NamedType& named = *type.named;
    switch (output.definition->meta) {
      case Meta::type_kind: return text(kind_names.at(static_cast<std::size_t>(named.kind)));
      case Meta::type_name: return text(named.name);
      case Meta::type_description: return text_or_null(named.description);
      case Meta::type_specified_by_url: return text_or_null(named.specified_by);
      case Meta::type_fields:
        if (named.kind != ql::TypeKind::object) return null();
        return members(output, named.fields);
      case Meta::type_interfaces:
        if (named.kind != ql::TypeKind::object) return null();
        out_.put("[]");
        return;
      case Meta::type_possible_types:
        if (named.kind != ql::TypeKind::union_type) return null();
        return list(named.members, [&](const ql::UnionMember& each) { object(output, ql::Type{each.type, {}}); });
      case Meta::type_enum_values:
        if (named.kind != ql::TypeKind::enumeration) return null();
        return members(output, named.values);
      case Meta::type_input_fields:
        if (named.kind != ql::TypeKind::input_object) return null();
        return members(output, named.inputs);
      case Meta::type_is_one_of:
        if (named.kind != ql::TypeKind::input_object) return null();
        return boolean(named.one_of);
      default: return null();
    }
  }

  void wrapper(const Output& output, const ql::Type& type) {
    switch (output.definition->meta) {
      case Meta::type_kind: return text(type.non_null() ? "NON_NULL" : "LIST");
      case Meta::type_of_type: return object(output, type.non_null() ? type.nullable() : type.item());
      default: return null();
    }
  }

  void field(const Output& output, const ql::Field* field) {
    switch (output.definition->meta) {
      case Meta::field_name: return text(field->name);
      case Meta::field_description: return text_or_null(field->description);
      case Meta::field_args: return members(output, field->arguments);
      case Meta::field_type: return object(output, field->type);
      case Meta::field_is_deprecated: return boolean(field->deprecation.has_value());
      case Meta::field_deprecation_reason: return optional(field->deprecation);
      default: return null();
    }
  }

  void field(const Output& output, const ql::InputValue* input) {
    switch (output.definition->meta) {
      case Meta::input_name: return text(input->name);
      case Meta::input_description: return text_or_null(input->description);
      case Meta::input_type: return object(output, input->type);
      case Meta::input_default_value: return text_or_null(input->default_text);
      case Meta::input_is_deprecated: return boolean(input->deprecation.has_value());
      case Meta::input_deprecation_reason: return optional(input->deprecation);
      default: return null();
    }
  }

  void field(const Output& output, const ql::EnumValue* value) {
    switch (output.definition->meta) {
      case Meta::value_name: return text(value->name);
      case Meta::value_description: return text_or_null(value->description);
      case Meta::value_is_deprecated: return boolean(value->deprecation.has_value());
      case Meta::value_deprecation_reason: return optional(value->deprecation);
      default: return null();
    }
  }

  void field(const Output& output, const ql::DirectiveDefinition* directive) {
    switch (output.definition->meta) {
      case Meta::directive_name: return text(directive->name);
      case Meta::directive_description: return text_or_null(directive->description);
      case Meta::directive_is_repeatable: return boolean(directive->repeatable);
      case Meta::directive_locations:
        return list(directive->locations, [&](ql::DirectiveLocation each) { text(ql::name(each)); });
      case Meta::directive_args: return members(output, directive->arguments);
      default: return null();
    }
  }

  // ---- values

  // Fields, arguments and enum values: the deprecated ones only where they are asked for.
  template <class Member>
  void members(const Output& output, std::span<const Member> all) {
    const InputView wanted = argument(output, "includeDeprecated");
    const bool deprecated = wanted.is(InputView::Kind::boolean) && wanted.flag();
    list(all, [&](const Member& member) {
      if (deprecated || !member.deprecation) object(output, &member);
    });
  }

  InputView argument(const Output& output, std::string_view name) const {
    const ql::Argument* given = output.nodes[0]->argument(name);
    return given == nullptr ? InputView() : InputView(given->value, context_.variables);
  }

  void named(const Output& output, const ql::NamedType* type) {
    type == nullptr ? null() : object(output, ql::Type{type, {}});
  }
  void null() { out_.put("null"); }
  void boolean(bool value) { out_.put(value ? "true" : "false"); }
  void text(std::string_view text) {
    if (!contract::put_json_string(out_, text)) out_.put("\"\"");
  }
  void text_or_null(std::string_view words) { words.empty() ? null() : text(words); }
  void optional(const std::optional<std::string_view>& words) { words ? text(*words) : null(); }

  const IntrospectionContext& context_;
  contract::OutBuffer& out_;
};

}  // namespace

void introspect(const IntrospectionContext& context, const Output& output, contract::OutBuffer& out) {
  Introspector(context, out).root(output);
}

}  // namespace parley::edge::graphql
