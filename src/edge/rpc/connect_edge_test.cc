// The Connect edge: unary calls, GET, streams, errors as JSON.
#include <gtest/gtest.h>

#include "edge/rpc/connect_json.h"
#include "edge/rpc/edge_test_kit.h"
#include "edge/rpc/rpc_edges.h"
#include "wire/base64.h"
#include "wire/compression.h"
#include "wire/percent.h"

namespace parley::edge::test {
namespace {

const std::string proto = "application/proto";
const std::string json = "application/json";
const std::string stream_proto = "application/connect+proto";
const std::string stream_json = "application/connect+json";
const Fields version_1 = {{"connect-protocol-version", "1"}};
const std::string not_found =
    R"({"code":"not_found","message":"no such \"thing\"","details":[{"type":"test.Text","value":"CgN3aHk","debug":{"text":"why"}}]})";

std::string zipped(std::string_view text) {
  std::string out;
  wire::compress(wire::Encoding::gzip, text, out);
  return out;
}

std::string query(std::string_view message, std::string_view more = "") {
  return "?connect=v1&encoding=json&message=" + wire::encode_query_component(message) + std::string(more);
}

class ConnectEdgeTest : public testing::Test {
 protected:
  ConnectEdgeTest() { shard.use_fake_time(); }

  // "status content-type; head-fields | body", a body of frames where the content-type is that of a stream.
  std::string reply_to(const Request& request, const Meanwhile& meanwhile = {}, std::size_t chunk = 0) {
    FakeExchange exchange(head_of(request), request.http_version);
    ConnectEdge edge(front, options);
    EXPECT_TRUE(edge.takes(exchange.request()));
    serve(shard, edge, exchange, request, meanwhile, chunk);
    if (!exchange.finished) return "nothing";
    EXPECT_TRUE(exchange.trailers.empty());
    const std::string type(exchange.head.fields.get("content-type"));
    const bool enveloped = type.starts_with("application/connect");
    if (!enveloped && exchange.head.status != 204)
      EXPECT_EQ(exchange.head.fields.get("content-length"), std::to_string(exchange.sent.size()));
    const std::string body = enveloped       ? show_frames(exchange.sent)
                             : type == proto ? text_of(exchange.sent)
                                             : exchange.sent;
    return std::to_string(exchange.head.status) + " " + type + "; " + show_fields(exchange.head.fields) + "| " + body;
  }

  Shard shard;
  TestFront front;
  RpcOptions options;
};

TEST_F(ConnectEdgeTest, takes_what_can_only_be_connect) {
  const ConnectEdge edge(front, options);
  const struct {
    std::string name;
    Request request;
    bool takes;
  } cases[] = {
      {"a proto body", {.content_type = proto}, true},
      {"plain JSON where REST has its default binding", {.content_type = json}, false},
      {"plain JSON where REST has another address", {.path = "/test.Echo/Bound", .content_type = json}, true},
      {"plain JSON to no rpc", {.path = "/test.Echo/Nope", .content_type = json}, false},
      {"a plain GET", {.path = "/test.Echo/Bound", .content_type = json, .method = "GET"}, false},
      {"JSON with the protocol's version", {.content_type = json, .fields = version_1}, true},
      {"JSON with a time-out", {.content_type = json, .fields = {{"connect-timeout-ms", "100"}}}, true},
      {"anything with the protocol's version", {.content_type = "application/foo", .fields = version_1}, true},
      {"a stream", {.content_type = stream_json}, true},
      {"a stream of rubbish", {.content_type = "application/connect+foo"}, true},
      {"GET with a message",
       {.path = "/test.Echo/Get?encoding=json&message=%7B%7D", .content_type = "", .method = "GET"},
       true},
      {"GET without a message", {.path = "/test.Echo/Get?encoding=json", .content_type = "", .method = "GET"}, true},
      {"GET without an encoding", {.path = "/test.Echo/Get?message=%7B%7D", .content_type = "", .method = "GET"}, true},
      {"any content-type where REST has another address",
       {.path = "/test.Echo/Bound", .content_type = "text/plain"},
       true},
      {"GET of another path",
       {.path = "/v1/things?encoding=json&message=%7B%7D", .content_type = "", .method = "GET"},
       false},
      {"gRPC", {.content_type = "application/grpc"}, false},
      {"a preflight where no origin is allowed",
       {.content_type = "",
        .fields = {{"origin", "https://a"}, {"access-control-request-method", "POST"}},
        .method = "OPTIONS"},
       false},
      {"no content-type", {.content_type = ""}, false},
  };
  for (const auto& c : cases) EXPECT_EQ(edge.takes(head_of(c.request)), c.takes) << c.name;
}

