#include "graphql/schema.h"

#include <gtest/gtest.h>

#include "graphql/introspection.h"
#include "graphql/schema_fixture.h"

namespace parley::graphql {
namespace {

// A query for A and a mutation with it, and the types of `body`.
std::string with_rpcs(std::string_view body) {
  return "service S { rpc GetA(A) returns (A) { option idempotency_level = NO_SIDE_EFFECTS; } rpc Set(A) returns (A); "
         "}\n" +
         std::string(body);
}

// The SDL of one type.
std::string sdl_of(const TestSchema& made, std::string_view type) {
  if (made.schema == nullptr) return made.problems;
  const std::string all = "\n\n" + made.schema->sdl() + "\n\n";
  for (const char* keyword : {"type ", "input ", "union ", "enum ", "scalar "}) {
    for (const char* after : {" ", "\n"}) {
      const std::size_t at = all.find("\n" + std::string(keyword) + std::string(type) + after);
      if (at != std::string::npos) return all.substr(at + 1, all.find("\n\n", at + 1) - at - 1);
    }
  }
  return "there is no " + std::string(type) + " in\n" + all;
}

TEST(GraphqlSchema, Mapping) {
  const struct {
    const char* name;
    const char* body;
    const char* type;
    const char* want;
  } cases[] = {
      {"plain scalars are never null, on input they may be left out",
       "message A { int32 a = 1; uint64 b = 2; double c = 3; bytes d = 4; }", "A",
       "type A {\n  a: Int!\n  b: UInt64!\n  c: Float!\n  d: Bytes!\n}"},
      {"an input object", "message A { int32 a = 1; repeated string b = 2; }", "AInput",
       "input AInput {\n  a: Int\n  b: [String!]\n}"},
      {"presence makes null", "message A { optional int32 a = 1; google.protobuf.StringValue b = 2; A c = 3; }", "A",
       "type A {\n  a: Int\n  b: String\n  c: A\n}"},
      {"REQUIRED on input", "message A { int32 a = 1 [(google.api.field_behavior) = REQUIRED]; }", "AInput",
       "input AInput {\n  a: Int!\n}"},
      {"OUTPUT_ONLY is no input", "message A { int32 a = 1; int32 b = 2 [(google.api.field_behavior) = OUTPUT_ONLY]; }",
       "AInput", "input AInput {\n  a: Int\n}"},
      {"INPUT_ONLY is no output", "message A { int32 a = 1; int32 b = 2 [(google.api.field_behavior) = INPUT_ONLY]; }",
       "A", "type A {\n  a: Int!\n}"},
      {"a oneof is a union", "message A { oneof what { string text = 1; B b = 2; } } message B { int32 c = 1; }",
       "AWhat", "union AWhat = AWhatText | B"},
      {"with scalars in boxes", "message A { oneof what { string text = 1; B b = 2; } } message B { int32 c = 1; }",
       "AWhatText", "type AWhatText {\n  text: String!\n}"},
      {"and one type twice in boxes", "message A { oneof what { B a = 1; B b = 2; } } message B { int32 c = 1; }",
       "AWhat", "union AWhat = AWhatA | AWhatB"},
      {"a oneof as input", "message A { oneof what { string text = 1; B b = 2; } } message B { int32 c = 1; }",
       "AWhatInput", "input AWhatInput @oneOf {\n  text: String\n  b: BInput\n}"},
      {"an enum loses its prefix, and what says nothing",
       "message A { E e = 1; } enum E { E_UNSPECIFIED = 0; E_ONE = 1; }", "E", "enum E {\n  ONE\n}"},
      {"and is null then", "message A { E e = 1; repeated E f = 2; } enum E { E_UNSPECIFIED = 0; E_ONE = 1; }", "A",
       "type A {\n  e: E\n  f: [E]!\n}"},
      {"a map is a list of entries", "message A { map<string, B> b = 1; } message B { int32 c = 1; }", "A",
       "type A {\n  b: [ABEntry!]!\n}"},
      {"with key and value", "message A { map<int64, B> b = 1; } message B { int32 c = 1; }", "ABEntry",
       "type ABEntry {\n  key: Int64!\n  value: B!\n}"},
      {"well-known types are scalars",
       "message A { google.protobuf.Timestamp a = 1; google.protobuf.Struct b = 2; google.protobuf.FieldMask c = 3; }",
       "A", "type A {\n  a: Timestamp\n  b: JSON\n  c: FieldMask\n}"},
      {"comments and deprecations",
       "// About A.\nmessage A {\n  // About a.\n  int32 a = 1;\n  int32 b = 2 [deprecated = true];\n}", "A",
       "type A {\n  \"\"\"About a.\"\"\"\n  a: Int!\n  b: Int! @deprecated\n}"},
      {"a nested message is called after both", "message A { message B { int32 c = 1; } B b = 1; }", "AB",
       "type AB {\n  c: Int!\n}"},
      {"a message called as a type of GraphQL", "message A { Query q = 1; } message Query { int32 a = 1; }",
       "ShopQuery", "type ShopQuery {\n  a: Int!\n}"},
      {"an empty message", "message A { B b = 1; } message B {}", "B",
       "type B {\n  \"\"\"Always null: GraphQL asks for a field, and there is none.\"\"\"\n  _: Boolean\n}"},
      {"a ring that must be given is broken", "message A { A a = 1 [(google.api.field_behavior) = REQUIRED]; }",
       "AInput", "input AInput {\n  a: AInput\n}"},
      {"roots", "message A { int32 a = 1; }", "Query", "type Query {\n  a(a: Int): A\n}"},
      {"mutations", "message A { int32 a = 1; }", "Mutation", "type Mutation {\n  set(input: AInput!): A\n}"},
  };
  for (const auto& c : cases) EXPECT_EQ(sdl_of(schema_of(with_rpcs(c.body)), c.type), c.want) << c.name;
}

TEST(GraphqlSchema, Roots) {
  const char* const read = "{ option idempotency_level = NO_SIDE_EFFECTS; }";
  const auto schema = [&](const std::string& rpcs) {
    return schema_of("service S { " + rpcs + " } service T { rpc GetA(A) returns (A) " + read +
                     " } message A { int32 a = 1; } message R { repeated A as = 1; } message SetRequest { A a = 1; }");
  };
  EXPECT_EQ(sdl_of(schema("rpc W(A) returns (stream A);"), "Subscription"), "type Subscription {\n  w(a: Int): A\n}");
  EXPECT_EQ(sdl_of(schema("rpc Up(stream A) returns (A); rpc Chat(stream A) returns (stream A);"), "Query"),
            "type Query {\n  a(a: Int): A\n}");
  EXPECT_EQ(sdl_of(schema(std::string("rpc GetA(A) returns (A) ") + read), "Query"),
            "type Query {\n  sGetA(a: Int): A\n  tGetA(a: Int): A\n}");
  EXPECT_EQ(
      sdl_of(schema("rpc Set(SetRequest) returns (google.protobuf.Empty); rpc Go(google.protobuf.Empty) returns (A);"),
             "Mutation"),
      "type Mutation {\n  set(input: SetInput!): Empty\n  go: A\n}");
  EXPECT_EQ(
      sdl_of(schema("rpc List(A) returns (R) { option idempotency_level = NO_SIDE_EFFECTS; option (parley.graphql) = "
                    "{unwrap: \"as\" name: \"all\"}; }"),
             "Query"),
      "type Query {\n  all(a: Int): [A!]\n  a(a: Int): A\n}");
  EXPECT_EQ(sdl_of(schema("rpc Hidden(A) returns (A) { option (parley.graphql) = {hide: true}; }"), "Query"),
            "type Query {\n  a(a: Int): A\n}");
  EXPECT_EQ(sdl_of(schema_of("message A {}"), "Query"),
            "type Query {\n  \"\"\"Always null: GraphQL asks for a field, and there is none.\"\"\"\n  _: Boolean\n}");
}

constexpr const char* shop =
    "service Orders { rpc GetOrder(Q) returns (Order) { option idempotency_level = NO_SIDE_EFFECTS; } }\n"
    "service Customers { rpc BatchGet(Keys) returns (Customers2) { option idempotency_level = NO_SIDE_EFFECTS; }\n"
    "  rpc ByOrder(Keys) returns (Customers2) { option idempotency_level = NO_SIDE_EFFECTS;\n"
    "    option (parley.loader) = {match: \"order\" many: true max: 20};\n"
    "    option (parley.graphql) = {extend: \"shop.Order\" name: \"buyers\" key: \"name\"}; } }\n"
    "message Q { string name = 1; google.protobuf.FieldMask read_mask = 2; }\n"
    "message Order { string name = 1; string customer = 2 [(parley.link) = {field: \"who\" rpc: "
    "\"shop.Customers/BatchGet\"}]; repeated string others = 3 [(parley.link) = {field: \"all\" rpc: "
    "\"shop.Customers/BatchGet\"}]; }\n"
    "message Keys { repeated string names = 1; }\n"
    "message Customers2 { repeated Customer items = 1; }\n"
    "message Customer { string name = 1; string order = 2; }\n";

TEST(GraphqlSchema, Joins) {
  const TestSchema made = schema_of(shop);
  ASSERT_NE(made.schema, nullptr) << made.problems;
  EXPECT_EQ(made.problems, "");
  EXPECT_EQ(sdl_of(made, "Order"),
            "type Order {\n  name: String!\n  buyers: [Customer!]\n  customer: String!\n  who: Customer\n  others: "
            "[String!]!\n  all: [Customer]!\n}");
  const NamedType& order = *made.schema->type("Order");
  const Field& who = *order.field("who");
  EXPECT_EQ(who.source, Source::join);
  EXPECT_EQ(who.link->key->proto_name, "customer");
  EXPECT_EQ(who.link->loader->method->name, "BatchGet");
  EXPECT_EQ(who.link->loader->keys->proto_name, "names");
  EXPECT_EQ(who.link->loader->items->proto_name, "items");
  EXPECT_EQ(who.link->loader->match->proto_name, "name");
  EXPECT_EQ(order.field("all")->link->loader, who.link->loader);
  EXPECT_EQ(order.field("buyers")->link->loader->max, 20U);
  EXPECT_EQ(order.field("buyers")->link->loader->match->proto_name, "order");
  EXPECT_EQ(made.schema->query().field("byOrder"), nullptr) << "a join from the other side is no root field";
  EXPECT_EQ(made.schema->query().field("order")->read_mask->proto_name, "read_mask");
}

TEST(GraphqlSchema, JoinsThatTheConfigurationNames) {
  SchemaOptions options;
  options.links = {{"shop.Order", "customer", "buyer", "shop.Customers/BatchGet"}};
  const TestSchema made = schema_of(shop, options);
  ASSERT_NE(made.schema, nullptr) << made.problems;
  EXPECT_EQ(made.schema->type("Order")->field("buyer")->type.text(), "Customer");
  const struct {
    ConfiguredLink link;
    const char* want;
  } wrong[] = {
      {{"shop.Ordr", "customer", "buyer", "shop.Customers/BatchGet"}, "there is no such message"},
      {{"shop.Order", "custmer", "buyer", "shop.Customers/BatchGet"},
       "it has no field `custmer` (hint: did you mean `customer`?)"},
      {{"shop.Order", "customer", "buyer", "shop.Customers/Nope"}, "there is no unary rpc `shop.Customers/Nope`"},
      {{"shop.Order", "customer", "2", "shop.Customers/BatchGet"}, "that is no name"},
      {{"shop.Order", "customer", "who", "shop.Customers/BatchGet"}, "the join `who` is a field of shop.Order already"},
  };
  for (const auto& c : wrong) {
    options.links = {c.link};
    const TestSchema bad = schema_of(shop, options);
    EXPECT_EQ(bad.schema, nullptr) << c.want;
    EXPECT_NE(bad.problems.find(c.want), std::string::npos) << bad.problems;
  }
}

TEST(GraphqlSchema, NamesThatCannotBeTold) {
  const auto loaded = contract::load_texts(
      {{"bare.proto",
        "syntax = \"proto3\";\nservice S { rpc Set(Query) returns (Query); rpc Do(Two) returns (Two); }\n"
        "message Query { int32 a = 1; }\nmessage Two { int32 foo_bar = 1; string x = 2; oneof fooBar { int32 z = 3; } "
        "}"}});
  ASSERT_NE(loaded.contract, nullptr);
  const BuiltSchema built = Schema::build(loaded.contract);
  EXPECT_EQ(built.schema, nullptr);
  std::string problems;
  for (const auto& d : built.diagnostics) problems += d.text() + "\n";
  EXPECT_EQ(
      problems,
      "bare.proto:4:1: error: GraphQL: `fooBar` of Two is no name that is free (hint: rename the field)\n"
      "bare.proto:4:1: error: GraphQL: `fooBar` of Two is no name that is free (hint: rename the field)\n"
      "bare.proto:3:1: error: GraphQL: message Query would be called `Query`, as one of GraphQL's own types (hint: "
      "rename it, or put it into a package)\n");
}

TEST(GraphqlSchema, Lookups) {
  const TestSchema made =
      schema_of(with_rpcs("message A { oneof what { B b = 1; string c = 2; } E e = 3; } message B { int32 c = 1; } "
                          "enum E { option allow_alias = "
                          "true; E_UNSPECIFIED = 0; E_TWO = 2; E_DEUX = 2; E_MINUS = -1; }"));
  ASSERT_NE(made.schema, nullptr) << made.problems;
  const Schema& schema = *made.schema;
  const NamedType& what = *schema.type("AWhat");
  EXPECT_EQ(schema.field(schema.query(), "__typename")->meta, Meta::typename_);
  EXPECT_EQ(schema.field(schema.query(), "__schema")->meta, Meta::schema);
  EXPECT_EQ(schema.field(*schema.type("A"), "__schema"), nullptr);
  EXPECT_EQ(schema.field(what, "__typename")->meta, Meta::typename_);
  EXPECT_TRUE(schema.is_possible(what, *schema.type("B")));
  EXPECT_FALSE(schema.is_possible(what, *schema.type("A")));
  EXPECT_TRUE(schema.overlap(*schema.type("B"), what));
  EXPECT_FALSE(schema.overlap(*schema.type("A"), what));
  const NamedType& e = *schema.type("E");
  EXPECT_EQ(e.null_number, 0);
  EXPECT_EQ(e.value_of(2)->name, "TWO");
  EXPECT_EQ(e.value_of(-1)->name, "MINUS");
  EXPECT_EQ(e.value_of(0), nullptr);
  EXPECT_EQ(e.value("DEUX")->number, 2);
  EXPECT_TRUE(what.members[1].boxed);
  EXPECT_EQ(what.members[1].field->proto_name, "c");
  EXPECT_EQ(what.members[1].type->fields[0].field, what.members[1].field);
  EXPECT_TRUE(schema.type("AWhatInput")->one_of);
  EXPECT_TRUE(schema.type("__Type")->introspection);
  EXPECT_EQ(schema.type("__Type")->field("fields")->argument("includeDeprecated")->default_text, "false");
  EXPECT_EQ(schema.directive("skip")->argument("if")->type.text(), "Boolean!");
  EXPECT_NE(introspection_json(schema).find("\"queryType\":{\"name\":\"Query\""), std::string::npos);
}

}  // namespace
}  // namespace parley::graphql
