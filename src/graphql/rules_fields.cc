// Rules about fields and their arguments.
#include <algorithm>

#include "graphql/validator.h"

namespace parley::graphql {
namespace {

// "Did you mean to use an inline fragment on": members of the union that have the field.
std::string suggested_types(const NamedType& type, std::string_view field) {
  std::vector<std::string_view> names;
  for (const UnionMember& each : type.members) {
    if (each.type->field(field) != nullptr) names.push_back(each.type->name);
  }
  std::ranges::sort(names, [](std::string_view a, std::string_view b) { return natural_compare(a, b) < 0; });
  return did_you_mean(names, "to use an inline fragment on");
}

std::string suggested_fields(const NamedType& type, std::string_view field) {
  std::vector<std::string_view> names;
  for (const Field& each : type.fields) names.push_back(each.name);
  return did_you_mean(suggestions(field, names));
}

}  // namespace

// Leaf Field Selections.
void Validator::scalar_leafs(const Selection& field) {
  if (field.field == nullptr) return;
  const bool leaf = field.field->type.named->is_leaf();
  if (leaf && field.selections != nullptr) {
    context_.report("Field " + in_quotes(field.name.text) + " must not have a selection since type " +
                        in_quotes(field.field->type.text()) + " has no subfields.",
                    {field.selections->at});
  } else if (!leaf && field.selections == nullptr) {
    const std::string name(field.name.text);
    context_.report("Field " + in_quotes(name) + " of type " + in_quotes(field.field->type.text()) +
                        " must have a selection of subfields. Did you mean \"" + name + " { ... }\"?",
                    {field.at});
  }
}

// Field Selections.
void Validator::field_on_correct_type(const Selection& field, const NamedType* parent) {
  if (parent == nullptr || field.field != nullptr) return;
  const std::string_view name = field.name.text;
  const std::string hint =
      parent->kind == TypeKind::union_type ? suggested_types(*parent, name) : suggested_fields(*parent, name);
  context_.report("Cannot query field " + in_quotes(name) + " on type " + in_quotes(parent->name) + "." + hint,
                  {field.at});
}

// Argument Names.
void Validator::known_argument(const Selection& field, const NamedType* parent, const Argument& argument) {
  if (argument.definition != nullptr || field.field == nullptr || parent == nullptr) return;
  std::vector<std::string_view> names;
  for (const InputValue& each : field.field->arguments) names.push_back(each.name);
  const std::string_view name = argument.name.text;
  context_.report("Unknown argument " + in_quotes(name) + " on field \"" + std::string(parent->name) + "." +
                      std::string(field.field->name) + "\"." + did_you_mean(suggestions(name, names)),
                  {argument.name.at});
}

// Argument Uniqueness.
void Validator::unique_arguments(List<Argument> arguments) {
  if (arguments.size() < 2) return;
  NameTable groups;
  std::vector<std::pair<std::string_view, std::vector<std::uint32_t>>> found;
  for (const Argument& each : arguments) {
    const auto [group, fresh] = groups.add(each.name.text, static_cast<std::uint32_t>(found.size()));
    if (fresh) found.emplace_back(each.name.text, std::vector<std::uint32_t>());
    found[group].second.push_back(each.name.at);
  }
  for (const auto& [name, places] : found) {
    if (places.size() > 1) context_.report("There can be only one argument named " + in_quotes(name) + ".", places);
  }
}

// Required Arguments.
void Validator::required_arguments(const Selection& field) {
  if (field.field == nullptr) return;
  for (const InputValue& each : field.field->arguments) {
    if (!each.required()) continue;
    const auto gives = [&](const Argument& argument) { return argument.definition == &each; };
    if (std::ranges::any_of(field.arguments, gives)) continue;
    context_.report("Field " + in_quotes(field.field->name) + " argument " + in_quotes(each.name) + " of type " +
                        in_quotes(each.type.text()) + " is required, but it was not provided.",
                    {field.at});
  }
}

}  // namespace parley::graphql
