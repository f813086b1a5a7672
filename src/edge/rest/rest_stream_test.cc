// Streams: server streams as NDJSON, events and arrays; client streams; both.
#include "edge/rest/rest_fixture.h"

namespace parley::edge::rest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Fields sse = {{"accept", "text/event-stream"}};
const Fields array_only = {{"accept", "application/json"}};

struct FormatCase {
  std::string_view accept;
  std::string_view type;
};

TEST(RestStreams, AcceptChoosesTheForm) {
  const FormatCase cases[] = {
      {"", "application/x-ndjson"},
      {"*/*", "application/x-ndjson"},
      {"application/x-ndjson", "application/x-ndjson"},
      {"application/jsonl", "application/x-ndjson"},
      {"text/event-stream", "text/event-stream"},
      {"text/event-stream, */*", "text/event-stream"},
      {"text/event-stream;q=0.5, application/x-ndjson", "application/x-ndjson"},
      {"text/*", ""},
      {"application/json", "application/json"},
      {"application/json, text/plain, */*", "application/json"},
      {"application/json;q=0.5, */*", "application/x-ndjson"},
      {"text/html, */*;q=0.8", "application/x-ndjson"},
      {"image/png", ""},
  };
  RestBench bench;
  bench.script.replies = {"{}"};
  for (const FormatCase& c : cases) {
    SCOPED_TRACE(c.accept);
    const TestExchange& exchange = bench.ask("GET", "/v1/ticks", {{"accept", c.accept}});
    EXPECT_EQ(exchange.head().status, c.type.empty() ? 406 : 200);
    if (!c.type.empty()) EXPECT_EQ(exchange.header("content-type"), c.type);
  }
}

TEST(RestStreams, Ndjson) {
  RestBench bench;
  bench.script.replies = {R"({"text":"a"})", R"({"index":1})"};
  bench.script.headers = {{"x-early", "yes"}};
  bench.script.trailers = {{"x-late", "too"}};
  const TestExchange& exchange = bench.ask("GET", "/v1/ticks", {{"te", "trailers"}});
  EXPECT_EQ(exchange.text(), "{\"text\":\"a\"}\n{\"index\":1}\n");
  EXPECT_EQ(exchange.header("x-early"), "yes");
  EXPECT_EQ(exchange.header("content-length"), "");
  EXPECT_EQ(exchange.trailers().get("x-late"), "too");
}

TEST(RestStreams, Events) {
  RestBench bench;
  bench.script.replies = {R"({"text":"a"})", R"({"index":1})"};
  const TestExchange& exchange = bench.ask("GET", "/v1/ticks", sse);
  EXPECT_EQ(exchange.text(), "id: 1\ndata: {\"text\":\"a\"}\n\nid: 2\ndata: {\"index\":1}\n\nevent: end\ndata: {}\n\n");
  EXPECT_EQ(exchange.header("cache-control"), "no-cache");
}

TEST(RestStreams, LastEventIdReachesTheService) {
  RestBench bench;
  bench.ask("GET", "/v1/ticks", {{"accept", "text/event-stream"}, {"last-event-id", "41"}});
  EXPECT_EQ(bench.script.metadata.get("last-event-id"), "41");
}

TEST(RestStreams, Array) {
  RestBench bench;
  EXPECT_EQ(bench.ask("GET", "/v1/ticks", array_only).text(), "[]");
  bench.script.replies = {R"({"text":"a"})", R"({"index":1})"};
  EXPECT_EQ(bench.ask("GET", "/v1/ticks", array_only).text(), "[{\"text\":\"a\"},\n{\"index\":1}]");
}

TEST(RestStreams, AnEmptyStreamIsAnEmptyBody) {
  RestBench bench;
  const TestExchange& exchange = bench.ask("GET", "/v1/ticks");
  EXPECT_EQ(exchange.head().status, 200);
  EXPECT_EQ(exchange.text(), "");
  EXPECT_TRUE(exchange.is_finished());
}

