// Each rule with a case or two, by their names in the specification. That all of it is as graphql-js has it, generated
// documents show (test/graphql).
#include "graphql/validation.h"

#include <gtest/gtest.h>

#include "graphql/schema_fixture.h"
#include "graphql/suggestions.h"

namespace parley::graphql {
namespace {

const Schema& schema() {
  static const TestSchema made = schema_of(
      "service Dogs { rpc GetDog(DogRequest) returns (Dog) { option idempotency_level = NO_SIDE_EFFECTS; }"
      "  rpc FindPet(FindRequest) returns (Pet) { option idempotency_level = NO_SIDE_EFFECTS; }"
      "  rpc Teach(Dog) returns (Dog); rpc Watch(DogRequest) returns (stream Dog); rpc Hear(DogRequest) returns "
      "(stream Dog); }"
      "message DogRequest { string name = 1 [(google.api.field_behavior) = REQUIRED]; int32 age = 2; Size size = 3; "
      "  repeated int64 ids = 4; google.protobuf.Timestamp born = 5; }"
      "message FindRequest { oneof by { string name = 1; int32 number = 2; } }"
      "message Pet { oneof kind { Dog dog = 1; Cat cat = 2; } }"
      "message Dog { string name = 1; Dog mother = 2; Size size = 3; repeated Dog pups = 4; }"
      "message Cat { string name = 1; int32 lives = 2; }"
      "enum Size { SIZE_UNSPECIFIED = 0; SIZE_SMALL = 1; SIZE_LARGE = 2; }");
  return *made.schema;
}

std::string errors_of(std::string_view source, const ValidationLimits& limits = {}) {
  auto document = Document::parse(source);
  if (!document) return document.error().message + "\n";
  return text_of(validate(schema(), **document, limits));
}

TEST(GraphqlValidation, Rules) {
  const struct {
    const char* rule;
    const char* source;
    const char* want;
  } cases[] = {
      {"a valid document", "query Q($n: String!) { dog(name: $n) { ...D } } fragment D on Dog { name pups { size } }",
       ""},
      {"Executable Definitions", "{ __typename } type T { a: Int }",
       "The \"T\" definition is not executable. (1:16)\n"},
      {"Operation Name Uniqueness", "query A { __typename } query A { __typename }",
       "There can be only one operation named \"A\". (1:7 1:30)\n"},
      {"Lone Anonymous Operation", "{ __typename } query A { __typename }",
       "This anonymous operation must be the only defined operation. (1:1)\n"},
      {"Single Root Field",
       "subscription S { watch(name: \"\") { name } ...F } fragment F on Subscription { __typename }",
       "Subscription \"S\" must select only one top level field. (1:79)\nSubscription \"S\" must not select an "
       "introspection "
       "top level field. (1:79)\n"},
      {"Single Root Field: nothing is skipped", "subscription { watch(name: \"\") @skip(if: true) { name } }",
       "Anonymous Subscription must not use `@skip` and `@include` directives in the top level selection. (1:32)\n"},
      {"Field Selections", "{ dog(name: \"\") { nme barks } }",
       "Cannot query field \"nme\" on type \"Dog\". Did you mean \"name\"? (1:19)\nCannot query field \"barks\" on "
       "type "
       "\"Dog\". (1:23)\n"},
      {"Field Selections: of a union", "{ findPet { kind { lives } } }",
       "Cannot query field \"lives\" on type \"PetKind\". Did you mean to use an inline fragment on \"Cat\"? (1:20)\n"},
      {"Leaf Field Selections", "{ dog(name: \"\") { name { x } mother } }",
       "Field \"name\" must not have a selection since type \"String!\" has no subfields. (1:24)\nField \"mother\" of "
       "type "
       "\"Dog\" must have a selection of subfields. Did you mean \"mother { ... }\"? (1:30)\n"},
      {"Field Selection Merging", "{ dog(name: \"a\") { name } dog(name: \"b\") { name } }",
       "Fields \"dog\" conflict because they have differing arguments. Use different aliases on the fields to fetch "
       "both if "
       "this was intentional. (1:3 1:27)\n"},
      {"Field Selection Merging: shapes of different types",
       "{ findPet { kind { ... on Dog { a: name } ... on Cat { a: lives } } } }",
       "Fields \"a\" conflict because they return conflicting types \"String!\" and \"Int!\". Use different aliases on "
       "the "
       "fields to fetch both if this was intentional. (1:33 1:56)\n"},
      {"Field Selection Merging: different fields of different types",
       "{ findPet { kind { ... on Dog { a: name } ... on Cat { a: name } } } }", ""},
      {"Argument Names", "{ dog(nam: \"\", name: \"\") { name @skip(iff: true, if: true) } }",
       "Unknown argument \"nam\" on field \"Query.dog\". Did you mean \"name\"? (1:7)\nUnknown argument \"iff\" on "
       "directive "
       "\"@skip\". Did you mean \"if\"? (1:39)\n"},
      {"Argument Uniqueness", "{ dog(name: \"\", name: \"\") { name } }",
       "There can be only one argument named \"name\". (1:7 1:17)\n"},
      {"Required Arguments", "{ dog { name @include } }",
       "Directive \"@include\" argument \"if\" of type \"Boolean!\" is required, but it was not provided. "
       "(1:14)\nField "
       "\"dog\" argument \"name\" of type \"String!\" is required, but it was not provided. (1:3)\n"},
      {"Fragment Name Uniqueness", "{ ...F } fragment F on Query { __typename } fragment F on Query { __typename }",
       "There can be only one fragment named \"F\". (1:19 1:54)\n"},
      {"Fragment Spread Type Existence", "{ ... on Dgo { name } }",
       "Unknown type \"Dgo\". Did you mean \"Dog\"? (1:10)\n"},
      {"Fragments on Object, Interface or Union Types", "{ ... on Size { x } }",
       "Fragment cannot condition on non composite type \"Size\". (1:10)\n"},
      {"Fragments Must Be Used", "{ __typename } fragment F on Dog { name }", "Fragment \"F\" is never used. (1:16)\n"},
      {"Fragment Spread Target Defined", "{ ...F }", "Unknown fragment \"F\". (1:6)\n"},
      {"Fragment Spreads Must Not Form Cycles", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
       "Cannot spread fragment \"A\" within itself via \"B\". (1:32 1:61)\n"},
      {"Fragment Spread Is Possible", "{ findPet { kind { ...F } } } fragment F on Pet { __typename }",
       "Fragment \"F\" cannot be spread here as objects of type \"PetKind\" can never be of type \"Pet\". (1:20)\n"},
      {"Values of Correct Type: specified scalars", "{ dog(name: 1, age: \"1\") { name } }",
       "String cannot represent a non string value: 1 (1:13)\nInt cannot represent non-integer value: \"1\" (1:21)\n"},
      {"Values of Correct Type: an Int has 32 bits", "{ dog(name: \"\", age: 2147483648) { name } }",
       "Int cannot represent non 32-bit signed integer value: 2147483648 (1:22)\n"},
      {"Values of Correct Type: enumerations", "{ dog(name: \"\", size: SMAL) { name } }",
       "Value \"SMAL\" does not exist in \"Size\" enum. Did you mean the enum value \"SMALL\"? (1:23)\n"},
      {"Values of Correct Type: null", "{ dog(name: null) { name } }",
       "Expected value of type \"String!\", found null. (1:13)\n"},
      {"Values of Correct Type: Parley's scalars",
       "{ dog(name: \"\", ids: [1, \"2\", \"x\"], born: \"today\") { name } }",
       "Int64 cannot represent non-integer value: \"x\" (1:31)\nTimestamp cannot represent value: \"today\": expected "
       "a "
       "timestamp such as 2030-01-31T12:00:00Z, got \"today\" (1:43)\n"},
      {"Values of Correct Type: a value where a list is expected", "{ dog(name: \"\", ids: 7) { name } }", ""},
      {"Values of Correct Type: @oneOf", "{ findPet(by: {name: \"\", number: 1}) { __typename } }",
       "OneOf Input Object \"FindRequestByInput\" must specify exactly one key. (1:15)\n"},
      {"Input Object Field Names", "mutation { teach(input: {nam: \"\"}) { name } }",
       "Field \"nam\" is not defined by type \"DogInput\". Did you mean \"name\"? (1:26)\n"},
      {"Input Object Field Uniqueness", "mutation { teach(input: {name: \"\", name: \"\"}) { name } }",
       "There can be only one input field named \"name\". (1:26 1:36)\n"},
      {"Directives Are Defined", "{ __typename @nope }", "Unknown directive \"@nope\". (1:14)\n"},
      {"Directives Are in Valid Locations", "query @skip(if: true) { __typename }",
       "Directive \"@skip\" may not be used on QUERY. (1:7)\n"},
      {"Directives Are Unique per Location", "{ __typename @skip(if: true) @skip(if: true) }",
       "The directive \"@skip\" can only be used once at this location. (1:14 1:30)\n"},
      {"Variable Uniqueness", "query ($a: Boolean!, $a: Boolean!) { __typename @skip(if: $a) }",
       "There can be only one variable named \"$a\". (1:9 1:23)\n"},
      {"Variables Are Input Types", "query ($a: Dog) { dog(name: \"\", age: $a) { name } }",
       "Variable \"$a\" cannot be non-input type \"Dog\". (1:12)\nVariable \"$a\" of type \"Dog\" used in position "
       "expecting "
       "type \"Int\". (1:8 1:38)\n"},
      {"All Variable Uses Defined", "query Q { dog(name: $a) { name } }",
       "Variable \"$a\" is not defined by operation \"Q\". (1:21 1:1)\n"},
      {"All Variables Used", "query ($a: Int) { __typename }", "Variable \"$a\" is never used. (1:8)\n"},
      {"All Variable Usages Are Allowed", "query ($a: String) { dog(name: $a) { name } }",
       "Variable \"$a\" of type \"String\" used in position expecting type \"String!\". (1:8 1:32)\n"},
      {"All Variable Usages Are Allowed: with a default", "query ($a: String = \"\") { dog(name: $a) { name } }", ""},
      {"All Variable Usages Are Allowed: through fragments, of each operation",
       "query A($a: Int) { ...F } query B($a: String!) { ...F } fragment F on Query { dog(name: $a) { name } }",
       "Variable \"$a\" of type \"Int\" used in position expecting type \"String!\". (1:9 1:89)\n"},
      {"All Variable Usages Are Allowed: @oneOf", "query ($a: String) { findPet(by: {name: $a}) { __typename } }",
       "Variable \"$a\" is of type \"String\" but must be non-nullable to be used for OneOf Input Object "
       "\"FindRequestByInput\". (1:8 1:41)\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(errors_of(c.source), c.want) << c.rule;
}

TEST(GraphqlValidation, LeavesWhatItFoundInTheDocument) {
  auto document = *Document::parse(
      "query Q($n: String!) { dog(name: $n) { ...D } } fragment D on Dog { pups @skip(if: true) { name } ... on Dog { "
      "size } }");
  ASSERT_TRUE(validate(schema(), *document).empty());
  const OperationDefinition& query = **document->operation("Q");
  const Selection& dog = query.selections->items[0];
  EXPECT_EQ(dog.field->method->name, "GetDog");
  EXPECT_EQ(dog.arguments[0].definition->field->proto_name, "name");
  EXPECT_EQ(query.variables[0].type.type().text(), "String!");
  const FragmentDefinition& fragment = *dog.selections->items[0].fragment;
  EXPECT_EQ(fragment.condition->name, "Dog");
  EXPECT_EQ(fragment.selections->parent->name, "Dog");
  EXPECT_EQ(fragment.selections->items[0].directives[0].arguments[0].definition->name, "if");
  EXPECT_EQ(fragment.selections->items[1].condition->name, "Dog");
}

TEST(GraphqlValidation, Limits) {
  EXPECT_EQ(
      errors_of("{ a b c }", {.max_errors = 2}),
      "Cannot query field \"a\" on type \"Query\". (1:3)\nCannot query field \"b\" on type \"Query\". (1:5)\nToo many "
      "validation errors, error limit reached. Validation aborted.\n");
  // Fragments that hold one another's fields in each other: compared pair by pair, this would take for ever.
  std::string source = "{ dog(name: \"\") { ...F0 ...G0 } }";
  constexpr int levels = 300;
  for (int i = 0; i < levels; ++i) {
    const std::string next = i + 1 < levels ? std::to_string(i + 1) : "";
    for (const char* name : {"F", "G"}) {
      source += " fragment " + std::string(name) + std::to_string(i) + " on Dog { name ";
      if (!next.empty())
        source += "mother { ...F" + next + " ...G" + next + " } pups { ...F" + next + " ...G" + next + " }";
      source += " }";
    }
  }
  EXPECT_EQ(errors_of(source), "") << "each pair is compared once";
  std::string names = "{ dog(name: \"\") { ";
  for (int i = 0; i < 1000; ++i) names += "name ";
  EXPECT_EQ(errors_of(names + "} }"), "Validation aborted.\n");
}

TEST(GraphqlSuggestions, AreGraphqlJss) {
  const struct {
    const char* input;
    std::vector<std::string_view> options;
    const char* want;
  } cases[] = {
      {"", {"a", ""}, " Did you mean \"\" or \"a\"?"},
      {"input", {}, ""},
      {"abc", {"a", "ab", "abc"}, " Did you mean \"abc\", \"ab\", or \"a\"?"},
      {"greenish", {"green"}, " Did you mean \"green\"?"},
      {"green", {"greenish"}, " Did you mean \"greenish\"?"},
      {"verylongstring", {"VERYLONGSTRING"}, " Did you mean \"VERYLONGSTRING\"?"},
      {"ab", {"ba"}, " Did you mean \"ba\"?"},
      {"abcde", {"fghij"}, ""},
      {"x", {"x10", "x2", "x1", "x3", "x4", "x5"}, " Did you mean \"x1\", \"x2\", \"x3\", \"x4\", or \"x5\"?"},
  };
  for (const auto& c : cases) EXPECT_EQ(did_you_mean(suggestions(c.input, c.options)), c.want) << c.input;
}

}  // namespace
}  // namespace parley::graphql
