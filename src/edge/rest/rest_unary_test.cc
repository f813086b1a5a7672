// Unary calls: what a request becomes, and what its answer looks like.
#include "edge/rest/rest_fixture.h"

namespace parley::edge::rest {
namespace {

struct RequestCase {
  std::string_view name;
  std::string_view verb;
  std::string_view target;
  std::string_view body;
  std::string_view message;  // what the handler gets, as JSON
};

const RequestCase request_cases[] = {
    {"path variable", "GET", "/v1/get/seven", "", R"({"name":"seven"})"},
    {"verb after the last slash (trap 9)", "GET", "/v1/get/seven:short", "", R"({"name":"seven"})"},
    {"a verb that is not registered is text (trap 9)", "GET", "/v1/get/seven:long", "", R"({"name":"seven:long"})"},
    {"a single segment decodes %2F (trap 9)", "GET", "/v1/get/a%2Fb", "", R"({"name":"a/b"})"},
    {"several segments keep %2F (trap 9)", "GET", "/v1/files/a%2Fb/c%20d", "", R"({"name":"files/a%2Fb/c d"})"},
    {"variables of nested fields", "GET", "/v1/pairs/x/kids/y", "",
     R"({"inner":{"label":"x","child":{"label":"kids/y"}}})"},
    {"typed variables", "GET", "/v1/typed/-7/true/BLUE/1.5", "", R"({"i64":"-7","flag":true,"colour":"BLUE","d":1.5})"},
    {"query: scalars by proto and JSON name", "GET", "/v1/get/a?i32=5&aSnakeName=x&otherwise=y", "",
     R"({"i32":5,"aSnakeName":"x","otherwise":"y","name":"a"})"},
    {"query: nested", "GET", "/v1/get/a?inner.child.label=x&inner.depth=2", "",
     R"({"name":"a","inner":{"depth":2,"child":{"label":"x"}}})"},
    {"query: repeated keeps its order", "GET", "/v1/get/a?tags=x&tags=y&numbers=1&numbers=-2", "",
     R"({"tags":["x","y"],"numbers":["1","-2"],"name":"a"})"},
    {"query: maps both ways", "GET", "/v1/get/a?labels.k=v&labels%5Bj%5D=w", "",
     R"({"labels":{"k":"v","j":"w"},"name":"a"})"},
    {"query: enum by name and number", "GET", "/v1/get/a?colour=RED&colours=2&colours=BLUE", "",
     R"({"colour":"RED","colours":["GREEN","BLUE"],"name":"a"})"},
    {"query: well-known types", "GET", "/v1/get/a?at=2024-02-29T01:02:03Z&lasts=1.5s&mask=i32,aSnakeName&boxedI64=9",
     "", R"({"at":"2024-02-29T01:02:03Z","lasts":"1.500s","mask":"i32,aSnakeName","boxedI64":"9","name":"a"})"},
    {"query: plus and %20 are spaces", "GET", "/v1/get/a?text=a+b%20c%2B", "", R"({"text":"a b c+","name":"a"})"},
    {"query: empty pairs are nothing", "GET", "/v1/get/a?&&i32=1&", "", R"({"i32":1,"name":"a"})"},
    {"body *", "POST", "/v1/post", R"({"i32":1,"inner":{"label":"x"}})", R"({"i32":1,"inner":{"label":"x"}})"},
    {"body *: an empty body is an empty message", "POST", "/v1/post", "", "{}"},
    {"body *: path beats body (trap 10)", "POST", "/v1/get/fromPath", R"({"name":"fromBody","i32":1})",
     R"({"name":"fromPath","i32":1})"},
    {"body field, others from the query", "POST", "/v1/post/n?i32=3", R"({"label":"x"})",
     R"({"inner":{"label":"x"},"i32":3,"name":"n"})"},
    {"body field that is repeated", "PUT", "/v1/tags/n", R"(["a","b"])", R"({"tags":["a","b"],"name":"n"})"},
    {"no body rule, {} sent", "DELETE", "/v1/things/1", "{}", R"({"name":"things/1"})"},
    {"custom verb", "SEARCH", "/v1/things", R"({"i32":4})", R"({"i32":4})"},
    {"no rule", "POST", "/awkward.v1.Awkward/NoRule", R"({"text":"x"})", R"({"text":"x"})"},
    {"numbers (trap 11)", "POST", "/v1/post",
     R"({"i64":"9007199254740993","u64":18446744073709551615,"i32":1e5,"d":"NaN"})",
     R"({"i64":"9007199254740993","u64":"18446744073709551615","i32":100000,"d":"NaN"})"},
};

TEST(RestUnary, RequestsBecomeMessages) {
  RestBench bench;
  bench.script.replies = {"{}"};
  for (const RequestCase& c : request_cases) {
    SCOPED_TRACE(c.name);
    bench.script.requests.clear();
    const TestExchange& exchange = bench.ask(c.verb, c.target, {}, c.body);
    EXPECT_EQ(exchange.head().status, 200) << exchange.text();
    EXPECT_EQ(bench.script.requests, std::vector<std::string>{std::string(c.message)});
  }
}

struct RefusalCase {
  std::string_view name;
  std::string_view verb;
  std::string_view target;
  Fields fields;
  std::string_view body;
  int status;
  std::string_view detail;  // a part of it
  std::string_view reason = "invalid_argument";
};

const RefusalCase refusal_cases[] = {
    {"unknown path", "GET", "/v2/nothing", {}, "", 404, "/v2/nothing", "no_route"},
    {"near a path", "GET", "/v1/tick", {}, "", 404, "(did you mean /v1/ticks?)", "no_route"},
    {"an rpc's own path, whose rules are elsewhere",
     "POST",
     "/awkward.v1.Awkward/Get",
     {{"content-type", "text/plain"}},
     "x",
     415,
     "gRPC-Web",
     "unsupported_media_type"},
    {"an rpc's own path, by GET", "GET", "/awkward.v1.Awkward/Get", {}, "", 405, "POST", "method_not_allowed"},
    {"wrong verb", "PUT", "/v1/post", {}, "", 405, "POST", "method_not_allowed"},
    {"malformed path", "GET", "/v1/get/%zz", {}, "", 400, "percent", "malformed_path"},
    {"query: unknown names itself and the nearest",
     "GET",
     "/v1/get/a?colur=RED",
     {},
     "",
     400,
     R"(unknown query parameter "colur": awkward.v1.Everything has no field "colur" (did you mean "colour"?))",
     "unknown_parameter"},
    {"query: unknown, nested",
     "GET",
     "/v1/get/a?inner.labl=x",
     {},
     "",
     400,
     R"(did you mean "inner.label"?)",
     "unknown_parameter"},
    {"query: below a scalar", "GET", "/v1/get/a?i32.x=1", {}, "", 400, "i32 is not a message", "unknown_parameter"},
    {"query: wrong value", "GET", "/v1/get/a?i32=x", {}, "", 400, R"(query parameter "i32")"},
    {"query: out of range", "GET", "/v1/get/a?i32=3000000000", {}, "", 400, "i32"},
    {"query: unknown enum name (trap 10)", "GET", "/v1/get/a?colour=PINK", {}, "", 400, "colour"},
    {"query: no leap day (trap 12)", "GET", "/v1/get/a?at=2023-02-29T00:00:00Z", {}, "", 400, "at"},
    {"query: malformed encoding", "GET", "/v1/get/a?text=%2", {}, "", 400, "percent-encoding", "malformed_query"},
    {"query: a scalar twice", "GET", "/v1/get/a?i32=1&i32=2", {}, "", 400, "twice", "bound_twice"},
    {"query: the path has it (trap 10)", "GET", "/v1/get/a?name=b", {}, "", 400, "by the path", "bound_twice"},
    {"query: the body has it", "POST", "/v1/post/n?inner.depth=1", {}, "{}", 400, "into the body", "bound_twice"},
    {"query: a oneof twice (trap 10)", "GET", "/v1/get/a?left=x&right=1", {}, "", 400, "oneof", "oneof_set_twice"},
    {"query: a oneof twice, one of them nested",
     "GET",
     "/v1/get/a?left=x&third.label=y",
     {},
     "",
     400,
     "oneof",
     "oneof_set_twice"},
    {"body * leaves no query (trap 10)",
     "POST",
     "/v1/post?i32=1",
     {},
     "{}",
     400,
     "has no place",
     "unexpected_parameter"},
    {"a body where none is taken", "GET", "/v1/get/a", {}, R"({"i32":1})", 400, "no request body", "unexpected_body"},
    {"body: not JSON", "POST", "/v1/post", {}, "{", 400, "", "invalid_argument"},
    {"body: trailing comma (trap 12)", "POST", "/v1/post", {}, R"({"i32":1,})", 400, ""},
    {"body: duplicate key (trap 12)", "POST", "/v1/post", {}, R"({"i32":1,"i32":2})", 400, ""},
    {"body: a oneof twice (trap 10)", "POST", "/v1/post", {}, R"({"left":"x","right":1})", 400, ""},
    {"body: unknown field", "POST", "/v1/post", {}, R"({"i33":1})", 400, "i33"},
    {"content-type: a form",
     "POST",
     "/v1/post",
     {{"content-type", "application/x-www-form-urlencoded"}},
     "{}",
     415,
     "application/json",
     "unsupported_media_type"},
    {"content-type: nonsense",
     "POST",
     "/v1/post",
     {{"content-type", "json"}},
     "{}",
     415,
     "json",
     "unsupported_media_type"},
    {"content-type: charset",
     "POST",
     "/v1/post",
     {{"content-type", "application/json; charset=latin1"}},
     "{}",
     415,
     "UTF-8",
     "unsupported_media_type"},
    {"content-type: NDJSON for one message",
     "POST",
     "/v1/post",
     {{"content-type", "application/x-ndjson"}},
     "{}",
     415,
     "ndjson",
     "unsupported_media_type"},
    {"content-encoding",
     "POST",
     "/v1/post",
     {{"content-encoding", "compress"}},
     "{}",
     415,
     "gzip",
     "unsupported_encoding"},
    {"accept", "GET", "/v1/get/a", {{"accept", "image/png"}}, "", 406, "application/json", "not_acceptable"},
    {"accept: JSON refused",
     "GET",
     "/v1/get/a",
     {{"accept", "application/json;q=0, */*"}},
     "",
     406,
     "",
     "not_acceptable"},
    {"time-out", "GET", "/v1/get/a", {{"grpc-timeout", "soon"}}, "", 400, "grpc-timeout", "malformed_header"},
    {"a time-out of nothing", "GET", "/v1/get/a", {{"grpc-timeout", "0m"}}, "", 504, "deadline", "deadline_exceeded"},
    {"binary metadata", "GET", "/v1/get/a", {{"x-bin", "???"}}, "", 400, "x-bin", "malformed_header"},
};

TEST(RestUnary, RefusesWhatIsWrongBeforeTheCall) {
  RestBench bench;
  for (const RefusalCase& c : refusal_cases) {
    SCOPED_TRACE(c.name);
    const TestExchange& exchange = bench.ask(c.verb, c.target, c.fields, c.body);
    EXPECT_EQ(exchange.head().status, c.status);
    EXPECT_EQ(exchange.header("content-type"), "application/problem+json");
    EXPECT_NE(exchange.text().find("\"reason\":\"" + std::string(c.reason) + "\""), std::string::npos)
        << exchange.text();
    std::string detail;
    for (const char ch : c.detail) detail += ch == '"' ? std::string("\\\"") : std::string(1, ch);
    EXPECT_NE(exchange.text().find(detail), std::string::npos) << exchange.text();
    EXPECT_TRUE(exchange.is_finished());
    EXPECT_FALSE(bench.script.called);
    const bool has_rpc = c.reason != "no_route" && !c.target.starts_with("/awkward.") &&
                         c.reason != "method_not_allowed" && c.reason != "malformed_path";
    EXPECT_EQ(std::exchange(bench.script.heard, false), has_rpc) << "filters count what is refused of a known rpc";
  }
}

TEST(RestUnary, RefusalsSayWhatWouldBeRight) {
  RestBench bench;
  EXPECT_EQ(bench.ask("PUT", "/v1/post").header("allow"), "POST");
  EXPECT_EQ(bench.ask("POST", "/v1/post", {{"content-type", "text/plain"}}, "x").header("accept"),
            "application/json, application/x-ndjson");
  EXPECT_EQ(bench.ask("POST", "/v1/post", {{"content-encoding", "x"}}, "x").header("accept-encoding"),
            "gzip, br, zstd, deflate");
  const TestExchange& options = bench.ask("OPTIONS", "/v1/get/a");
  EXPECT_EQ(options.head().status, 204);
  EXPECT_EQ(options.header("allow"), "GET, HEAD, POST");
}

TEST(RestUnary, AnswersWithJson) {
  RestBench bench;
  bench.script.replies = {R"({"rpc":"x","request":{"i64":"5"}})"};
  const TestExchange& exchange = bench.ask("GET", "/v1/get/a");
  EXPECT_EQ(exchange.head().status, 200);
  EXPECT_EQ(exchange.text(), R"({"rpc":"x","request":{"i64":"5"}})");
  EXPECT_EQ(exchange.header("content-type"), "application/json");
  EXPECT_EQ(exchange.header("content-length"), std::to_string(exchange.text().size()));
}

TEST(RestUnary, WhatIsOnlyAcceptedIsA202) {
  RestBench bench;
  bench.script.replies = {R"({"rpc":"x"})"};
  const struct {
    std::optional<std::string> accepted;
    int status;
    std::string location;
  } cases[] = {{std::nullopt, 200, ""}, {"", 202, ""}, {"/queues/a/messages/7", 202, "/queues/a/messages/7"}};
  for (const auto& c : cases) {
    bench.script.accepted = c.accepted;
    const TestExchange& exchange = bench.ask("GET", "/v1/get/a");
    EXPECT_EQ(exchange.head().status, c.status);
    EXPECT_EQ(exchange.header("location"), c.location);
    EXPECT_EQ(exchange.head().fields.has("location"), !c.location.empty());
    EXPECT_NE(exchange.text(), "") << "the reply comes all the same";
  }
}

TEST(RestUnary, ResponseBodyPicksAField) {
  RestBench bench;
  bench.script.replies = {R"({"inner":{"label":"x"},"tags":["a"]})"};
  EXPECT_EQ(bench.ask("POST", "/v1/inner-only").text(), R"({"label":"x"})");
  EXPECT_EQ(bench.ask("POST", "/v1/tags-only").text(), R"(["a"])");
  bench.script.replies = {"{}"};
  EXPECT_EQ(bench.ask("POST", "/v1/tags-only").text(), "[]");
  EXPECT_EQ(bench.ask("POST", "/v1/inner-only").text(), "{}");
}

TEST(RestUnary, HeadHasTheHeadOfGet) {
  RestBench bench;
  bench.script.replies = {R"({"rpc":"x"})"};
  const TestExchange& exchange = bench.ask("HEAD", "/v1/get/a");
  EXPECT_EQ(exchange.head().status, 200);
  EXPECT_EQ(exchange.header("content-length"), "11");
  EXPECT_EQ(exchange.text(), "");
  EXPECT_TRUE(exchange.is_finished());
}

TEST(RestUnary, MetadataGoesBothWays) {
  RestBench bench;
  bench.script.replies = {"{}"};
  bench.script.headers = {
      {"x-answer", "yes"}, {"x-answer-bin", std::string_view("\x00\xff", 2)}, {"content-length", "7"}};
  bench.script.trailers = {{"x-after", "late"}, {"x-after-bin", "\x01"}};
  const Fields fields = {{"x-tenant", "7"},         {"x-key-bin", "AAE="},  {"content-type", "application/json"},
                         {"x-parley-caller", "me"}, {"grpc-timeout", "5S"}, {"te", "trailers"}};
  const TestExchange& exchange = bench.ask("POST", "/v1/post", fields, "{}");
  EXPECT_EQ(bench.script.metadata.get("x-tenant"), "7");
  EXPECT_EQ(bench.script.metadata.get("x-key-bin"), std::string_view("\x00\x01", 2));
  EXPECT_EQ(bench.script.metadata.size(), 2U) << "protocol and identity headers stop here";
  EXPECT_EQ(exchange.header("x-answer"), "yes");
  EXPECT_EQ(exchange.header("x-answer-bin"), "AP8");
  EXPECT_EQ(exchange.header("content-length"), "2");
  EXPECT_EQ(exchange.trailers().get("x-after"), "late");
  EXPECT_EQ(exchange.trailers().get("x-after-bin"), "AQ");
  EXPECT_TRUE(bench.ask("POST", "/v1/post", {}, "{}").trailers().empty()) << "trailers need te: trailers";
}

TEST(RestUnary, DeadlineOfTheCaller) {
  RestBench bench;
  bench.script.hang = true;
  const TestExchange& exchange = bench.open("GET", "/v1/get/a", {{"grpc-timeout", "50m"}});
  bench.exchanges.back()->end();
  bench.settle();
  EXPECT_FALSE(exchange.has_responded());
  bench.shard.advance(std::chrono::milliseconds(60));
  EXPECT_EQ(exchange.head().status, 504);
  EXPECT_NE(exchange.text().find("DEADLINE_EXCEEDED"), std::string::npos);
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(RestUnary, AClientThatGoesAwayCancelsTheCall) {
  RestBench bench;
  bench.script.hang = true;
  TestExchange& exchange = bench.open("GET", "/v1/get/a");
  exchange.end();
  bench.settle();
  EXPECT_TRUE(bench.script.called);
  exchange.go_away();
  bench.settle();
  ASSERT_TRUE(bench.script.cancelled);
  EXPECT_EQ(bench.script.cancelled->code(), Code::cancelled);
  EXPECT_EQ(bench.tasks.live(), 0U);
  EXPECT_FALSE(exchange.has_responded());
}

TEST(RestUnary, AClientThatGoesAwayInItsBodyMakesNoCall) {
  RestBench bench;
  TestExchange& exchange = bench.open("POST", "/v1/post");
  exchange.send("{\"i32\"");
  bench.settle();
  exchange.go_away();
  bench.settle();
  EXPECT_FALSE(bench.script.called);
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(RestUnary, ADeadlineEndsTheWaitForTheBody) {
  RestBench bench;
  const TestExchange& exchange = bench.open("POST", "/v1/post", {{"grpc-timeout", "1S"}});
  bench.shard.advance(std::chrono::milliseconds(1100));
  EXPECT_EQ(exchange.head().status, 504);
  EXPECT_FALSE(bench.script.called);
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(RestUnary, OneReplyIsDue) {
  RestBench bench;
  const TestExchange& none = bench.ask("GET", "/v1/get/a");
  EXPECT_EQ(none.head().status, 500);
  EXPECT_NE(none.text().find("malformed_reply"), std::string::npos);
  bench.script.replies = {"{}", "{}"};
  EXPECT_EQ(bench.ask("GET", "/v1/get/a").head().status, 500);
  bench.script.wire_reply = Bytes::literal("\x0a\xff");
  EXPECT_EQ(bench.ask("GET", "/v1/get/a").head().status, 500) << "a reply that is no message";
}

TEST(RestUnary, BodiesInAnyChunking) {
  RestBench bench;
  bench.script.replies = {"{}"};
  const std::string_view body = R"({"text":"in pieces","i32":3})";
  TestExchange& exchange = bench.open("POST", "/v1/post");
  for (const char c : body) exchange.send({&c, 1});
  exchange.end();
  bench.settle();
  EXPECT_EQ(exchange.head().status, 200);
  EXPECT_EQ(bench.script.requests, std::vector<std::string>{R"({"text":"in pieces","i32":3})"});
}

}  // namespace
}  // namespace parley::edge::rest
