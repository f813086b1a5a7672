#include "contract/breaking.h"

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"

namespace parley::contract {
namespace {

struct Case {
  const char* name;
  const char* old;
  const char* now;
  const char* want;  // messages, a line each; "" if nothing breaks
};

void check(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    const Loaded old = load_text(c.old);
    const Loaded now = load_text(c.now);
    ASSERT_NE(old.contract, nullptr) << c.name << all_text(old.diagnostics);
    ASSERT_NE(now.contract, nullptr) << c.name << all_text(now.diagnostics);
    std::string got;
    for (const Diagnostic& d : breaking_changes(*old.contract, *now.contract)) {
      EXPECT_FALSE(d.hint.empty()) << c.name;
      EXPECT_EQ(d.file, "shop.proto") << c.name;
      got += (got.empty() ? "" : "\n") + std::string(d.severity == Diagnostic::Severity::warning ? "(warning) " : "") +
             d.message;
    }
    EXPECT_EQ(got, c.want) << c.name;
  }
}

TEST(Breaking, AdditionsBreakNobody) {
  check({{"all kinds of additions",
          "service S { rpc R(A) returns (A); } message A { string a = 1; E e = 2; } enum E { X = 0; }",
          "service S { rpc R(A) returns (A); rpc Q(B) returns (B); } service T { rpc R(A) returns (A); }"
          "message A { string a = 1; E e = 2; B b = 3; repeated string c = 4; } message B {} enum E { X = 0; Y = 1; }",
          ""},
         {"another binding",
          "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a/{x}\"}; } } message A { string x = "
          "1; }",
          "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a/{x}\" additional_bindings {get: "
          "\"/b\"}}; } } message A { string x = 1; }",
          ""},
         {"another name for a variable",
          "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a/{x}\"}; } } message A { string x = "
          "1; string y = 2; }",
          "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a/{y}\"}; } } message A { string x = "
          "1; string y = 2; }",
          ""}});
}

TEST(Breaking, Fields) {
  check({
      {"gone", "message A { string a = 1; string b = 2; }", "message A { string a = 1; }",
       "wire: `b` of shop.A is gone"},
      {"gone and reserved", "message A { string a = 1; string b = 2; }", "message A { string a = 1; reserved 2; }",
       "JSON: `b` of shop.A is gone"},
      {"renumbered", "message A { string a = 1; }", "message A { string a = 2; }",
       "wire: `a` of shop.A was number 1 and is 2"},
      {"renamed", "message A { string user_id = 1; }", "message A { string customer_id = 1; }",
       "JSON: `userId` of shop.A is now `customerId`"},
      {"renamed, but not in JSON", "message A { string user_id = 1; }",
       "message A { string customer = 1 [json_name = \"userId\"]; }", ""},
      {"another wire type", "message A { string a = 1; }", "message A { int32 a = 1; }",
       "wire: `a` of shop.A was string and is int32"},
      {"another zigzag", "message A { int32 a = 1; }", "message A { sint32 a = 1; }",
       "wire: `a` of shop.A was int32 and is sint32"},
      {"another form in JSON", "message A { int32 a = 1; }", "message A { int64 a = 1; }",
       "JSON: `a` of shop.A was int32 and is int64"},
      {"string to bytes", "message A { string a = 1; }", "message A { bytes a = 1; }",
       "JSON: `a` of shop.A was string and is bytes"},
      {"another sign", "message A { int32 a = 1; }", "message A { uint32 a = 1; }",
       "(warning) wire: `a` of shop.A was int32 and is uint32; values that do not fit are cut"},
      {"repeated", "message A { string a = 1; }", "message A { repeated string a = 1; }",
       "wire: `a` of shop.A was string and is repeated string"},
      {"another message", "message A { B a = 1; } message B {} message C {}",
       "message A { C a = 1; } message B {} message C {}", "wire: `a` of shop.A was shop.B and is shop.C"},
      {"another enum", "message A { B a = 1; } enum B { X = 0; } enum C { Y = 0; }",
       "message A { C a = 1; } enum B { X = 0; } enum C { Y = 0; }", "JSON: `a` of shop.A was shop.B and is shop.C"},
      {"another value in a map", "message A { map<string, int32> a = 1; }", "message A { map<string, string> a = 1; }",
       "wire: the value of `a` of shop.A was int32 and is string"},
      {"into a oneof", "message A { string a = 1; }", "message A { oneof o { string a = 1; } }",
       "wire: `a` of shop.A is now in oneof `o`"},
      {"out of a oneof", "message A { oneof o { string a = 1; string b = 2; } }",
       "message A { oneof o { string b = 2; } string a = 1; }", "wire: `a` of shop.A left oneof `o`"},
      {"optional no more", "message A { optional int32 a = 1; }", "message A { int32 a = 1; }",
       "(warning) JSON: a zero in `a` of shop.A can no longer be told from nothing"},
      {"optional now", "message A { int32 a = 1; }", "message A { optional int32 a = 1; }", ""},
      {"required now", "message A { string a = 1; }",
       "message A { string a = 1 [(google.api.field_behavior) = REQUIRED]; }",
       "GraphQL: `a` of shop.A is required now"},
      {"required from the start", "message A {}",
       "message A { string a = 1 [(google.api.field_behavior) = REQUIRED]; }",
       "GraphQL: the new field `a` of shop.A is required"},
      {"no input any more", "message A { string a = 1; }",
       "message A { string a = 1 [(google.api.field_behavior) = OUTPUT_ONLY]; }",
       "GraphQL: `a` of shop.A is no input any more"},
      {"a reserved number", "message A { reserved 1; }", "message A { string a = 1; }",
       "wire: number 1 of shop.A was reserved"},
      {"in a nested message", "message A { message B { string a = 1; } }", "message A { message B {} }",
       "wire: `a` of shop.A.B is gone"},
      {"a message is gone", "message A {} message B {}", "message A {}",
       "(warning) JSON: message shop.B is gone; an Any may hold it"},
  });
}

TEST(Breaking, Enums) {
  check({
      {"gone", "enum E { X = 0; Y = 1; }", "enum E { X = 0; }", "wire: `Y` of shop.E is gone"},
      {"renamed", "enum E { X = 0; Y = 1; }", "enum E { X = 0; Z = 1; }", "JSON: `Y` of shop.E is now `Z`"},
      {"renumbered", "message A { enum E { X = 0; Y = 1; } }", "message A { enum E { X = 0; Y = 2; } }",
       "wire: `Y` of shop.A.E was 1 and is 2"},
      {"an alias", "enum E { X = 0; Y = 1; }", "enum E { option allow_alias = true; X = 0; Z = 1; Y = 1; }", ""},
  });
}

TEST(Breaking, Rpcs) {
  const char* old = "service S { rpc R(A) returns (A); } message A {} message B {}";
  check({
      {"a service is gone", old, "message A {} message B {}", "wire: service shop.S is gone"},
      {"an rpc is gone", old, "service S { rpc Q(A) returns (A); } message A {} message B {}",
       "wire: rpc shop.S/R is gone"},
      {"another request", old, "service S { rpc R(B) returns (A); } message A {} message B {}",
       "wire: the request was shop.A and is shop.B"},
      {"another reply", old, "service S { rpc R(A) returns (B); } message A {} message B {}",
       "wire: the reply was shop.A and is shop.B"},
      {"a stream", old, "service S { rpc R(A) returns (stream A); } message A {} message B {}",
       "wire: the rpc was one request and one reply and is a stream of replies"},
      {"side effects",
       "service S { rpc R(A) returns (A) { option idempotency_level = NO_SIDE_EFFECTS; } } message A {} message B {}",
       old, "GraphQL: the rpc was a field of Query and is one of Mutation; Connect clients cannot GET it"},
      {"no side effects any more", old,
       "service S { rpc R(A) returns (A) { option idempotency_level = NO_SIDE_EFFECTS; } } message A {} message B {}",
       "GraphQL: the rpc was a field of Mutation and is one of Query"},
      {"the default binding is gone", old,
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\"}; } } message A {} message B {}",
       "HTTP: `POST /shop.S/R` is gone"},
      {"another path", "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\"}; } } message A {}",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/b\"}; } } message A {}",
       "HTTP: `GET /a` is gone"},
      {"another body",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {post: \"/a\" body: \"*\"}; } } message A { A a "
       "= 1; }",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {post: \"/a\" body: \"a\"}; } } message A { A a "
       "= 1; }",
       "HTTP: the body of `POST /a` was \"*\" and is \"a\""},
      {"another response body",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\"}; } } message A { A a = 1; }",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\" response_body: \"a\"}; } } message "
       "A { A a = 1; }",
       "HTTP: the response body of `GET /a` was \"\" and is \"a\""},
  });
}

TEST(Breaking, SaysWhere) {
  const Loaded old = load_text("\nmessage A {\n  string a = 1;\n}");
  const Loaded now = load_text("\nmessage A {\n  int32 a = 1;\n}");
  const auto found = breaking_changes(*old.contract, *now.contract);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text(),
            "shop.proto:3:3: error: wire: `a` of shop.A was string and is int32 (hint: add a new field instead)");
}

}  // namespace
}  // namespace parley::contract
