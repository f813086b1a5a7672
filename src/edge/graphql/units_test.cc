// The parts by themselves: documents that are kept, JSON, variables, media types, keys.
#include <gtest/gtest.h>

#include "edge/graphql/document_store.h"
#include "edge/graphql/graphql_fixture.h"
#include "edge/graphql/inspect.h"
#include "edge/graphql/join_key.h"
#include "edge/graphql/media.h"
#include "edge/graphql/plan_cache.h"
#include "graphql/validation.h"

namespace parley::edge::graphql {
namespace {

TEST(JsonDocument, KeepsNumbersAndUnescapesTexts) {
  const std::string text = R"({"a":1e400,"b":["x\n",true,null,{}],"a":-0.0})";
  const auto document = JsonDocument::parse(text);
  ASSERT_TRUE(document);
  const JsonValue root = document->root();
  EXPECT_EQ(root.count(), 3U);
  EXPECT_EQ(root.find("a").text(), "-0.0");
  EXPECT_EQ(root.find("b").first().text(), "x\n");
  EXPECT_EQ(root.find("b").raw(), R"(["x\n",true,null,{}])");
  EXPECT_TRUE(root.find("c").is_end());
  EXPECT_EQ(inspect(root.find("b")), "[\"x\\n\", true, null, {}]");
}

TEST(JsonDocument, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "{\"a\":}", "[1,]", "nul", "{} x", "'a'"}) {
    EXPECT_FALSE(JsonDocument::parse(text)) << text;
  }
  EXPECT_FALSE(JsonDocument::parse(std::string(100, '[') + std::string(100, ']')));
}

struct MediaCase {
  const char* accept;
  std::optional<Media> media;
  bool streams = false;
};

TEST(Media, IsWhatTheClientNames) {
  const MediaCase rows[] = {
      {"", Media::json},
      {"*/*", Media::json},
      {"application/*", Media::json},
      {"application/graphql-response+json", Media::response_json},
      {"application/graphql-response+json, application/json;q=0.9", Media::response_json},
      {"application/graphql-response+json;q=0.5, application/json", Media::json},
      {"application/json, text/event-stream", Media::json, true},
      {"text/event-stream, */*", Media::event_stream, true},
      {"text/event-stream", Media::event_stream, true},
      {"text/html", std::nullopt},
      {"application/json;q=0", std::nullopt},
  };
  for (const MediaCase& row : rows) {
    const auto got = negotiate(row.accept);
    EXPECT_EQ(got ? std::optional(got->media) : std::nullopt, row.media) << row.accept;
    EXPECT_EQ(got && got->streams, row.streams) << row.accept;
  }
}

