// What happens around an operation: clients that leave, deadlines, silent streams, what is refused.
#include <gtest/gtest.h>

#include "edge/graphql/graphql_fixture.h"

namespace parley::edge::graphql {
namespace {

constexpr const char* json = "application/json";

std::string body_of(std::string_view query) {
  std::string body = "{\"query\":";
  contract::append_json_string(body, query);
  return body += '}';
}

TEST(GraphqlHttp, AClientThatLeavesEndsItsCalls) {
  Bench bench;
  bench.script.hang = true;
  TestExchange& exchange = bench.open("POST", "/graphql", {{"content-type", json}}, body_of("{post(id:1){id}}"));
  EXPECT_EQ(bench.script.calls.size(), 1U);
  EXPECT_FALSE(exchange.has_responded());
  exchange.go_away();
  bench.settle();
  EXPECT_EQ(bench.script.cancelled, "GetPost");
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(GraphqlHttp, ADeadlineIsAnErrorOfWhatStillWaits) {
  Bench bench;
  bench.script.hang = true;
  TestExchange& exchange =
      bench.open("POST", "/graphql", {{"content-type", json}, {"grpc-timeout", "100m"}}, body_of("{post(id:1){id}}"));
  bench.shard.advance(std::chrono::milliseconds(200));
  EXPECT_TRUE(exchange.finished);
  EXPECT_EQ(exchange.text,
            R"({"errors":[{"message":"the call's deadline passed","locations":[{"line":1,"column":2}],"path":["post"],)"
            R"("extensions":{"code":"DEADLINE_EXCEEDED"}}],"data":{"post":null}})");
}

TEST(GraphqlHttp, MetadataGoesBothWays) {
  Bench bench;
  TestExchange& exchange = bench.post(
      body_of("{post(id:1){id} kinds{i32}}"),
      {{"content-type", json}, {"authorization", "Bearer t"}, {"cookie", "a=b"}, {"sec-fetch-mode", "cors"}});
  EXPECT_EQ(bench.script.metadata.get("authorization"), "Bearer t");
  EXPECT_FALSE(bench.script.metadata.has("content-type"));
  EXPECT_FALSE(bench.script.metadata.has("sec-fetch-mode"));
  EXPECT_EQ(exchange.head.fields.get("x-from"), "GetPost");
}

TEST(GraphqlStreams, EventsComeAsTheyAreAndSilenceIsFilled) {
  Bench bench;
  bench.script.hang = true;
  bench.script.replies["WatchPosts"] = {R"({"title":"a"})", R"({"title":"b","userId":7})"};
  bench.script.replies["BatchGetUsers"] = {R"({"users":[{"id":7,"name":"n"}]})"};
  TestExchange& exchange = bench.open("POST", "/graphql", {{"content-type", json}, {"accept", "text/event-stream"}},
                                      body_of("subscription{watchPosts{title}}"));
  EXPECT_EQ(exchange.head.fields.get("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(exchange.text,
            ": \n\nevent: next\ndata: {\"data\":{\"watchPosts\":{\"title\":\"a\"}}}\n\n"
            "event: next\ndata: {\"data\":{\"watchPosts\":{\"title\":\"b\"}}}\n\n");
  exchange.text.clear();
  bench.shard.advance(std::chrono::seconds(13));
  EXPECT_EQ(exchange.text, ": still here\n\n");
  exchange.go_away();
  bench.settle();
  EXPECT_EQ(bench.script.cancelled, "WatchPosts");
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(GraphqlStreams, EndWithoutAWordWhenTheNodeDrains) {
  Bench bench;
  bench.script.hang = true;
  TestExchange& exchange = bench.open("POST", "/graphql", {{"content-type", json}, {"accept", "text/event-stream"}},
                                      body_of("subscription{watchPosts{title}}"));
  exchange.drain();
  bench.settle();
  EXPECT_EQ(exchange.text, ": \n\n");
  EXPECT_TRUE(exchange.finished);
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(GraphqlStreams, AnEventHasItsOwnJoinsAndErrors) {
  Bench bench;
  bench.script.replies["WatchPosts"] = {R"({"userId":7})", R"({"userId":7})", "!UNAVAILABLE gone"};
  bench.script.replies["BatchGetUsers"] = {R"({"users":[{"id":7,"name":"one"}]})", "!INTERNAL broken"};
  TestExchange& exchange = bench.run("POST", "/graphql", {{"content-type", json}, {"accept", "text/event-stream"}},
                                     body_of("subscription{watchPosts{user{name}}}"));
  EXPECT_EQ(exchange.text,
            ": \n\nevent: next\ndata: {\"data\":{\"watchPosts\":{\"user\":{\"name\":\"one\"}}}}\n\n"
            "event: next\ndata: {\"errors\":[{\"message\":\"broken\",\"locations\":[{\"line\":1,\"column\":25}],"
            "\"path\":[\"watchPosts\",\"user\"],\"extensions\":{\"code\":\"INTERNAL\"}}],"
            "\"data\":{\"watchPosts\":{\"user\":null}}}\n\n"
            "event: next\ndata: {\"errors\":[{\"message\":\"gone\",\"locations\":[{\"line\":1,\"column\":14}],"
            "\"path\":[\"watchPosts\"],\"extensions\":{\"code\":\"UNAVAILABLE\"}}]}\n\n"
            "event: complete\ndata: \n\n");
}

TEST(GraphqlLimits, AreKnownBeforeAnythingRuns) {
  GraphqlOptions options;
  options.limits.depth = 3;
  options.limits.aliases = 1;
  options.limits.complexity = 100;
  options.limits.upstream_calls = 1;
  options.introspection = false;
  struct Row {
    const char* query;
    const char* reason;
  };
  const Row rows[] = {{"{post(id:1){parent{parent{id}}}}", "too_deep"},
                      {"{a:__typename b:__typename}", "too_many_aliases"},
                      {"{listPosts(pageSize:99){posts{id}nextPageToken}}", "too_complex"},
                      {"{listPosts{posts{id title userId mood}}post(id:1){id}}", "too_many_upstream_calls"},
                      {"{__schema{queryType{name}}}", "introspection_closed"}};
  for (const Row& row : rows) {
    Bench bench(options);
    EXPECT_NE(bench.ask(row.query).find(row.reason), std::string::npos) << row.query << bench.ask(row.query);
    EXPECT_TRUE(bench.script.calls.empty());
  }
}

}  // namespace
}  // namespace parley::edge::graphql