TEST_F(ConnectEdgeTest, unary) {
  const struct {
    std::string name;
    Request request;
    std::string reply;
  } cases[] = {
      {"proto", {.content_type = proto, .body = text_message("hi")}, "200 application/proto; | hi"},
      {"an empty message is a message", {.content_type = proto, .body = ""}, "200 application/proto; | "},
      {"JSON",
       {.content_type = json, .body = R"({"text":"hi","number":"7"})", .fields = version_1},
       R"(200 application/json; | {"text":"hi","number":"7"})"},
      {"JSON with a charset",
       {.content_type = "application/json; charset=utf-8", .body = R"({"text":"hi"})", .fields = version_1},
       R"(200 application/json; | {"text":"hi"})"},
      {"a field that the contract does not have",
       {.content_type = json, .body = R"({"text":"hi","more":[1]})", .fields = version_1},
       R"(200 application/json; | {"text":"hi"})"},
      {"compressed",
       {.content_type = proto, .body = zipped(text_message("hi")), .fields = {{"content-encoding", "gzip"}}},
       "200 application/proto; | hi"},
      {"trap 5: an empty body is never decompressed",
       {.content_type = proto, .body = "", .fields = {{"content-encoding", "gzip"}}},
       "200 application/proto; | "},
      {"metadata",
       {.content_type = proto,
        .body = text_message("meta"),
        .fields = {{"x-text", "1"}, {"x-raw-bin", "AAE="}, {"connect-timeout-ms", "5000"}}},
       "200 application/proto; x-text: 1; x-raw-bin: AAE; trailer-x-trailing-text: 1; trailer-x-trailing-raw-bin: AAE; "
       "| meta"},
      {"HTTP/1.1",
       {.content_type = proto, .body = text_message("hi"), .http_version = 11},
       "200 application/proto; | hi"},
  };
  for (const auto& c : cases) {
    for (const std::size_t chunk : {0, 1, 3})
      EXPECT_EQ(reply_to(c.request, {}, chunk), c.reply) << c.name << " in chunks of " << chunk;
  }
}

TEST_F(ConnectEdgeTest, unary_errors) {
  const auto error = [](int status, std::string_view code, std::string_view message) {
    return std::to_string(status) + " application/json; | {\"code\":\"" + std::string(code) + "\",\"message\":\"" +
           std::string(message) + "\"}";
  };
  const struct {
    std::string name;
    Request request;
    std::string reply;
  } cases[] = {
      {"of the service", {.content_type = proto, .body = text_message("fail")}, "404 application/json; | " + not_found},
      {"unknown method",
       {.path = "/test.Echo/Nothing", .content_type = proto},
       error(404, "unimplemented", "the contract has no rpc /test.Echo/Nothing")},
      {"malformed proto",
       {.content_type = proto, .body = "\x0a\xff"},
       error(400, "invalid_argument", "$: malformed Protobuf: field 1 is cut off or nested too deeply")},
      {"no reply",
       {.content_type = proto, .body = text_message("none")},
       error(501, "unimplemented", "the service sent no reply to a call with one reply")},
      {"another version",
       {.content_type = proto, .fields = {{"connect-protocol-version", "2"}}},
       error(400, "invalid_argument", R"(connect-protocol-version must be \"1\", not \"2\")")},
      {"trap 6: eleven digits of time-out",
       {.content_type = proto, .fields = {{"connect-timeout-ms", "10000000000"}}},
       error(400, "invalid_argument", R"(connect-timeout-ms: \"10000000000\" is not a time-out)")},
      {"no time left",
       {.content_type = proto, .fields = {{"connect-timeout-ms", "0"}}},
       error(504, "deadline_exceeded", "the call's deadline passed")},
      {"malformed compression",
       {.content_type = proto, .body = "rubbish", .fields = {{"content-encoding", "gzip"}}},
       error(400, "invalid_argument", "gzip data is malformed")},
      {"trap 5: unknown compression",
       {.content_type = proto, .body = "x", .fields = {{"content-encoding", "lzw"}}},
       R"(501 application/json; accept-encoding: zstd, br, gzip, deflate; | {"code":"unimplemented","message":"unknown compression \"lzw\": accepted are zstd, br, gzip, deflate"})"},
  };
  for (const auto& c : cases) EXPECT_EQ(reply_to(c.request), c.reply) << c.name;
  const std::string malformed = reply_to({.content_type = json, .body = "{", .fields = version_1});
  EXPECT_TRUE(malformed.starts_with(R"(400 application/json; | {"code":"invalid_argument","message":")")) << malformed;
}

