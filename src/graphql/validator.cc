#include "graphql/validator.h"

namespace parley::graphql {

std::vector<GraphqlError> validate(const Schema& schema, Document& document, const ValidationLimits& limits) {
  ValidationContext context(schema, document, limits);
  Validator(context).run();
  return std::move(context).errors();
}

void Validator::run() {
  Document& document = context_.document();
  executable_definitions();
  visited_.resize(document.fragments().size());
  path_index_.resize(document.fragments().size(), -1);
  operation_uses_.resize(document.definitions().size());
  std::size_t place = 0;
  for (Definition& definition : document.definitions()) {
    context_.enter(++place);
    uses_ = definition.fragment != nullptr ? &context_.uses(*definition.fragment) : &operation_uses_[place - 1];
    if (definition.operation != nullptr) operation(*definition.operation);
    if (definition.fragment != nullptr) fragment(*definition.fragment);
    if (context_.full()) break;
  }
  // The operations are left: what their fragments hold is known now.
  place = 0;
  for (const Definition& definition : document.definitions()) {
    context_.enter(++place);
    if (definition.operation != nullptr) leave(*definition.operation, operation_uses_[place - 1]);
  }
  context_.enter(place + 1);
  unused_fragments();
}

void Validator::operation(OperationDefinition& operation) {
  unique_operation_name(operation);
  lone_anonymous_operation(operation);
  single_root_field(operation);
  unique_variables(operation);
  unique_directives(operation.directives);
  for (VariableDefinition& each : operation.variables) variable_definition(each);
  constexpr DirectiveLocation locations[] = {DirectiveLocation::query, DirectiveLocation::mutation,
                                             DirectiveLocation::subscription};
  directives(operation.directives, locations[static_cast<std::size_t>(operation.kind)]);
  const NamedType* const roots[] = {&schema_.query(), schema_.mutation(), schema_.subscription()};
  selection_set(*operation.selections, roots[static_cast<std::size_t>(operation.kind)], false);
}

void Validator::fragment(FragmentDefinition& fragment) {
  fragment.condition = schema_.type(fragment.type_condition.text);
  on_composite_type(fragment.type_condition, fragment.condition, &fragment);
  unique_fragment_name(fragment);
  cycles(fragment);
  unique_directives(fragment.directives);
  named_type(fragment.type_condition);
  directives(fragment.directives, DirectiveLocation::fragment_definition);
  const NamedType* const type =
      fragment.condition != nullptr && fragment.condition->is_output() ? fragment.condition : nullptr;
  selection_set(*fragment.selections, type, false);
}

void Validator::variable_definition(VariableDefinition& variable) {
  variable.type.named = schema_.type(variable.type.name.text);
  input_type(variable);
  unique_directives(variable.directives);
  named_type(variable.type.name);
  const bool input = variable.type.named != nullptr && variable.type.named->is_input();
  if (variable.default_value != nullptr)
    value(*variable.default_value, {.type = input ? variable.type.type() : Type()}, true);
  directives(variable.directives, DirectiveLocation::variable_definition);
}

void Validator::selection_set(SelectionSet& set, const NamedType* type, bool is_inline) {
  const NamedType* const parent = type != nullptr && type->is_composite() ? type : nullptr;
  set.parent = parent;
  if (!is_inline) merge_.check(set, parent);
  for (Selection& each : set.items) {
    if (context_.full()) return;
    switch (each.kind) {
      case SelectionKind::field: field(each, parent); break;
      case SelectionKind::spread: spread(each, parent); break;
      case SelectionKind::inline_fragment: inline_fragment(each, parent, type); break;
    }
  }
}

void Validator::field(Selection& field, const NamedType* parent) {
  const Field* const around = field_;
  const Field* const definition = parent == nullptr ? nullptr : schema_.field(*parent, field.name.text);
  field_ = field.field = definition;
  scalar_leafs(field);
  field_on_correct_type(field, parent);
  unique_directives(field.directives);
  unique_arguments(field.arguments);
  const bool was_inside = inside_introspection_;
  if (!inside_introspection_ && !introspection_depth(field)) inside_introspection_ = true;
  for (Argument& each : field.arguments) {
    if (definition != nullptr) each.definition = definition->argument(each.name.text);
    known_argument(field, parent, each);
    const InputValue* const argument = each.definition;
    value(each.value, argument == nullptr ? Position() : Position{argument->type, argument->default_value != nullptr},
          true);
  }
  directives(field.directives, DirectiveLocation::field);
  if (field.selections != nullptr)
    selection_set(*field.selections, definition == nullptr ? nullptr : definition->type.named, false);
  required_arguments(field);
  inside_introspection_ = was_inside;
  field_ = around;
}

void Validator::spread(Selection& spread, const NamedType* parent) {
  FragmentDefinition* const fragment = context_.fragment(spread.name.text);
  spread.fragment = fragment;
  known_fragment(spread);
  const NamedType* type = fragment == nullptr ? nullptr : schema_.type(fragment->type_condition.text);
  possible_spread(spread, parent, type);
  unique_directives(spread.directives);
  directives(spread.directives, DirectiveLocation::fragment_spread);
}

void Validator::inline_fragment(Selection& fragment, const NamedType* parent, const NamedType* type) {
  if (fragment.type_condition) {
    fragment.condition = schema_.type(fragment.type_condition.text);
    on_composite_type(fragment.type_condition, fragment.condition, nullptr);
    type = fragment.condition != nullptr && fragment.condition->is_output() ? fragment.condition : nullptr;
  }
  possible_spread(fragment, parent, type);
  unique_directives(fragment.directives);
  if (fragment.type_condition) named_type(fragment.type_condition);
  directives(fragment.directives, DirectiveLocation::inline_fragment);
  selection_set(*fragment.selections, type, true);
}

void Validator::directives(List<Directive> all, DirectiveLocation location) {
  for (Directive& each : all) directive(each, location);
}

void Validator::directive(Directive& directive, DirectiveLocation location) {
  const DirectiveDefinition* const definition = schema_.directive(directive.name.text);
  known_directive(directive, definition, location);
  if (definition != nullptr) known_arguments(directive, *definition);
  unique_arguments(directive.arguments);
  for (Argument& each : directive.arguments) {
    // An unknown directive's arguments are looked up on the field around it: so does graphql-js.
    if (definition != nullptr) {
      each.definition = definition->argument(each.name.text);
    } else if (field_ != nullptr) {
      each.definition = field_->argument(each.name.text);
    }
    const InputValue* const argument = each.definition;
    value(each.value, argument == nullptr ? Position() : Position{argument->type, argument->default_value != nullptr},
          true);
  }
  if (definition != nullptr) required_arguments(directive, *definition);
}

void Validator::value(Value& value, const Position& position, bool check) {
  switch (value.kind) {
    case ValueKind::variable: uses_->push_back({&value, position.type, position.has_default, position.one_of}); return;
    case ValueKind::list: return values(value.items, position, check && check_list(value, position.type));
    case ValueKind::object: return object(value, position, check && check_object(value, position.type));
    case ValueKind::null:
      if (check) check_null(value, position.type);
      return;
    default:
      if (check) check_leaf(value, position.type);
  }
}

void Validator::values(List<Value> items, const Position& list, bool check) {
  Type item = list.type.nullable();
  if (item && item.list()) item = item.item();
  for (Value& each : items) value(each, {.type = item}, check);
}

void Validator::object(Value& object, const Position& position, bool check) {
  const NamedType* const type = position.type.named;
  const NamedType* const definition = type != nullptr && type->kind == TypeKind::input_object ? type : nullptr;
  NameTable seen;
  for (ObjectField& each : object.entries) {
    if (definition != nullptr) each.definition = definition->input(each.name.text);
    if (check) known_entry(each, definition);
    const auto [first, fresh] = seen.add(each.name.text, each.name.at);
    if (!fresh)
      context_.report("There can be only one input field named \"" + std::string(each.name.text) + "\".",
                      {first, each.name.at});
    Position inside;
    if (each.definition != nullptr) {
      inside = {each.definition->type, each.definition->default_value != nullptr,
                definition->one_of ? definition : nullptr};
    }
    value(each.value, inside, check);
  }
}

// Looks a name up and says so where there is no such type.
const NamedType* Validator::named_type(const Name& name) {
  const NamedType* const found = schema_.type(name.text);
  if (found == nullptr) {
    std::vector<std::string_view> names;
    for (const NamedType* each : schema_.types()) names.push_back(each->name);
    for (const Definition& each : context_.document().definitions()) {
      if (each.defines_type && each.text == name.text) return nullptr;  // that it stands here is the error
      if (each.defines_type) names.push_back(each.text);
    }
    context_.report("Unknown type \"" + std::string(name.text) + "\"." + did_you_mean(suggestions(name.text, names)),
                    {name.at});
  }
  return found;
}

}  // namespace parley::graphql
