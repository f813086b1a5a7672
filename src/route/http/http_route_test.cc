// The HTTP route against an HTTP/JSON upstream that answers with the bytes each case gives.
#include "route/http/http_route.h"

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/retry_info.h"
#include "contract/transcode.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/fake_http1_upstream.h"
#include "route/http/http_error.h"
#include "route/http/sse_reader.h"

namespace parley::route {
namespace {

using Answer = net::FakeHttp1Upstream::Answer;
using Request = net::FakeHttp1Upstream::Request;

constexpr std::string_view contract_text = R"(
  import "google/api/httpbody.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto";
  enum Color { NONE = 0; RED = 1; }
  message Part { string id = 1; int64 weight = 2; repeated string tags = 3; }
  message M {
    string name = 1; int32 number = 2; Color color = 3; Part part = 4; repeated string tags = 5; map<string, int32> counts = 6;
    google.protobuf.Timestamp at = 7; google.protobuf.StringValue note = 8; repeated Part parts = 9; string user_id = 10;
    google.protobuf.Struct extra = 11; bytes raw = 12;
  }
  message List { repeated Part parts = 1; }
  message File { string name = 1; google.api.HttpBody body = 2; }
  service S {
    rpc Get(M) returns (M) { option (google.api.http) = {get: "/v1/{name=things/*}" additional_bindings {get: "/v1/numbers/{number}"}}; }
    rpc Plain(M) returns (M) { option (google.api.http) = {get: "/v1/plain/{user_id}"}; }
    rpc Deep(M) returns (M) { option (google.api.http) = {get: "/v1/{name=**}:read"}; }
    rpc Post(M) returns (M) { option (google.api.http) = {post: "/v1/{part.id=parts/*}/m" body: "*"}; }
    rpc Put(M) returns (M) { option (google.api.http) = {put: "/v1/{name}" body: "part"}; }
    rpc Cancel(M) returns (M) { option (google.api.http) = {post: "/v1/{name=things/*}:cancel" body: "*"}; }
    rpc Parts(M) returns (List) { option (google.api.http) = {get: "/v1/parts" response_body: "parts"}; }
    rpc Upload(File) returns (M) { option (google.api.http) = {post: "/v1/files/{name}" body: "body"}; }
    rpc Download(M) returns (google.api.HttpBody) { option (google.api.http) = {get: "/v1/files/{name}"}; }
    rpc Watch(M) returns (stream Part) { option (google.api.http) = {get: "/v1/watch"}; }
    rpc Import(stream Part) returns (M) { option (google.api.http) = {post: "/v1/import" body: "*"}; }
    rpc Talk(stream Part) returns (stream Part) { option (google.api.http) = {post: "/v1/talk" body: "*"}; }
    rpc Bare(M) returns (M);
  })";

std::string http(int status, std::string_view body, std::string_view type = "application/json") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\ncontent-type: " + std::string(type) +
         "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

struct Rig {
  Shard shard;
  net::FakeHttp1Upstream upstream{shard};
  net::ClientPool pool{shard, {.connect_timeout = net::patience, .dns_servers = {}}};
  std::shared_ptr<mesh::Cluster> cluster;
  contract::ContractPtr contract;
  std::unique_ptr<HttpRoute> route;
  explicit Rig(const std::string& base = "", HttpRouteLimits limits = {}) {
    const contract::Loaded loaded = contract::load_text(contract_text);
    contract = loaded.contract;
    if (!contract) throw std::runtime_error(contract::all_text(loaded.diagnostics));
    cluster = std::make_shared<mesh::Cluster>(
        "things", *mesh::parse_addresses("http://127.0.0.1:" + std::to_string(upstream.port) + base), pool);
    route = std::make_unique<HttpRoute>(cluster, limits);
    upstream.on_request = [](const Request&) { return Answer{.send = http(200, "{}")}; };
  }
  const contract::Method& method(std::string_view name) const {
    return *contract->find("/shop.S/" + std::string(name));
  }
};

Task<std::string> run(HttpRoute& route, Call& call, std::vector<std::string> json) {
  for (const std::string& each : json) {
    std::string wire;
    const auto done = contract::json_to_wire(*call.method().input, each, wire);
    if (!done) co_return "bad test: " + done.error().text();
    call.requests.push(Bytes(std::move(wire)));
  }
  call.requests.end();
  TaskGroup group;
  group.spawn(answer(route, call));
  std::string out;
  for (;;) {
    auto message = co_await call.replies.read();
    if (!message || !*message) break;
    std::string text;
    (void)contract::wire_to_json(*call.method().output, (*message)->view(), text);
    if (!out.empty()) out += ' ';
    out += text;
  }
  co_await group.join();
  if (call.status() == nullptr) co_return out;
  co_return (out.empty() ? "" : out + " then ") + call.status()->text();
}

std::string call(Rig& rig, std::string_view method, std::vector<std::string> json) {
  Call c(rig.contract, rig.method(method), "test");
  return run_blocking(rig.shard, run(*rig.route, c, std::move(json)));
}

TEST(HttpRoute, RequestsByTheirRules) {
  struct Case {
    std::string_view method;
    std::string json;
    std::string_view line;  // or '!' and a part of the error
    std::string_view body = "";
  };
  const Case cases[] = {
      {"Get", R"({"name":"things/7"})", "GET /v1/things/7 HTTP/1.1"},
      {"Get", R"({"name":"things/a b/c"})", "!name: must be set, in the form things/*"},
      {"Get", R"({"name":"things/a b%"})", "GET /v1/things/a%20b%25 HTTP/1.1"},
      {"Get", R"({"number":7})", "GET /v1/numbers/7 HTTP/1.1"},
      {"Get", R"({})", "!name: must be set, in the form things/*"},
      {"Get", R"({"name":"things/7","number":2,"color":"RED","userId":"ä&="})",
       "GET /v1/things/7?number=2&color=RED&userId=%C3%A4%26%3D HTTP/1.1"},
      {"Get", R"({"name":"things/7","part":{"id":"x","weight":"9007199254740993","tags":["a","b"]},"tags":["c"]})",
       "GET /v1/things/7?part.id=x&part.weight=9007199254740993&part.tags=a&part.tags=b&tags=c HTTP/1.1"},
      {"Get", R"({"name":"things/7","counts":{"k":3},"at":"2024-01-02T03:04:05Z","note":"","raw":"+/8="})",
       "GET /v1/things/7?counts[k]=3&at=2024-01-02T03%3A04%3A05Z&note=&raw=%2B%2F8%3D HTTP/1.1"},
      {"Get", R"({"name":"things/7","extra":{"a":1}})", "GET /v1/things/7?extra=%7B%22a%22%3A1%7D HTTP/1.1"},
      {"Get", R"({"name":"things/7","parts":[{"id":"x"}]})", "!parts: has no form in a query"},
      {"Plain", R"({"userId":"a/b c"})", "GET /v1/plain/a%2Fb%20c HTTP/1.1"},
      {"Plain", R"({})", "!user_id: must be set"},
      {"Deep", R"({"name":"a/b c/d"})", "GET /v1/a/b%20c/d:read HTTP/1.1"},
      {"Post", R"({"part":{"id":"parts/1","weight":5},"number":2})", "POST /v1/parts/1/m HTTP/1.1",
       R"({"part":{"weight":"5"},"number":2})"},
      {"Put", R"({"name":"n","part":{"id":"x"},"number":2})", "PUT /v1/n?number=2 HTTP/1.1", R"({"id":"x"})"},
      {"Put", R"({"name":"n"})", "PUT /v1/n HTTP/1.1", "null"},
      {"Cancel", R"({"name":"things/7"})", "POST /v1/things/7:cancel HTTP/1.1", "{}"},
      {"Bare", R"({"name":"x"})", "POST /shop.S/Bare HTTP/1.1", R"({"name":"x"})"},
      {"Upload", R"({"name":"f","body":{"contentType":"text/x","data":"aGk="}})", "POST /v1/files/f HTTP/1.1", "hi"},
  };
  for (const Case& c : cases) {
    Rig rig;
    const std::string got = call(rig, c.method, {c.json});
    if (c.line.starts_with('!')) {
      EXPECT_NE(got.find(c.line.substr(1)), std::string::npos) << c.json << ": " << got;
      EXPECT_TRUE(got.starts_with("INVALID_ARGUMENT")) << got;
      continue;
    }
    EXPECT_EQ(got, "{}") << c.json;
    ASSERT_EQ(rig.upstream.requests.size(), 1U) << c.json;
    EXPECT_EQ(rig.upstream.requests[0].line(), c.line) << c.json;
    EXPECT_EQ(rig.upstream.requests[0].body, c.body) << c.json;
  }
}

TEST(HttpRoute, HeadersAndBasePath) {
  Rig rig("/api/v2");
  Call c(rig.contract, rig.method("Upload"), "test");
  c.metadata = {{"authorization", "t"}, {"x-bin", "\xff"}, {"connection", "x"}, {"grpc-timeout", "1S"}};
  EXPECT_EQ(
      run_blocking(rig.shard, run(*rig.route, c, {R"({"name":"f","body":{"contentType":"text/x","data":"aGk="}})"})),
      "{}");
  const Request& seen = rig.upstream.requests.at(0);
  EXPECT_EQ(seen.line(), "POST /api/v2/v1/files/f HTTP/1.1");
  for (const std::string_view field :
       {"authorization: t", "x-bin: /w", "content-type: text/x", "accept: application/json", "content-length: 2"}) {
    EXPECT_TRUE(seen.has(field)) << field << " in " << seen.head;
  }
  EXPECT_FALSE(seen.has("grpc-timeout"));
}

TEST(HttpRoute, WhatIsLeftOfTheDeadlineGoesAlong) {
  Rig rig("/api/v2");
  Call c(rig.contract, rig.method("Upload"), "test");
  c.set_deadline(Deadline::after(rig.shard.now(), std::chrono::hours(2)));
  run_blocking(rig.shard, run(*rig.route, c, {R"({"name":"f"})"}));
  EXPECT_NE(rig.upstream.requests.at(0).head.find("grpc-timeout: 7"), std::string::npos);  // of 7,200 s in some unit
}

TEST(HttpRoute, AnAnswerThatNobodyWantsCountsByItsStatus) {
  const struct {
    std::string_view name;
    std::string send;
    std::string_view expect;
  } cases[] = {
      {"text", http(200, "ok", "text/plain"), ""},
      {"HTML", http(201, "<html>", "text/html"), ""},
      {"no type", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", ""},
      {"JSON of another type", http(200, R"({"name":7})"), ""},
      {"broken JSON", http(200, "{"), ""},
      {"too large", http(200, std::string(70'000, 'x')), ""},
      {"unknown coding", "HTTP/1.1 200 OK\r\ncontent-encoding: lzma\r\ncontent-length: 2\r\n\r\n{}", ""},
      {"nothing", "HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"a failure", http(503, "starting", "text/plain"),
       "UNAVAILABLE (upstream_status): the upstream answered with HTTP status 503: starting"},
      {"a redirect", "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
       "UNKNOWN (upstream_status): the upstream answered with HTTP status 302"},
  };
  for (const auto& c : cases) {
    Rig rig("", {.message_bytes = 64 * 1024});
    rig.upstream.on_request = [&](const Request&) { return Answer{.send = c.send}; };
    Call made(rig.contract, rig.method("Get"), "test");
    made.replies.discard();
    std::string wire;
    ASSERT_TRUE(contract::json_to_wire(*made.method().input, R"({"name":"things/7"})", wire));
    made.requests.push(Bytes(std::move(wire)));
    made.requests.end();
    run_blocking(rig.shard, answer(*rig.route, made));
    EXPECT_EQ(made.status() == nullptr ? "" : made.status()->text(), c.expect) << c.name;
  }
}

TEST(HttpRoute, Answers) {
  struct Case {
    std::string_view name;
    std::string_view method;
    std::string send;
    std::string_view expect;
  };
  const std::string big(70'000, 'x');
  const Case cases[] = {
      {"JSON", "Get", http(200, R"({"name":"a","unknown":[1,2]})"), R"({"name":"a"})"},
      {"no content", "Get", "HTTP/1.1 204 No Content\r\n\r\n", "{}"},
      {"an empty body", "Get", http(200, ""), "{}"},
      {"a field as the body", "Parts", http(200, R"([{"id":"a"},{"id":"b"}])"), R"({"parts":[{"id":"a"},{"id":"b"}]})"},
      {"raw", "Download", http(200, "\x01raw", "image/png"), R"({"contentType":"image/png","data":"AXJhdw=="})"},
      {"another JSON type", "Get", http(200, "{}", "application/vnd.shop+json"), "{}"},
      {"HTML", "Get", http(200, "<html>", "text/html"),
       "INTERNAL (upstream_malformed): the upstream's answer is malformed: it is text/html, not JSON"},
      {"broken JSON", "Get", http(200, "{\"name\":"),
       "INTERNAL (upstream_malformed): the upstream's answer is malformed: "},
      {"of another type", "Get", http(200, R"({"name":7})"),
       "INTERNAL (upstream_malformed): the upstream's answer is malformed: $.name"},
      {"too large", "Get", http(200, big), "RESOURCE_EXHAUSTED (upstream_message_too_large)"},
      {"google.rpc.Status", "Get", http(404, R"({"code":5,"message":"no thing","details":[]})"),
       "NOT_FOUND (upstream_status): no thing"},
      {"its code counts for more", "Get", http(400, R"({"code":9,"message":"not now"})"),
       "FAILED_PRECONDITION (upstream_status): not now"},
      {"within error", "Get", http(409, R"({"error":{"code":409,"status":"ALREADY_EXISTS","message":"again"}})"),
       "ALREADY_EXISTS (upstream_status): again"},
      {"a problem document", "Get",
       http(403, R"({"type":"about:blank","title":"Forbidden","detail":"not yours","status":403})",
            "application/problem+json"),
       "PERMISSION_DENIED (upstream_status): not yours"},
      {"an error as a word", "Get", http(429, R"({"error":"slow down"})"),
       "RESOURCE_EXHAUSTED (upstream_status): slow down"},
      {"text", "Get", http(503, "starting", "text/plain"),
       "UNAVAILABLE (upstream_status): the upstream answered with HTTP status 503: starting"},
      {"HTML error", "Get", http(502, "<html>", "text/html"),
       "UNAVAILABLE (upstream_status): the upstream answered with HTTP status 502"},
      {"redirect", "Get", "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
       "UNKNOWN (upstream_status): the upstream answered with HTTP status 302"},
      {"401", "Get", http(401, "{}"), "UNAUTHENTICATED (upstream_status)"},
      {"504", "Get", http(504, ""), "DEADLINE_EXCEEDED (upstream_status)"},
      {"unknown coding", "Get", "HTTP/1.1 200 OK\r\ncontent-encoding: lzma\r\ncontent-length: 2\r\n\r\n{}",
       "INTERNAL (upstream_malformed)"},
      {"lines", "Watch", http(200, "{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n", "application/x-ndjson"),
       R"({"id":"a"} {"id":"b"})"},
      {"an array", "Watch", http(200, R"([{"id":"a"}, {"id":"b"}])"), R"({"id":"a"} {"id":"b"})"},
      {"values", "Watch", http(200, R"({"id":"a"}{"id":"b"})"), R"({"id":"a"} {"id":"b"})"},
      {"events", "Watch",
       http(200, ": hi\nid: 1\ndata: {\"id\":\ndata: \"a\"}\n\ndata:{\"id\":\"b\"}\r\n\r\n", "text/event-stream"),
       R"({"id":"a"} {"id":"b"})"},
      {"an empty stream", "Watch", http(200, ""), ""},
      {"a stream's error", "Watch",
       http(200, "{\"id\":\"a\"}\n{\"error\":{\"code\":8,\"message\":\"too slow\"}}\n", "application/x-ndjson"),
       R"({"id":"a"} then RESOURCE_EXHAUSTED (upstream_status): too slow)"},
      {"an error event", "Watch",
       http(200, "data: {\"id\":\"a\"}\n\nevent: error\ndata: {\"code\":10,\"message\":\"m\"}\n\n",
            "text/event-stream"),
       R"({"id":"a"} then ABORTED (upstream_status): m)"},
      {"a refused stream", "Watch", http(404, R"({"message":"no"})"), "NOT_FOUND (upstream_status): no"},
      {"a broken line", "Watch", http(200, "{\"id\":\"a\"}\nrubbish\n", "application/x-ndjson"),
       R"({"id":"a"} then INTERNAL (upstream_malformed))"},
      {"an array without its end", "Watch", http(200, R"([{"id":"a"})"),
       R"({"id":"a"} then INTERNAL (upstream_malformed))"},
      {"a line that is too long", "Watch", http(200, big, "application/x-ndjson"),
       "RESOURCE_EXHAUSTED (upstream_message_too_large)"},
  };
  for (const Case& c : cases) {
    Rig rig("", {.message_bytes = 64 * 1024});
    rig.upstream.on_request = [&](const Request&) { return Answer{.send = c.send}; };
    const std::string got = call(rig, c.method, {R"({"name":"things/1"})"});
    EXPECT_TRUE(c.expect.empty() ? got.empty() : got.starts_with(c.expect)) << c.name << ": " << got;
  }
}

TEST(HttpRoute, DetailsOfAnError) {
  Rig rig;
  rig.upstream.on_request = [](const Request&) {
    return Answer{.send = http(400, R"({"code":3,"message":"bad","details":[
      {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"R"},{"@type":"type.googleapis.com/nobody.Knows","x":1}]})")};
  };
  Call c(rig.contract, rig.method("Get"), "test");
  run_blocking(rig.shard, run(*rig.route, c, {R"({"name":"things/1"})"}));
  ASSERT_NE(c.status(), nullptr);
  ASSERT_EQ(c.status()->details().size(), 1U);
  EXPECT_EQ(c.status()->details()[0].type, "google.rpc.ErrorInfo");
  EXPECT_EQ(c.status()->details()[0].value, "\x0a\x01R");
}

TEST(HttpRoute, RetryAfterIsADetail) {
  const struct {
    const char* name;
    std::string fields;
    std::string body;
    std::optional<Duration> want;
  } cases[] = {
      {"seconds", "retry-after: 7\r\n", "{}", std::chrono::seconds(7)},
      {"a date, by the upstream's own clock",
       "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:50:37 GMT\r\n", "{}",
       std::chrono::minutes(1)},
      {"what the body says goes before", "retry-after: 7\r\n",
       R"({"code":8,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2.5s"}]})",
       std::chrono::milliseconds(2500)},
      {"malformed", "retry-after: soon\r\n", "{}", std::nullopt},
      {"none", "", "{}", std::nullopt},
  };
  for (const auto& c : cases) {
    Rig rig;
    rig.upstream.on_request = [&](const Request&) {
      return Answer{.send = "HTTP/1.1 429 X\r\n" + c.fields + "content-type: application/problem+json\r\n" +
                            "content-length: " + std::to_string(c.body.size()) + "\r\n\r\n" + c.body};
    };
    Call call(rig.contract, rig.method("Get"), "test");
    run_blocking(rig.shard, run(*rig.route, call, {R"({"name":"things/1"})"}));
    ASSERT_NE(call.status(), nullptr) << c.name;
    EXPECT_EQ(contract::retry_delay(*call.status()), c.want) << c.name;
    EXPECT_LE(call.status()->details().size(), 1U) << c.name;
  }
}

TEST(HttpRoute, ClientStreamsAreLines) {
  Rig rig;
  rig.upstream.on_request = [](const Request&) { return Answer{.send = http(200, R"({"number":2})")}; };
  EXPECT_EQ(call(rig, "Import", {R"({"id":"a"})", R"({"id":"b"})"}), R"({"number":2})");
  EXPECT_EQ(rig.upstream.requests[0].body, "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
  EXPECT_TRUE(rig.upstream.requests[0].has("content-type: application/x-ndjson"));
  EXPECT_EQ(call(rig, "Import", {}), R"({"number":2})");
  rig.upstream.on_request = [](const Request& r) { return Answer{.send = http(200, r.body, "application/x-ndjson")}; };
  EXPECT_EQ(call(rig, "Talk", {R"({"id":"a"})", R"({"id":"b"})"}), R"({"id":"a"} {"id":"b"})");
}

TEST(HttpRoute, CancellationClosesTheConnection) {
  Rig rig;
  rig.upstream.on_request = [](const Request&) { return Answer{}; };
  Call c(rig.contract, rig.method("Get"), "test");
  c.requests.push(Bytes::literal("\x0a\x08things/1"));
  c.requests.end();
  TaskGroup group;
  group.spawn(answer(*rig.route, c));
  rig.shard.run_until([&] { return !rig.upstream.requests.empty(); });
  c.cancel(Error(Code::cancelled, Blame::caller, "gone"));
  run_blocking(rig.shard, group.join());
  EXPECT_EQ(c.status()->text(), "CANCELLED: gone");
  rig.shard.run_until([&] { return !rig.upstream.is_open(0); });
}

TEST(HttpRoute, AStaleConnectionFailsNoCall) {
  Rig rig;
  EXPECT_EQ(call(rig, "Get", {R"({"name":"things/1"})"}), "{}");
  rig.upstream.close(0);
  EXPECT_EQ(call(rig, "Post", {R"({"part":{"id":"parts/1"}})"}), "{}");
  EXPECT_EQ(rig.upstream.requests.size(), 2U);
}

TEST(HttpRoute, StatusTable) {
  EXPECT_EQ(code_of_http_status(404), Code::not_found);
  EXPECT_EQ(code_of_http_status(418), Code::failed_precondition);
  EXPECT_EQ(code_of_http_status(599), Code::internal);
  EXPECT_EQ(code_of_http_status(304), Code::unknown);
}

TEST(SseReader, AnyChunkingGivesTheSameEvents) {
  const std::string_view text =
      "\xef\xbb\xbf"
      "event: a\r\ndata: 1\r\ndata: 2\r\n\r\n:comment\r\rdata\r\rdata:  x\n\nid: 7\n\nevent: lost\ndata: no end\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    SseReader reader(100);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size) {
      reader.feed(text.substr(at, size));
      for (auto event = reader.next(); *event; event = reader.next())
        out += "[" + (*event)->type + "|" + (*event)->data + "]";
    }
    EXPECT_EQ(out, "[a|1\n2][|][| x]") << size;
  }
  SseReader small(10);
  small.feed("data: 12345678901");
  EXPECT_FALSE(small.next().has_value());
}

}  // namespace
}  // namespace parley::route