TEST_F(ConnectEdgeTest, an_error_after_the_time_is_up) {
  EXPECT_EQ(reply_to({.content_type = proto, .body = text_message("wait"), .fields = {{"connect-timeout-ms", "1000"}}},
                     [&] { shard.advance(std::chrono::milliseconds(1100)); }),
            R"(504 application/json; | {"code":"deadline_exceeded","message":"the call's deadline passed"})");
  EXPECT_EQ(front.seen, "deadline_exceeded");
}

TEST_F(ConnectEdgeTest, limits) {
  options.max_message = 100;
  const std::string above = text_message(std::string(99, 'x'));
  const struct {
    std::string name;
    Request request;
    std::string status;
  } cases[] = {
      {"at the limit", {.content_type = proto, .body = text_message(std::string(98, 'x'))}, "200"},
      {"above it", {.content_type = proto, .body = above}, "429"},
      {"above it once decompressed",
       {.content_type = proto, .body = zipped(above), .fields = {{"content-encoding", "gzip"}}},
       "429"},
  };
  for (const auto& c : cases) {
    for (const std::size_t chunk : {0, 7}) EXPECT_EQ(reply_to(c.request, {}, chunk).substr(0, 3), c.status) << c.name;
  }
}

TEST_F(ConnectEdgeTest, what_is_no_call_gets_an_http_status) {
  const struct {
    std::string name;
    Request request;
    std::string reply;
  } cases[] = {
      {"DELETE", {.content_type = proto, .method = "DELETE"}, "405 ; allow: POST; | "},
      {"DELETE where GET is fine",
       {.path = "/test.Echo/Get", .content_type = proto, .method = "DELETE"},
       "405 ; allow: GET, POST; | "},
      {"GET of a method with side effects",
       {.path = "/test.Echo/Unary" + query("{}"), .content_type = "", .method = "GET"},
       "405 ; allow: POST; | "},
      {"unknown codec",
       {.content_type = "application/foo", .fields = version_1},
       "415 ; accept-post: application/proto, application/json; | "},
      {"unknown codec of a stream",
       {.path = "/test.Echo/Split", .content_type = "application/connect+foo"},
       "415 ; accept-post: application/connect+proto, application/connect+json; | "},
      {"a stream's type on a unary method",
       {.content_type = stream_proto},
       "415 ; accept-post: application/proto, application/json; | "},
      {"a unary type on a stream's method",
       {.path = "/test.Echo/Split", .content_type = proto},
       "415 ; accept-post: application/connect+proto, application/connect+json; | "},
      {"GET of a stream's type",
       {.path = "/test.Echo/Split", .content_type = stream_proto, .method = "GET"},
       "405 ; allow: POST; | "},
  };
  for (const auto& c : cases) EXPECT_EQ(reply_to(c.request), c.reply) << c.name;
}

TEST_F(ConnectEdgeTest, get) {
  const std::string path = "/test.Echo/Get";
  const std::string ok = R"(200 application/json; vary: accept-encoding; | {"text":"hi"})";
  std::string proto_base64;
  base64_encode(text_message("~~~"), proto_base64, Base64::url, false);
  std::string zipped_base64;
  base64_encode(zipped(R"({"text":"hi"})"), zipped_base64, Base64::url, true);
  const auto error = [](std::string_view message) {
    return "400 application/json; | {\"code\":\"invalid_argument\",\"message\":\"" + std::string(message) + "\"}";
  };
  const struct {
    std::string name, path, reply;
  } cases[] = {
      {"JSON", path + query(R"({"text":"hi"})"), ok},
      {"without a version", path + "?message=%7B%22text%22:%22hi%22%7D&encoding=json", ok},
      {"trap 7: proto in URL-safe base64", path + "?connect=v1&encoding=proto&base64=1&message=" + proto_base64,
       "200 application/proto; vary: accept-encoding; | ~~~"},
      {"compressed",
       path +
           "?connect=v1&encoding=json&base64=1&compression=gzip&message=" + wire::encode_query_component(zipped_base64),
       ok},
      {"an empty proto message", path + "?encoding=proto&message=", "200 application/proto; vary: accept-encoding; | "},
      {"version 2", path + "?connect=v2&encoding=json&message=%7B%7D",
       error(R"(the query's connect must be \"v1\", not \"v2\")")},
      {"no encoding", path + "?connect=v1&message=%7B%7D", error("the query has no encoding")},
      {"no message", path + "?connect=v1&encoding=json", error("the query has no message")},
      {"unknown encoding", path + "?encoding=xml&message=x",
       "415 ; accept-post: application/proto, application/json; | "},
      {"not base64", path + "?encoding=proto&message=%25&base64=1", error("the query's message is not base64")},
      {"a broken escape", path + "?encoding=json&message=%7",
       error("the query's message has a malformed percent-escape")},
      {"unknown compression", path + "?encoding=json&message=x&compression=lzw",
       R"(501 application/json; accept-encoding: zstd, br, gzip, deflate; | {"code":"unimplemented","message":"unknown compression \"lzw\": accepted are zstd, br, gzip, deflate"})"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(reply_to({.path = c.path, .content_type = "", .method = "GET"}), c.reply) << c.name;
}

TEST_F(ConnectEdgeTest, compression_of_replies) {
  options.compress_from = 10;
  const std::string message = text_message(std::string(100, 'z'));
  const struct {
    std::string name, accepted, encoding;
  } cases[] = {
      {"nothing accepted", "", ""},   {"gzip", "gzip", "gzip"},    {"by weight", "gzip;q=0.5, br", "br"},
      {"zstd", "gzip, zstd", "zstd"}, {"refused", "gzip;q=0", ""}, {"unknown", "lzw", ""},
  };
  for (const auto& c : cases) {
    Request request{.content_type = proto, .body = message};
    if (!c.accepted.empty()) request.fields.add("accept-encoding", c.accepted);
    FakeExchange exchange(head_of(request), 20);
    ConnectEdge edge(front, options);
    serve(shard, edge, exchange, request);
    EXPECT_EQ(exchange.head.fields.get("content-encoding"), c.encoding) << c.name;
    std::string plain;
    ASSERT_TRUE(wire::decompress(*wire::encoding_from_name(c.encoding), exchange.sent, {}, plain)) << c.name;
    EXPECT_EQ(plain, message) << c.name;
  }
}

TEST_F(ConnectEdgeTest, streams) {
  const struct {
    std::string name;
    Request request;
    std::string reply;
  } cases[] = {
      {"server stream",
       {.path = "/test.Echo/Split", .content_type = stream_proto, .body = text_frame("ab")},
       "200 application/connect+proto; | 0:a 0:b 2:{}"},
      {"server stream in JSON",
       {.path = "/test.Echo/Split", .content_type = stream_json, .body = framed(R"({"text":"ab"})")},
       R"(200 application/connect+json; | 0:{"text":"a"} 0:{"text":"b"} 2:{})"},
      {"client stream",
       {.path = "/test.Echo/Join", .content_type = stream_proto, .body = text_frame("a") + text_frame("b")},
       "200 application/connect+proto; | 0:ab 2:{}"},
      {"both",
       {.path = "/test.Echo/Chat", .content_type = stream_proto, .body = text_frame("a") + text_frame("b")},
       "200 application/connect+proto; | 0:a 0:b 2:{}"},
      {"both over HTTP/1.1",
       {.path = "/test.Echo/Chat", .content_type = stream_proto, .body = text_frame("a"), .http_version = 11},
       "200 application/connect+proto; | 0:a 2:{}"},
      {"metadata",
       {.path = "/test.Echo/Split",
        .content_type = stream_proto,
        .body = text_frame("meta"),
        .fields = {{"x-a", "1"}, {"x-b", "2"}, {"x-a", "3"}, {"x-raw-bin", "AAE="}}},
       R"(200 application/connect+proto; x-a: 1; x-b: 2; x-a: 3; x-raw-bin: AAE; | 0:m 0:e 0:t 0:a 2:{"metadata":{"x-trailing-a":["1","3"],"x-trailing-b":["2"],"x-trailing-raw-bin":["AAE"]}})"},
      {"an error at once",
       {.path = "/test.Echo/Split", .content_type = stream_proto, .body = text_frame("fail")},
       "200 application/connect+proto; | 2:{\"error\":" + not_found + "}"},
      {"an error after a reply",
       {.path = "/test.Echo/Split", .content_type = stream_json, .body = framed(R"({"text":"late"})")},
       R"(200 application/connect+json; | 0:{"text":"first"} 2:{"error":)" + not_found + "}"},
      {"unknown method",
       {.path = "/test.Echo/Nothing", .content_type = stream_proto},
       R"(200 application/connect+proto; | 2:{"error":{"code":"unimplemented","message":"the contract has no rpc /test.Echo/Nothing"}})"},
      {"trap 4: no request",
       {.path = "/test.Echo/Split", .content_type = stream_proto},
       R"(200 application/connect+proto; | 2:{"error":{"code":"unimplemented","message":"no request message where the method takes one"}})"},
      {"trap 5: unknown compression",
       {.path = "/test.Echo/Split", .content_type = stream_proto, .fields = {{"connect-content-encoding", "lzw"}}},
       R"(200 application/connect+proto; connect-accept-encoding: zstd, br, gzip, deflate; | 2:{"error":{"code":"unimplemented","message":"unknown compression \"lzw\": accepted are zstd, br, gzip, deflate"}})"},
      {"trap 5: compressed with identity",
       {.path = "/test.Echo/Split",
        .content_type = stream_proto,
        .body = framed("x", 1),
        .fields = {{"connect-content-encoding", "identity"}}},
       R"(200 application/connect+proto; | 2:{"error":{"code":"internal","message":"a message is marked as compressed, but the request names no encoding"}})"},
      {"trap 8: a client sends no end of stream",
       {.path = "/test.Echo/Chat", .content_type = stream_proto, .body = framed("{}", 2)},
       R"(200 application/connect+proto; | 2:{"error":{"code":"internal","message":"a message has unknown flags: 0x02"}})"},
      {"cut off",
       {.path = "/test.Echo/Join", .content_type = stream_proto, .body = text_frame("abc").substr(0, 3)},
       R"(200 application/connect+proto; | 2:{"error":{"code":"invalid_argument","message":"the request ends within a message"}})"},
  };
  for (const auto& c : cases) {
    for (const std::size_t chunk : {0, 1, 3})
      EXPECT_EQ(reply_to(c.request, {}, chunk), c.reply) << c.name << " in chunks of " << chunk;
  }
}

