#include "graphql/schema.h"

#include <algorithm>

namespace parley::graphql {
namespace {

constexpr auto name_of = [](const auto& item) { return item.name; };

}  // namespace

std::string Type::text() const {
  if (wrapping.empty()) return std::string(named->name);
  if (wrapping.non_null()) return nullable().text() + "!";
  return "[" + item().text() + "]";
}

const InputValue* Field::argument(std::string_view argument_name) const {
  return argument_index.find(arguments, argument_name, name_of);
}

const Field* NamedType::field(std::string_view field_name) const { return names.find(fields, field_name, name_of); }
const InputValue* NamedType::input(std::string_view input_name) const {
  return names.find(inputs, input_name, name_of);
}
const EnumValue* NamedType::value(std::string_view value_name) const { return names.find(values, value_name, name_of); }

const EnumValue* NamedType::value_of(std::int32_t number) const {
  const auto number_of = [this](std::uint32_t i) { return values[i].number; };
  const auto at = std::ranges::lower_bound(values_by_number, number, {}, number_of);
  return at == values_by_number.end() || values[*at].number != number ? nullptr : &values[*at];
}

const InputValue* DirectiveDefinition::argument(std::string_view argument_name) const {
  const auto at = std::ranges::find(arguments, argument_name, name_of);
  return at == arguments.end() ? nullptr : &*at;
}

const NamedType* Schema::type(std::string_view name) const {
  const NamedType* const* found = type_index_.find(types_, name, [](const NamedType* type) { return type->name; });
  return found == nullptr ? nullptr : *found;
}

const DirectiveDefinition* Schema::directive(std::string_view name) const {
  const auto at = std::ranges::find(directives_, name, name_of);
  return at == directives_.end() ? nullptr : &*at;
}

const Field* Schema::field(const NamedType& parent, std::string_view name) const {
  if (!name.starts_with("__")) return parent.field(name);
  if (name == "__typename" && parent.is_composite()) return typename_field_;
  if (&parent != query_) return nullptr;
  return name == "__schema" ? schema_field_ : name == "__type" ? type_field_ : nullptr;
}

bool Schema::is_possible(const NamedType& abstract, const NamedType& object) const {
  if (&abstract == &object) return true;
  return std::ranges::any_of(abstract.members, [&](const UnionMember& member) { return member.type == &object; });
}

bool Schema::overlap(const NamedType& a, const NamedType& b) const {
  if (&a == &b) return true;
  if (a.kind != TypeKind::union_type) return is_possible(b, a);
  return std::ranges::any_of(a.members, [&](const UnionMember& member) { return is_possible(b, *member.type); });
}

}  // namespace parley::graphql