TEST(RestStreams, AnEarlyFailureHasAnHonestStatus) {  // trap 13
  RestBench bench;
  bench.script.headers = {{"x-early", "yes"}};
  bench.script.status = Error(Code::not_found, Blame::upstream, "gone");
  for (const Fields& fields : {Fields(), sse, array_only}) {
    const TestExchange& exchange = bench.ask("GET", "/v1/ticks", fields);
    EXPECT_EQ(exchange.head().status, 404);
    EXPECT_NE(exchange.text().find("gone"), std::string::npos);
    EXPECT_EQ(exchange.header("x-early"), "yes");
  }
}

TEST(RestStreams, AFailureInMidStreamIsInTheBody) {  // trap 13
  RestBench bench;
  bench.script.replies = {R"({"text":"a"})"};
  bench.script.status = Error(Code::data_loss, Blame::upstream, "lost");
  const std::string problem =
      R"({"type":"about:blank","title":"Internal Server Error","status":500,"detail":"lost","instance":"/v1/ticks",)"
      R"("code":"DATA_LOSS","reason":"data_loss"})";
  EXPECT_EQ(bench.ask("GET", "/v1/ticks").text(), "{\"text\":\"a\"}\n{\"error\":" + problem + "}\n");
  EXPECT_EQ(bench.ask("GET", "/v1/ticks", sse).text(),
            "id: 1\ndata: {\"text\":\"a\"}\n\nevent: error\ndata: " + problem + "\n\n");
  EXPECT_EQ(bench.ask("GET", "/v1/ticks", array_only).text(),
            "[{\"text\":\"a\"},\n{\"error\":{\"code\":15,\"message\":\"lost\",\"details\":[]}}]");
  for (const auto& exchange : bench.exchanges) {
    EXPECT_EQ(exchange->head().status, 200);
    EXPECT_TRUE(exchange->is_finished());
  }
}

TEST(RestStreams, AMalformedReplyInMidStreamIsAnError) {
  RestBench bench;
  bench.script.wire_reply = Bytes::literal("\x12\xff");
  const TestExchange& exchange = bench.ask("GET", "/v1/ticks");
  EXPECT_EQ(exchange.head().status, 500);
  EXPECT_TRUE(bench.script.called);
}