TEST(DocumentStore, ForgetsTheLeastRecentlyUsed) {
  const std::string text(800, 'x');
  DocumentStore store(nullptr, 2500);
  store.add("a", text);
  store.add("b", text);
  EXPECT_NE(store.find("a"), nullptr);
  store.add("c", text);
  EXPECT_EQ(store.find("b"), nullptr);
  EXPECT_NE(store.find("a"), nullptr);
  EXPECT_NE(store.find("c"), nullptr);
  EXPECT_LE(store.bytes(), 2500U);
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(PlanCache, KeepsAPlanForEachSetOfConditions) {
  GraphqlOptions options;
  PlanCache cache(options);
  const std::string text = "query($a:Boolean!){post(id:1){id @include(if:$a) title}}";
  const auto known = cache.document(blog_schema(), text);
  ASSERT_TRUE(known);
  EXPECT_EQ(cache.document(blog_schema(), text)->get(), known->get());
  const ql::OperationDefinition& operation = *(*known)->document->operations()[0];
  const auto plan = [&](const char* variables) {
    const auto given = JsonDocument::parse(variables);
    const auto coerced = Variables::coerce(*(*known)->document, operation, given->root());
    return *cache.plan(*known, operation, *coerced);
  };
  const auto with = plan(R"({"a":true})");
  const auto without = plan(R"({"a":false})");
  EXPECT_EQ(plan(R"({"a":true})"), with);
  EXPECT_NE(with, without);
  EXPECT_EQ((*known)->plans.size(), 2U);
}

TEST(PlanCache, IsBounded) {
  GraphqlOptions options;
  options.plan_cache_bytes = 20'000;
  PlanCache cache(options);
  std::shared_ptr<KnownDocument> first;
  for (int i = 0; i < 100; ++i) {
    const auto known = cache.document(blog_schema(), "{a" + std::to_string(i) + ":__typename}");
    ASSERT_TRUE(known);
    if (i == 0) first = *known;
    EXPECT_LE(cache.bytes(), options.plan_cache_bytes);
  }
  EXPECT_GT(cache.size(), 2U);
  EXPECT_EQ(first->document->operations().size(), 1U);  // who uses it still has it
}

struct VariableCase {
  const char* type;
  const char* given;  // of $v
  const char* error;  // "": none
};

// Each message shows the value it is about: many of them, or a long one, must not fill the memory.
TEST(Variables, AreShownInAFewWordsHoweverManyAreWrong) {
  Bench bench;
  std::string members = R"("title":"t")";
  for (int i = 0; i < 2000; ++i) members += ",\"unknown" + std::to_string(i) + "\":{\"deep\":[1,2,3]}";
  const std::string mutation = "mutation($v:PostInput!){createPost(input:{post:$v}){id}}";
  const std::string many = bench.ask(mutation, "{\"v\":{" + members + "}}");
  EXPECT_NE(many.find("is not defined by type"), std::string::npos) << many.substr(0, 1000);
  EXPECT_NE(many.find("Too many errors processing variables"), std::string::npos);
  EXPECT_LT(many.size(), 300'000U);
  const std::string text(200'000, 'x');
  for (const std::string& value : {"{\"title\":7,\"" + text + "\":\"" + text + "\"}", "\"" + text + "\"",
                                   "{\"title\":[\"" + text + "\"]}", "{\"mood\":\"" + text + "\"}"}) {
    const std::string one = bench.ask(mutation, "{\"v\":" + value + "}");
    EXPECT_NE(one.find("got invalid value"), std::string::npos) << one.substr(0, 1000);
    EXPECT_LT(one.size(), 30'000U) << value.substr(0, 30);
  }
}

TEST(Variables, AreCoercedInTheWordsOfGraphqlJs) {
  const VariableCase rows[] = {
      {"Int!", "{}", "Variable \"$v\" of required type \"Int!\" was not provided."},
      {"Int!", R"({"v":null})", "Variable \"$v\" of non-null type \"Int!\" must not be null."},
      {"Int", R"({"v":1.0})", ""},
      {"Int", R"({"v":1.5})", "Variable \"$v\" got invalid value 1.5; Int cannot represent non-integer value: 1.5"},
      {"Int", R"({"v":"1"})", "Variable \"$v\" got invalid value \"1\"; Int cannot represent non-integer value: \"1\""},
      {"Int", R"({"v":2147483648})",
       "Variable \"$v\" got invalid value 2147483648; Int cannot represent non 32-bit signed integer value: "
       "2147483648"},
      {"Float", R"({"v":true})",
       "Variable \"$v\" got invalid value true; Float cannot represent non numeric value: true"},
      {"[Int!]", R"({"v":[1,null]})",
       "Variable \"$v\" got invalid value null at \"v[1]\"; Expected non-nullable type \"Int!\" not to be null."},
      {"[Int!]", R"({"v":7})", ""},
      {"Mood", R"({"v":"GLADD"})",
       "Variable \"$v\" got invalid value \"GLADD\"; Value \"GLADD\" does not exist in \"Mood\" enum. Did you mean the "
       "enum value \"GLAD\" or \"SAD\"?"},
      {"Mood", R"({"v":1})",
       "Variable \"$v\" got invalid value 1; Enum \"Mood\" cannot represent non-string value: 1."},
      {"GetPostRequestByInput", R"({"v":{"slug":"a","place":1}})",
       "Variable \"$v\" got invalid value { slug: \"a\", place: 1 }; Exactly one key must be specified for OneOf type "
       "\"GetPostRequestByInput\"."},
      {"GetPostRequestByInput", R"({"v":{"slug":null}})",
       "Variable \"$v\" got invalid value null at \"v.slug\"; Field \"slug\" must be non-null."},
      {"PostInput", R"({"v":{"titel":"x"}})",
       "Variable \"$v\" got invalid value { titel: \"x\" }; Field \"title\" of required type \"String!\" was not "
       "provided."},
      {"PostInput", R"({"v":3})", "Variable \"$v\" got invalid value 3; Expected type \"PostInput\" to be an object."},
  };
  for (const VariableCase& row : rows) {
    const std::string text = "query($v:" + std::string(row.type) + "){__typename @skip(if:false)}";
    auto document = ql::Document::parse(text);
    ASSERT_TRUE(document) << text;
    (void)ql::validate(*blog_schema(), **document);
    const auto given = JsonDocument::parse(row.given);
    const auto coerced = Variables::coerce(**document, *(*document)->operations()[0], given->root());
    EXPECT_EQ(coerced ? "" : coerced.error()[0].message, row.error) << row.type << " " << row.given;
  }
}

TEST(JoinKey, IsTheSameWhateverKindItLiesIn) {
  const contract::MessageTable& kinds = *blog_schema()->contract().tables().find("blog.Kinds");
  struct Row {
    const char* field;
    std::string value;
  };
  const Row rows[] = {{"i32", "\x07"},
                      {"i64", "\x07"},
                      {"u64", "\x07"},
                      {"s32", "\x0e"},
                      {"s64", "\x0e"},
                      {"f32", std::string("\x07\0\0\0", 4)},
                      {"f64", std::string("\x07\0\0\0\0\0\0\0", 8)}};
  JoinKey seven;
  ASSERT_TRUE(seven.read(*kinds.by_name("u32"), "\x07"));
  for (const Row& row : rows) {
    const contract::FieldTable& field = *kinds.by_name(row.field);
    JoinKey key;
    ASSERT_TRUE(key.read(field, row.value)) << row.field;
    EXPECT_EQ(key.view(), seven.view()) << row.field;
    std::string wire;
    put_key(field, seven.view(), wire);
    EXPECT_TRUE(wire.ends_with(row.value)) << row.field;
  }
  JoinKey zero;
  EXPECT_FALSE(zero.read(*kinds.by_name("i32"), std::string_view("\0", 1)));
  EXPECT_FALSE(zero.read(*kinds.by_name("text"), ""));
}

}  // namespace
}  // namespace parley::edge::graphql
