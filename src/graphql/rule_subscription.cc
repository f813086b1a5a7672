// Single Root Field: a subscription selects one field at its root, fragments included, none of introspection's, and
// nothing there is @skip or @include (September 2025; graphql-js 16 evaluates those, and has no message for them, so
// this one is graphql-js 17's).
#include "graphql/validator.h"

namespace parley::graphql {
namespace {

struct RootFields {
  NameTable groups;
  std::vector<std::vector<const Selection*>> fields;  // by response name, in the order of their first
  std::vector<std::uint32_t> conditions;              // where @skip and @include stand
  std::vector<bool> seen;                             // fragments
};

void collect(const Schema& schema, ValidationContext& context, const NamedType& root, const SelectionSet& set,
             RootFields& out) {
  if (!context.spend(set.items.size())) return;
  const auto applies = [&](const Name& condition) {
    const NamedType* type = condition ? schema.type(condition.text) : &root;
    return type != nullptr && type->is_composite() && schema.is_possible(*type, root);
  };
  for (const Selection& each : set.items) {
    for (const char* name : {"skip", "include"}) {
      if (const Directive* directive = each.directive(name)) out.conditions.push_back(directive->at);
    }
    if (each.kind == SelectionKind::field) {
      const auto [group, fresh] = out.groups.add(each.response_name(), static_cast<std::uint32_t>(out.fields.size()));
      if (fresh) out.fields.emplace_back();
      out.fields[group].push_back(&each);
    } else if (each.kind == SelectionKind::inline_fragment) {
      if (applies(each.type_condition)) collect(schema, context, root, *each.selections, out);
    } else if (const FragmentDefinition* fragment = context.fragment(each.name.text)) {
      if (out.seen[fragment->index]) continue;
      out.seen[fragment->index] = true;
      if (applies(fragment->type_condition)) collect(schema, context, root, *fragment->selections, out);
    }
  }
}

}  // namespace

void Validator::single_root_field(const OperationDefinition& operation) {
  if (operation.kind != OperationKind::subscription || schema_.subscription() == nullptr) return;
  RootFields root;
  root.seen.resize(context_.document().fragments().size());
  collect(schema_, context_, *schema_.subscription(), *operation.selections, root);
  const std::string which = operation.name ? "Subscription \"" + std::string(operation.name.text) + "\""
                                           : std::string("Anonymous Subscription");
  const auto places = [](std::span<const std::vector<const Selection*>> groups) {
    std::vector<std::uint32_t> at;
    for (const auto& group : groups) {
      for (const Selection* each : group) at.push_back(each->at);
    }
    return at;
  };
  if (!root.conditions.empty())
    context_.report(which + " must not use `@skip` and `@include` directives in the top level selection.",
                    root.conditions);
  const std::span<const std::vector<const Selection*>> groups = root.fields;
  if (groups.size() > 1) context_.report(which + " must select only one top level field.", places(groups.subspan(1)));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i][0]->name.text.starts_with("__"))
      context_.report(which + " must not select an introspection top level field.", places(groups.subspan(i, 1)));
  }
}

}  // namespace parley::graphql
