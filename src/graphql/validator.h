// One walk over a document: resolves names and asks the rules, in the order in which graphql-js 16 asks its
// `specifiedRules`. The rules that look at one node at a time are its members, by subject: rules_fields.cc,
// rules_fragments.cc, rules_variables.cc, rules_directives.cc, rules_values.cc; larger ones are on their own.
#pragma once

#include "graphql/merge_rule.h"
#include "graphql/suggestions.h"
#include "graphql/validation_context.h"

namespace parley::graphql {

class Validator {
 public:
  explicit Validator(ValidationContext& context) : context_(context), schema_(context.schema()), merge_(context) {}
  void run();

 private:
  // Where a value stands.
  struct Position {
    Type type;                          // none: not known
    bool has_default = false;           // of the argument or the input field
    const NamedType* one_of = nullptr;  // a field of this @oneOf input object
  };

  // validator.cc
  void operation(OperationDefinition& operation);
  void fragment(FragmentDefinition& fragment);
  void variable_definition(VariableDefinition& variable);
  // `type`: what is selected from, if it is known, composite or not.
  void selection_set(SelectionSet& set, const NamedType* type, bool inline_fragment);
  void field(Selection& field, const NamedType* parent);
  void spread(Selection& spread, const NamedType* parent);
  void inline_fragment(Selection& fragment, const NamedType* parent, const NamedType* type);
  void directives(List<Directive> all, DirectiveLocation location);
  void directive(Directive& directive, DirectiveLocation location);
  void values(List<Value> items, const Position& list, bool check);
  void value(Value& value, const Position& position, bool check);
  void object(Value& value, const Position& position, bool check);
  const NamedType* named_type(const Name& name);

  // rules_document.cc
  void executable_definitions();
  void unique_operation_name(const OperationDefinition& operation);
  void lone_anonymous_operation(const OperationDefinition& operation);
  void unused_fragments();
  // rules_fields.cc
  void scalar_leafs(const Selection& field);
  void field_on_correct_type(const Selection& field, const NamedType* parent);
  void known_argument(const Selection& field, const NamedType* parent, const Argument& argument);
  void unique_arguments(List<Argument> arguments);
  void required_arguments(const Selection& field);
  // rules_fragments.cc
  void on_composite_type(const Name& condition, const NamedType* type, const FragmentDefinition* fragment);
  void unique_fragment_name(const FragmentDefinition& fragment);
  void known_fragment(const Selection& spread);
  void possible_spread(const Selection& spread, const NamedType* parent, const NamedType* type);
  void cycles(const FragmentDefinition& fragment);
  // rules_variables.cc
  void input_type(const VariableDefinition& variable);
  void unique_variables(const OperationDefinition& operation);
  void leave(const OperationDefinition& operation, std::span<const VariableUse> uses);
  void allowed_position(const VariableDefinition& variable, const VariableUse& use);
  // rules_directives.cc
  void unique_directives(List<Directive> all);
  void known_directive(const Directive& directive, const DirectiveDefinition* definition, DirectiveLocation location);
  void known_arguments(const Directive& directive, const DirectiveDefinition& definition);
  void required_arguments(const Directive& directive, const DirectiveDefinition& definition);
  // rules_values.cc. False: what is inside is not looked at.
  bool check_list(const Value& value, Type type);
  bool check_object(const Value& value, Type type);
  void check_one_of(const Value& value, const NamedType& type);
  void known_entry(const ObjectField& entry, const NamedType* object);
  void check_null(const Value& value, Type type);
  void check_leaf(const Value& value, Type type);
  // rule_subscription.cc
  void single_root_field(const OperationDefinition& operation);
  // rule_introspection.cc; false: too deep, and said so
  bool introspection_depth(const Selection& field);

  ValidationContext& context_;
  const Schema& schema_;
  MergeRule merge_;
  const Field* field_ = nullptr;              // the innermost around here
  std::vector<VariableUse>* uses_ = nullptr;  // of the definition that is walked
  std::vector<std::vector<VariableUse>> operation_uses_;
  NameTable operation_names_;
  NameTable fragment_names_;
  // rules_fragments.cc: the path of spreads that is followed, and where in it each fragment is.
  std::vector<bool> visited_;
  std::vector<std::int32_t> path_index_;
  std::vector<const Selection*> path_;
  bool inside_introspection_ = false;  // below a field that was too deep already
};

}  // namespace parley::graphql