TEST_F(ConnectEdgeTest, a_client_that_goes_away_cancels_the_call) {
  const Request requests[] = {{.content_type = proto, .body = text_message("wait")},
                              {.path = "/test.Echo/Split", .content_type = stream_proto, .body = text_frame("wait")}};
  for (const Request& request : requests) {
    front.seen.clear();
    FakeExchange exchange(head_of(request), 20);
    ConnectEdge edge(front, options);
    serve(shard, edge, exchange, request, [&] { exchange.lose(); });
    EXPECT_EQ(front.seen, "canceled");
    EXPECT_FALSE(exchange.finished);
  }
}

TEST_F(ConnectEdgeTest, preflights_for_rpcs_are_answered) {
  options.cors = std::make_shared<net::Cors>(net::CorsConfig{.origins = {"https://shop.example"}, .headers = {}});
  const Request request{.content_type = "",
                        .fields = {{"origin", "https://shop.example"},
                                   {"access-control-request-method", "POST"},
                                   {"access-control-request-headers", "connect-protocol-version"}},
                        .method = "OPTIONS"};
  const std::string reply = reply_to(request);
  EXPECT_TRUE(reply.starts_with("204 ; ")) << reply;
  EXPECT_NE(reply.find("access-control-allow-origin: https://shop.example"), std::string::npos) << reply;
  EXPECT_NE(reply.find("connect-protocol-version"), std::string::npos) << reply;
}