TEST(RestStreams, ASilentStreamIsCommittedAndKeptAlive) {
  RestBench bench;
  bench.script.hang = true;
  TestExchange& events = bench.open("GET", "/v1/ticks", sse);
  events.end();
  TestExchange& lines = bench.open("GET", "/v1/ticks");
  lines.end();
  bench.settle();
  EXPECT_FALSE(events.has_responded());
  bench.shard.advance(milliseconds(2010));
  EXPECT_EQ(events.head().status, 200);
  EXPECT_EQ(lines.head().status, 200);
  EXPECT_EQ(events.text(), "");
  bench.shard.advance(milliseconds(15010));
  EXPECT_EQ(events.text(), ": still here\n\n");
  bench.shard.advance(milliseconds(15010));
  EXPECT_EQ(events.text(), ": still here\n\n: still here\n\n");
  EXPECT_EQ(lines.text(), "");
  events.go_away();
  lines.go_away();
  bench.settle();
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(RestStreams, NothingIsPutBetweenTheLinesOfASlowStream) {
  RestBench bench;
  bench.script.replies = {"{}"};
  bench.script.hang = true;
  TestExchange& lines = bench.open("GET", "/v1/ticks");
  lines.end();
  bench.settle();
  EXPECT_EQ(lines.text(), "{}\n");
  bench.shard.advance(milliseconds(60'000));
  EXPECT_EQ(lines.text(), "{}\n");
  lines.go_away();
  bench.settle();
}

TEST(RestStreams, AFailureAfterTheCommitIsInTheBody) {
  RestBench bench;
  bench.script.hang = true;
  for (const Fields& fields :
       {Fields{{"grpc-timeout", "4S"}}, Fields{{"grpc-timeout", "4S"}, {"accept", "application/json"}}}) {
    TestExchange& exchange = bench.open("GET", "/v1/ticks", fields);
    exchange.end();
    bench.shard.advance(milliseconds(2010));
    EXPECT_EQ(exchange.head().status, 200);
    bench.shard.advance(milliseconds(2010));
    EXPECT_TRUE(exchange.is_finished());
    EXPECT_NE(exchange.text().find("{\"error\":{"), std::string::npos) << exchange.text();
  }
}

TEST(RestStreams, HeartbeatsDoNotPileUpOnASlowClient) {  // trap 15
  RestBench bench;
  bench.script.hang = true;
  bench.script.replies = {"{\"text\":\"" + std::string(100'000, 'x') + "\"}"};
  TestExchange& exchange = bench.open("GET", "/v1/ticks", sse);
  exchange.stop_reading();
  exchange.end();
  bench.settle();
  const std::size_t before = exchange.response_body().bytes();
  for (int i = 0; i < 10; ++i) bench.shard.advance(seconds(16));
  EXPECT_EQ(exchange.response_body().bytes(), before);
  exchange.go_away();
  bench.settle();
}

TEST(RestStreams, ASlowClientStopsTheService) {  // trap 15: bounded bytes
  RestBench bench;
  for (int i = 0; i < 1000; ++i) bench.script.replies.push_back("{\"text\":\"" + std::string(10'000, 'x') + "\"}");
  TestExchange& exchange = bench.open("GET", "/v1/ticks");
  exchange.stop_reading();
  exchange.end();
  bench.settle();
  EXPECT_LT(exchange.response_body().bytes(), 4 * Pipe::default_limit);
  EXPECT_FALSE(exchange.is_finished());
  exchange.read_on();
  bench.settle();
  EXPECT_TRUE(exchange.is_finished());
  EXPECT_EQ(exchange.text().size(), 1000 * (10'000 + sizeof "{\"text\":\"\"}"));
}

TEST(RestStreams, AClientThatGoesAwayCancels) {
  RestBench bench;
  bench.script.hang = true;
  bench.script.replies = {"{}"};
  TestExchange& exchange = bench.open("GET", "/v1/ticks");
  exchange.end();
  bench.settle();
  EXPECT_EQ(exchange.text(), "{}\n");
  exchange.go_away();
  bench.settle();
  EXPECT_TRUE(bench.script.cancelled);
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(RestStreams, HeadOfAStreamCancelsIt) {
  RestBench bench;
  bench.script.hang = true;
  bench.script.replies = {"{}"};
  const TestExchange& exchange = bench.ask("HEAD", "/v1/ticks");
  EXPECT_EQ(exchange.head().status, 200);
  EXPECT_EQ(exchange.text(), "");
  EXPECT_TRUE(bench.script.cancelled);
}

struct ClientStreamCase {
  std::string_view name;
  std::string_view type;
  std::string_view body;
  std::vector<std::string> requests;
};

TEST(RestStreams, ClientStreamsInEveryForm) {
  const ClientStreamCase cases[] = {
      {"lines", "application/x-ndjson", "{\"value\":1}\n{\"value\":\"2\"}\n", {R"({"value":"1"})", R"({"value":"2"})"}},
      {"the last line may lack its end", "application/x-ndjson", "{\"value\":1}\r\n\r\n{}", {R"({"value":"1"})", "{}"}},
      {"an array", "application/json", " [ {\"value\":1} , {\"value\":2} ] ", {R"({"value":"1"})", R"({"value":"2"})"}},
      {"an empty array", "application/json", "[]", {}},
      {"values", "application/json", "{\"value\":1}{\n\"value\":2}", {R"({"value":"1"})", R"({"value":"2"})"}},
      {"no type", "", "{\"value\":1}\n{\"value\":2}", {R"({"value":"1"})", R"({"value":"2"})"}},
      {"nothing", "application/x-ndjson", "", {}},
  };
  for (const ClientStreamCase& c : cases) {
    SCOPED_TRACE(c.name);
    RestBench bench;
    bench.script.replies = {R"({"count":2})"};
    Fields fields;
    if (!c.type.empty()) fields.add("content-type", c.type);
    const TestExchange& exchange = bench.ask("POST", "/v1/sum", fields, c.body);
    EXPECT_EQ(exchange.text(), R"({"count":2})");
    EXPECT_EQ(bench.script.requests, c.requests);
  }
}

TEST(RestStreams, PathAndQueryBelongToEachMessage) {
  RestBench bench;
  bench.script.replies = {"{}"};
  bench.ask("POST", "/owners/o1/import", {}, "{\"size\":1}\n{\"owner\":\"x\",\"size\":2}");
  EXPECT_EQ(bench.script.requests,
            (std::vector<std::string>{R"({"size":1,"owner":"o1"})", R"({"owner":"o1","size":2})"}));
}

TEST(RestStreams, ABadMessageEndsTheCall) {
  const std::string_view bodies[] = {"{\"value\":1}\n{\"valu\":2}\n", "{\"value\":1}\n{\n", "[{\"value\":1}",
                                     "[{\"value\":1} {}]"};
  for (const std::string_view body : bodies) {
    SCOPED_TRACE(body);
    RestBench bench;
    const bool lines = body.front() == '{';
    const TestExchange& exchange =
        bench.ask("POST", "/v1/sum", {{"content-type", lines ? "application/x-ndjson" : "application/json"}}, body);
    EXPECT_EQ(exchange.head().status, 400) << exchange.text();
    ASSERT_TRUE(bench.script.cancelled);
    EXPECT_EQ(bench.script.cancelled->code(), Code::invalid_argument);
  }
}

TEST(RestStreams, ALineAboveTheLimitIs413) {
  RestBench bench(RestOptions{.max_message = 100});
  TestExchange& exchange = bench.open("POST", "/v1/sum", {{"content-type", "application/x-ndjson"}});
  exchange.send("{\"value\":" + std::string(200, ' '));
  bench.settle();
  EXPECT_EQ(exchange.head().status, 413) << "before the line has ended";
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(RestStreams, AServiceThatAnswersEarlyStopsTheReading) {
  RestBench bench;
  bench.script.read_all = false;
  bench.script.replies = {R"({"count":1})"};
  TestExchange& exchange = bench.open("POST", "/v1/sum");
  bench.settle();
  EXPECT_EQ(exchange.text(), R"({"count":1})");
  EXPECT_EQ(bench.tasks.live(), 0U) << "although the client has not ended its body";
}

TEST(RestStreams, BidirectionalLineByLine) {
  RestBench bench;
  bench.script.echo = true;
  TestExchange& exchange = bench.open("POST", "/v1/chat", {{"content-type", "application/x-ndjson"}});
  exchange.send("{\"text\":\"a\"}\n");
  bench.settle();
  EXPECT_EQ(exchange.text(), "{\"text\":\"a\"}\n");
  exchange.send("{\"text\":");
  bench.settle();
  exchange.send("\"b\"}\n");
  bench.settle();
  EXPECT_EQ(exchange.text(), "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
  exchange.send("nonsense\n");
  bench.settle();
  EXPECT_NE(exchange.text().find("{\"error\":{"), std::string::npos) << exchange.text();
  EXPECT_TRUE(exchange.is_finished());
  EXPECT_EQ(bench.tasks.live(), 0U);
}

TEST(RestStreams, CompressionFlushesEachMessage) {
  for (const wire::Encoding encoding : {wire::Encoding::gzip, wire::Encoding::br, wire::Encoding::zstd}) {
    SCOPED_TRACE(wire::name(encoding));
    RestBench bench;
    bench.script.echo = true;
    TestExchange& exchange = bench.open("POST", "/v1/chat", {{"accept-encoding", wire::name(encoding)}});
    exchange.send("{\"text\":\"a\"}\n");
    bench.settle();
    EXPECT_EQ(exchange.header("content-encoding"), wire::name(encoding));
    const auto unpacker = wire::Decompressor::make(encoding, {});
    std::string text;
    ASSERT_TRUE(unpacker->write(exchange.text(), text));
    EXPECT_EQ(text, "{\"text\":\"a\"}\n");
    const std::size_t read = exchange.text().size();
    exchange.end();
    bench.settle();
    ASSERT_TRUE(unpacker->write(std::string_view(exchange.text()).substr(read), text));
    EXPECT_TRUE(unpacker->finish());
    EXPECT_EQ(text, "{\"text\":\"a\"}\n");
  }
}

}  // namespace
}  // namespace parley::edge::rest
