// Errors of calls as HTTP answers.
#include "edge/rest/problem.h"
#include "edge/rest/rest_fixture.h"

namespace parley::edge::rest {
namespace {

std::string problem(RestBench& bench, Error error, Fields fields = {}) {
  bench.script.status = std::move(error);
  return bench.ask("GET", "/v1/get/a", std::move(fields)).text();
}

TEST(RestErrors, EveryCodeHasItsStatus) {
  const int statuses[] = {0, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401};
  RestBench bench;
  for (int code = 1; code < code_count; ++code) {
    SCOPED_TRACE(name(static_cast<Code>(code)));
    bench.script.status = Error(static_cast<Code>(code), Blame::upstream, "because");
    const TestExchange& exchange = bench.ask("GET", "/v1/get/a");
    EXPECT_EQ(exchange.head().status, statuses[code]);
    EXPECT_EQ(exchange.header("content-type"), "application/problem+json");
    EXPECT_NE(exchange.text().find("\"status\":" + std::to_string(statuses[code]) + ","), std::string::npos);
    EXPECT_NE(exchange.text().find("\"code\":\"" + std::string(name(static_cast<Code>(code))) + "\""),
              std::string::npos);
  }
}

TEST(RestErrors, ProblemDocument) {
  RestBench bench;
  EXPECT_EQ(
      problem(bench, Error(Code::not_found, Blame::upstream, "no order \"7\"").with_reason("upstream_status")),
      R"({"type":"about:blank","title":"Not Found","status":404,"detail":"no order \"7\"","instance":"/v1/get/a",)"
      R"("code":"NOT_FOUND","reason":"upstream_status"})");
}

TEST(RestErrors, TheInstanceLeavesTheQueryOut) {
  RestBench bench;
  const TestExchange& exchange = bench.ask("GET", "/v1/get/a?token=secret");
  EXPECT_NE(exchange.text().find(R"("instance":"/v1/get/a")"), std::string::npos);
}

TEST(RestErrors, UpstreamsCannotTakeTheEdgesStatuses) {
  RestBench bench;
  bench.script.status = Error(Code::resource_exhausted, Blame::upstream, "x").with_reason("message_too_large");
  EXPECT_EQ(bench.ask("GET", "/v1/get/a").head().status, 429);
}

// google.rpc.ErrorInfo {reason: "R", domain: "d"} and google.rpc.RetryInfo {retry_delay {seconds: 1, nanos: 1}}.
const ErrorDetail error_info = {"google.rpc.ErrorInfo",
                                "\x0a\x01R\x12\x01"
                                "d"};
const ErrorDetail retry_info = {"google.rpc.RetryInfo", std::string("\x0a\x04\x08\x01\x10\x01", 6)};

TEST(RestErrors, DetailsAreProtoJsonWhereTheirTypeIsKnown) {
  RestBench bench;
  const std::string text = problem(bench, Error(Code::aborted, Blame::upstream, "x")
                                              .with_detail(error_info)
                                              .with_detail({"nobody.Knows", std::string("\x08\x01", 2)}));
  EXPECT_NE(text.find(R"("details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"R","domain":"d"},)"
                      R"({"@type":"type.googleapis.com/nobody.Knows","value":"CAE="}])"),
            std::string::npos)
      << text;
}

TEST(RestErrors, RetryInfoBecomesRetryAfter) {
  RestBench bench;
  bench.script.status = Error(Code::unavailable, Blame::upstream, "x").with_detail(retry_info);
  EXPECT_EQ(bench.ask("GET", "/v1/get/a").header("retry-after"), "2") << "rounded up";
  const std::pair<std::string, std::optional<std::int64_t>> cases[] = {{std::string("\x0a\x02\x08\x05", 4), 5},
                                                                       {std::string(), std::nullopt},
                                                                       {"\x0a\xff", std::nullopt},
                                                                       {"\xff", std::nullopt},
                                                                       {std::string("\x0a\x00", 2), 0}};
  for (const auto& [wire, seconds] : cases) {
    EXPECT_EQ(retry_after(Error(Code::unavailable, Blame::upstream, "x").with_detail({"google.rpc.RetryInfo", wire})),
              seconds);
  }
}

TEST(RestErrors, GoogleStyleClientsGetAStatus) {
  RestBench bench;
  const std::string text = problem(bench, Error(Code::not_found, Blame::upstream, "gone").with_detail(error_info),
                                   {{"accept", "application/json"}});
  EXPECT_EQ(
      text,
      R"({"code":5,"message":"gone","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"R","domain":"d"}]})");
  EXPECT_EQ(bench.exchanges.back()->header("content-type"), "application/json");
  EXPECT_EQ(bench.exchanges.back()->head().status, 404);
}

TEST(RestErrors, TheFormFollowsAccept) {
  const std::pair<std::string_view, ErrorForm> cases[] = {
      {"", ErrorForm::problem},
      {"*/*", ErrorForm::problem},
      {"application/json", ErrorForm::rpc_status},
      {"application/json, text/plain;q=0.5", ErrorForm::rpc_status},
      {"application/json, */*;q=0.1", ErrorForm::problem},
      {"application/*", ErrorForm::problem},
      {"application/json, application/problem+json", ErrorForm::problem},
      {"text/event-stream", ErrorForm::problem},
      {"image/png", ErrorForm::problem},
  };
  for (const auto& [accept, form] : cases) EXPECT_EQ(error_form(wire::Accept(accept)), form) << accept;
}

TEST(RestErrors, MessagesOfAnyBytesStayJson) {
  RestBench bench;
  const std::string text = problem(bench, Error(Code::internal, Blame::upstream, "bad \xff\n\x01"));
  EXPECT_NE(text.find("bad \xef\xbf\xbd\\n\\u0001"), std::string::npos) << text;
}

TEST(RestErrors, HeadersOfTheCallComeWithTheError) {
  RestBench bench;
  bench.script.headers = {{"x-request-id", "r1"}};
  bench.script.status = Error(Code::unauthenticated, Blame::upstream, "who?");
  const TestExchange& exchange = bench.ask("GET", "/v1/get/a");
  EXPECT_EQ(exchange.head().status, 401);
  EXPECT_EQ(exchange.header("x-request-id"), "r1");
}

TEST(RestErrors, TooLargeIs413) {
  RestBench bench(RestOptions{.max_message = 100});
  const std::string large = "{\"text\":\"" + std::string(200, 'x') + "\"}";
  EXPECT_EQ(bench.ask("POST", "/v1/post", {}, large).head().status, 413);
  EXPECT_FALSE(bench.script.called);

  TestExchange& told = bench.open("POST", "/v1/post", {{"content-length", "101"}});
  bench.settle();
  EXPECT_EQ(told.head().status, 413) << "before a byte of the body came";

  std::string packed;
  wire::compress(wire::Encoding::gzip, large, packed);
  ASSERT_LT(packed.size(), 100U);
  const TestExchange& bomb = bench.ask("POST", "/v1/post", {{"content-encoding", "gzip"}}, packed);
  EXPECT_EQ(bomb.head().status, 413) << "limits count decompressed bytes (trap 5)";
}

}  // namespace
}  // namespace parley::edge::rest
