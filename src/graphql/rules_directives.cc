// Rules about directives.
#include <algorithm>

#include "graphql/validator.h"

namespace parley::graphql {
// Directives Are Unique per Location.
void Validator::unique_directives(List<Directive> all) {
  if (all.size() < 2) return;
  NameTable seen;
  for (const Directive& each : all) {
    const DirectiveDefinition* const definition = schema_.directive(each.name.text);
    if (definition == nullptr || definition->repeatable) continue;
    const auto [first, fresh] = seen.add(each.name.text, each.at);
    if (!fresh)
      context_.report("The directive \"@" + std::string(each.name.text) + "\" can only be used once at this location.",
                      {first, each.at});
  }
}

// Directives Are Defined; Directives Are in Valid Locations.
void Validator::known_directive(const Directive& directive, const DirectiveDefinition* definition,
                                DirectiveLocation location) {
  const std::string name = "\"@" + std::string(directive.name.text) + "\"";
  if (definition == nullptr) {
    context_.report("Unknown directive " + name + ".", {directive.at});
  } else if (std::ranges::find(definition->locations, location) == definition->locations.end()) {
    context_.report("Directive " + name + " may not be used on " + std::string(graphql::name(location)) + ".",
                    {directive.at});
  }
}

// Argument Names.
void Validator::known_arguments(const Directive& directive, const DirectiveDefinition& definition) {
  for (const Argument& each : directive.arguments) {
    const std::string_view name = each.name.text;
    if (definition.argument(name) != nullptr) continue;
    std::vector<std::string_view> names;
    for (const InputValue& known : definition.arguments) names.push_back(known.name);
    context_.report("Unknown argument " + in_quotes(name) + " on directive \"@" + std::string(definition.name) + "\"." +
                        did_you_mean(suggestions(name, names)),
                    {each.name.at});
  }
}

// Required Arguments.
void Validator::required_arguments(const Directive& directive, const DirectiveDefinition& definition) {
  for (const InputValue& each : definition.arguments) {
    if (!each.required() || directive.argument(each.name) != nullptr) continue;
    context_.report("Directive \"@" + std::string(definition.name) + "\" argument " + in_quotes(each.name) +
                        " of type " + in_quotes(each.type.text()) + " is required, but it was not provided.",
                    {directive.at});
  }
}

}  // namespace parley::graphql