TEST(ConnectJson, trap_8_codes_and_http_statuses) {
  const struct {
    Code code;
    int status;
    std::string_view name;
  } cases[] = {
      {Code::cancelled, 499, "canceled"},
      {Code::unknown, 500, "unknown"},
      {Code::invalid_argument, 400, "invalid_argument"},
      {Code::deadline_exceeded, 504, "deadline_exceeded"},
      {Code::not_found, 404, "not_found"},
      {Code::already_exists, 409, "already_exists"},
      {Code::permission_denied, 403, "permission_denied"},
      {Code::resource_exhausted, 429, "resource_exhausted"},
      {Code::failed_precondition, 400, "failed_precondition"},
      {Code::aborted, 409, "aborted"},
      {Code::out_of_range, 400, "out_of_range"},
      {Code::unimplemented, 501, "unimplemented"},
      {Code::internal, 500, "internal"},
      {Code::unavailable, 503, "unavailable"},
      {Code::data_loss, 500, "data_loss"},
      {Code::unauthenticated, 401, "unauthenticated"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(connect_http_status(c.code), c.status) << c.name;
    EXPECT_EQ(connect_error_json(Error(c.code, Blame::us, ""), nullptr), "{\"code\":\"" + std::string(c.name) + "\"}");
  }
}

TEST(ConnectJson, a_message_that_is_no_utf_8_is_still_json) {
  EXPECT_EQ(connect_error_json(Error(Code::internal, Blame::us, "a\xff\n"), nullptr),
            "{\"code\":\"internal\",\"message\":\"a\uFFFD\\n\"}");
}

}  // namespace
}  // namespace parley::edge::test
