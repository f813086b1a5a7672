// Rules about a document's definitions.
#include "graphql/validator.h"

namespace parley::graphql {

// Executable Definitions.
void Validator::executable_definitions() {
  for (const Definition& each : context_.document().definitions()) {
    if (each.kind != DefinitionKind::type_system) continue;
    const std::string name = each.is_schema ? "schema" : "\"" + std::string(each.text) + "\"";
    context_.report("The " + name + " definition is not executable.", {each.at});
  }
}

// Operation Name Uniqueness.
void Validator::unique_operation_name(const OperationDefinition& operation) {
  if (!operation.name) return;
  const auto [first, fresh] = operation_names_.add(operation.name.text, operation.name.at);
  if (!fresh)
    context_.report("There can be only one operation named \"" + std::string(operation.name.text) + "\".",
                    {first, operation.name.at});
}

// Lone Anonymous Operation.
void Validator::lone_anonymous_operation(const OperationDefinition& operation) {
  if (!operation.name && context_.document().operations().size() > 1)
    context_.report("This anonymous operation must be the only defined operation.", {operation.at});
}

// Fragments Must Be Used.
void Validator::unused_fragments() {
  const auto fragments = context_.document().fragments();
  if (fragments.empty() || context_.full()) return;
  std::vector<const Selection*> spreads;
  for (const OperationDefinition* each : context_.document().operations()) {
    const auto some = context_.spreads(*each->selections);
    spreads.insert(spreads.end(), some.begin(), some.end());
  }
  NameTable used;
  for (const FragmentDefinition* each : context_.reachable(spreads)) used.add(each->name.text, 0);
  for (const FragmentDefinition* each : fragments) {
    if (used.find(each->name.text) == nullptr)
      context_.report("Fragment \"" + std::string(each->name.text) + "\" is never used.", {each->at});
  }
}

}  // namespace parley::graphql
