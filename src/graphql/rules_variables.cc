// Rules about variables.
#include "graphql/validator.h"

namespace parley::graphql {
namespace {

std::string dollar(std::string_view name) { return "\"$" + std::string(name) + "\""; }

// AreTypesCompatible of All Variable Usages Are Allowed: a value of the variable's type can stand where the other is
// expected.
bool fits(Type variable, Type expected) {
  for (;;) {
    if (expected.non_null()) {
      if (!variable.non_null()) return false;
      expected = expected.nullable();
    }
    variable = variable.nullable();
    if (expected.list() != variable.list()) return false;
    if (!expected.list()) return expected.named == variable.named;
    expected = expected.item();
    variable = variable.item();
  }
}

bool is_allowed(const VariableDefinition& variable, const VariableUse& use) {
  const Type type = variable.type.type();
  if (!use.expected.non_null() || type.non_null()) return fits(type, use.expected);
  const bool has_value = variable.default_value != nullptr && variable.default_value->kind != ValueKind::null;
  return (has_value || use.has_default) && fits(type, use.expected.nullable());
}

}  // namespace

// Variables Are Input Types.
void Validator::input_type(const VariableDefinition& variable) {
  const TypeReference& type = variable.type;
  if (type.named == nullptr || type.named->is_input()) return;
  context_.report(
      "Variable " + dollar(variable.name.text) + " cannot be non-input type \"" + type.type().text() + "\".",
      {type.at});
}

// Variable Uniqueness.
void Validator::unique_variables(const OperationDefinition& operation) {
  if (operation.variables.size() < 2) return;
  NameTable groups;
  std::vector<std::vector<std::uint32_t>> places;
  std::vector<std::string_view> names;
  for (const VariableDefinition& each : operation.variables) {
    const auto [group, fresh] = groups.add(each.name.text, static_cast<std::uint32_t>(names.size()));
    if (fresh) {
      names.push_back(each.name.text);
      places.emplace_back();
    }
    places[group].push_back(each.name.at);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (places[i].size() > 1)
      context_.report("There can be only one variable named " + dollar(names[i]) + ".", places[i]);
  }
}

// All Variable Uses Defined, All Variables Used, All Variable Usages Are Allowed: of an operation and of all fragments
// that it leads to.
void Validator::leave(const OperationDefinition& operation, std::span<const VariableUse> own) {
  std::vector<VariableUse> with_fragments;
  if (!context_.document().fragments().empty()) {
    with_fragments.assign(own.begin(), own.end());
    for (const FragmentDefinition* each : context_.reachable(context_.spreads(*operation.selections))) {
      const auto& more = context_.uses(*each);
      if (!context_.spend(more.size())) return;
      with_fragments.insert(with_fragments.end(), more.begin(), more.end());
    }
    own = with_fragments;
  }
  if (own.empty() && operation.variables.empty()) return;
  NameTable defined;
  for (const VariableDefinition& each : operation.variables) defined.add(each.name.text, 0).first = each.index;
  std::vector<bool> used(operation.variables.size());
  const std::string name(operation.name.text);
  for (const VariableUse& use : own) {
    if (const std::uint32_t* index = defined.find(use.node->text)) {
      used[*index] = true;
      continue;
    }
    const std::string where = operation.name ? " is not defined by operation \"" + name + "\"." : " is not defined.";
    context_.report("Variable " + dollar(use.node->text) + where, {use.node->at, operation.at});
  }
  for (const VariableDefinition& each : operation.variables) {
    if (used[*defined.find(each.name.text)]) continue;
    const std::string where = operation.name ? " is never used in operation \"" + name + "\"." : " is never used.";
    context_.report("Variable " + dollar(each.name.text) + where, {each.at});
  }
  for (const VariableUse& use : own) {
    const std::uint32_t* index = defined.find(use.node->text);
    if (index != nullptr) allowed_position(operation.variables[*index], use);
  }
}

void Validator::allowed_position(const VariableDefinition& variable, const VariableUse& use) {
  const Type type = variable.type.type();
  if (!use.expected || !type) return;
  const std::string start = "Variable " + dollar(variable.name.text);
  if (!is_allowed(variable, use))
    context_.report(
        start + " of type \"" + type.text() + "\" used in position expecting type \"" + use.expected.text() + "\".",
        {variable.at, use.node->at});
  if (use.one_of != nullptr && !type.non_null())
    context_.report(start + " is of type \"" + type.text() + "\" but must be non-nullable to be used for OneOf Input " +
                        "Object \"" + std::string(use.one_of->name) + "\".",
                    {variable.at, use.node->at});
}

}  // namespace parley::graphql
