// The gRPC edge: requests in, replies out, as tables. The handlers do what the text of the message says
// (edge_test_kit.h).
#include <gtest/gtest.h>

#include "edge/rpc/edge_test_kit.h"
#include "edge/rpc/rpc_edges.h"
#include "wire/compression.h"

namespace parley::edge::test {
namespace {

constexpr std::string_view detail_status =
    "CAUSD25vIHN1Y2ggInRoaW5nIhomCh10eXBlLmdvb2dsZWFwaXMuY29tL3Rlc3QuVGV4dBIFCgN3aHk";

std::string not_found() {
  return "grpc-status: 5; grpc-message: no such \"thing\"; grpc-status-details-bin: " + std::string(detail_status) +
         "; ";
}

std::string zipped(std::string_view text) {
  std::string out;
  wire::compress(wire::Encoding::gzip, text, out);
  return out;
}

class GrpcEdgeTest : public testing::Test {
 protected:
  GrpcEdgeTest() { shard.use_fake_time(); }

  // "status head-fields | frames | trailers"
  std::string reply_to(const Request& request, const Meanwhile& meanwhile = {}, std::size_t chunk = 0) {
    FakeExchange exchange(head_of(request), request.http_version);
    GrpcEdge edge(front, options);
    EXPECT_TRUE(edge.takes(exchange.request()));
    serve(shard, edge, exchange, request, meanwhile, chunk);
    if (!exchange.has_responded()) return "nothing";
    if (exchange.head.status == 200) EXPECT_EQ(exchange.head.fields.get("content-type"), request.content_type);
    return std::to_string(exchange.head.status) + " " + show_fields(exchange.head.fields) + "| " +
           show_frames(exchange.sent) + " | " + show_fields(exchange.trailers);
  }

  Shard shard;
  TestFront front;
  RpcOptions options;
};

TEST_F(GrpcEdgeTest, calls_of_all_four_kinds) {
  const struct {
    std::string name, path, body, reply;
  } cases[] = {
      {"unary", "/test.Echo/Unary", text_frame("hi"), "200 | 0:hi | grpc-status: 0; "},
      {"unary with an empty message", "/test.Echo/Unary", framed(""), "200 | 0: | grpc-status: 0; "},
      {"server stream", "/test.Echo/Split", text_frame("abc"), "200 | 0:a 0:b 0:c | grpc-status: 0; "},
      {"server stream without a reply", "/test.Echo/Split", framed(""), "200 |  | grpc-status: 0; "},
      {"client stream", "/test.Echo/Join", text_frame("a") + text_frame("b"), "200 | 0:ab | grpc-status: 0; "},
      {"client stream without a request", "/test.Echo/Join", "", "200 | 0: | grpc-status: 0; "},
      {"both", "/test.Echo/Chat", text_frame("a") + text_frame("b"), "200 | 0:a 0:b | grpc-status: 0; "},
      {"both, with nothing", "/test.Echo/Chat", "", "200 |  | grpc-status: 0; "},
      {"a big reply", "/test.Echo/Unary", text_frame("big"),
       "200 | 0:" + std::string(1 << 20, 'x') + " | grpc-status: 0; "},
      {"a big reply of a stream", "/test.Echo/Split", text_frame("big"),
       "200 | 0:" + std::string(1 << 20, 'x') + " | grpc-status: 0; "},
  };
  for (const auto& c : cases) {
    for (const std::size_t chunk : {0, 1, 3}) {
      EXPECT_EQ(reply_to({.path = c.path, .body = c.body}, {}, chunk), c.reply) << c.name << " in chunks of " << chunk;
    }
  }
}

TEST_F(GrpcEdgeTest, errors_of_the_service) {
  const struct {
    std::string name, path, text, reply;
  } cases[] = {
      {"a unary error is Trailers-Only", "/test.Echo/Unary", "fail", "200 " + not_found() + "|  | "},
      {"a stream's error before its first reply is Trailers-Only", "/test.Echo/Split", "fail",
       "200 " + not_found() + "|  | "},
      {"a stream's error after a reply", "/test.Echo/Split", "late", "200 | 0:first | " + not_found()},
      {"a unary error after a reply", "/test.Echo/Unary", "late", "200 " + not_found() + "|  | "},
      {"success without a reply", "/test.Echo/Unary", "none",
       "200 grpc-status: 12; grpc-message: the service sent no reply to a call with one reply; |  | "},
      {"two replies", "/test.Echo/Unary", "two",
       "200 grpc-status: 12; grpc-message: the service sent two replies to a call with one reply; |  | "},
  };
  for (const auto& c : cases) EXPECT_EQ(reply_to({.path = c.path, .body = text_frame(c.text)}), c.reply) << c.name;
}

TEST_F(GrpcEdgeTest, requests_that_are_wrong) {
  const auto only = [](std::string number, std::string message) {
    return "200 grpc-status: " + std::move(number) + "; grpc-message: " + std::move(message) + "; |  | ";
  };
  const struct {
    std::string name;
    Request request;
    std::string reply;
  } cases[] = {
      {"unknown method",
       {.path = "/test.Echo/Nothing", .body = text_frame("hi")},
       only("12", "the contract has no rpc /test.Echo/Nothing")},
      {"unknown service", {.path = "/a/b/c?d", .body = ""}, only("12", "the contract has no rpc /a/b/c")},
      {"trap 4: no request message", {.body = ""}, only("12", "no request message where the method takes one")},
      {"trap 4: two request messages",
       {.body = text_frame("a") + text_frame("b")},
       only("12", "two request messages where the method takes one")},
      {"trap 4: two on a server stream",
       {.path = "/test.Echo/Split", .body = text_frame("a") + text_frame("b")},
       only("12", "two request messages where the method takes one")},
      {"cut off in a message", {.body = text_frame("hi").substr(0, 7)}, only("3", "the request ends within a message")},
      {"cut off on a stream",
       {.path = "/test.Echo/Chat", .body = text_frame("hi").substr(0, 7)},
       only("3", "the request ends within a message")},
      {"unknown flags", {.body = framed("x", 0x02)}, only("13", "a message has unknown flags: 0x02")},
      {"trap 5: compressed without an encoding",
       {.body = framed("x", 1)},
       only("13", "a message is marked as compressed, but the request names no encoding")},
      {"trap 5: compressed with identity",
       {.body = framed("x", 1), .fields = {{"grpc-encoding", "identity"}}},
       only("13", "a message is marked as compressed, but the request names no encoding")},
      {"trap 5: unknown encoding",
       {.body = text_frame("x"), .fields = {{"grpc-encoding", "snappy"}}},
       "200 grpc-accept-encoding: zstd, br, gzip, deflate; grpc-status: 12; grpc-message: unknown compression "
       "\"snappy\": accepted are zstd, br, gzip, deflate; |  | "},
      {"malformed compression",
       {.body = framed("rubbish", 1), .fields = {{"grpc-encoding", "gzip"}}},
       only("3", "gzip data is malformed")},
      {"malformed -bin metadata",
       {.body = text_frame("x"), .fields = {{"key-bin", "%%"}}},
       only("3", "the value of key-bin is not base64")},
      {"trap 6: nine digits of time-out",
       {.body = text_frame("x"), .fields = {{"grpc-timeout", "100000000n"}}},
       only("3", "grpc-timeout: \"100000000n\" is not a time-out")},
      {"no time left",
       {.body = text_frame("x"), .fields = {{"grpc-timeout", "0m"}}},
       only("4", "the call's deadline passed")},
      {"not JSON", {.content_type = "application/grpc+json", .body = framed("{")}, ""},
  };
  for (const auto& c : cases) {
    const int calls = front.calls;
    const std::string reply = reply_to(c.request);
    if (c.reply.empty()) {
      EXPECT_TRUE(reply.starts_with("200 grpc-status: 3; ")) << c.name << ": " << reply;
    } else {
      EXPECT_EQ(reply, c.reply) << c.name;
    }
    if (!c.request.path.ends_with("Chat")) EXPECT_EQ(front.calls, calls) << c.name << ": no handler got a message";
  }
}

TEST_F(GrpcEdgeTest, a_method_whose_way_of_talking_is_not_there_yet) {
  const std::string reply = reply_to({.path = "/test.Book/Later", .body = text_frame("x")});
  EXPECT_TRUE(reply.starts_with("200 grpc-status: 12; grpc-message: (parley.aggregate) is not served yet")) << reply;
}

TEST_F(GrpcEdgeTest, what_is_no_grpc_at_all_gets_an_http_status) {
  const struct {
    std::string name;
    Request request;
    std::string reply;
  } cases[] = {
      {"GET", {.method = "GET"}, "405 allow: POST; |  | "},
      {"an unknown sub-format",
       {.content_type = "application/grpc+thrift"},
       "415 accept-post: application/grpc, application/grpc+proto, application/grpc+json; |  | "},
      {"HTTP/1.1", {.http_version = 11}, "505 |  | "},
  };
  for (const auto& c : cases) EXPECT_EQ(reply_to(c.request), c.reply) << c.name;
}

TEST_F(GrpcEdgeTest, takes_its_own_content_types_only) {
  const GrpcEdge edge(front, options);
  const struct {
    std::string content_type;
    bool takes;
  } cases[] = {{"application/grpc", true},
               {"application/grpc+proto", true},
               {"Application/gRPC; charset=x", true},
               {"application/grpc+thrift", true},
               {"application/grpc-web", false},
               {"application/grpc-web-text+proto", false},
               {"application/json", false},
               {"application/proto", false},
               {"application/connect+proto", false},
               {"", false}};
  for (const auto& c : cases)
    EXPECT_EQ(edge.takes(head_of({.content_type = c.content_type})), c.takes) << c.content_type;
}

TEST_F(GrpcEdgeTest, metadata_both_ways) {
  const Fields sent = {{"x-text", "one"},          {"x-text", "two"},      {"x-raw-bin", "AAE"},
                       {"x-list-bin", "YQ==,YWI"}, {"grpc-timeout", "1H"}, {"te", "trailers"},
                       {"user-agent", "test"},     {"x-grpc-web", "1"},    {"authorization", "abc"}};
  EXPECT_EQ(
      reply_to({.body = text_frame("meta"), .fields = sent}),
      "200 x-text: one; x-text: two; x-raw-bin: AAE; x-list-bin: YQ; x-list-bin: YWI; | 0:meta | "
      "grpc-status: 0; x-trailing-text: one; x-trailing-text: two; x-trailing-raw-bin: AAE; x-trailing-list-bin: YQ; "
      "x-trailing-list-bin: YWI; ");
}

TEST_F(GrpcEdgeTest, compression) {
  options.compress_from = 8;
  const std::string long_text(100, 'z');
  const struct {
    std::string name;
    Request request;
    std::string reply;
  } cases[] = {
      {"a compressed request, nothing accepted",
       {.body = framed(zipped(text_message(long_text)), 1), .fields = {{"grpc-encoding", "gzip"}}},
       "200 | 0:" + long_text + " | grpc-status: 0; "},
      {"a compressed request is answered compressed",
       {.body = framed(zipped(text_message(long_text)), 1),
        .fields = {{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "identity,gzip"}}},
       "200 grpc-encoding: gzip; | 1:" + zipped(text_message(long_text)) + " | grpc-status: 0; "},
      {"a small reply stays plain",
       {.body = text_frame("hi"), .fields = {{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "gzip"}}},
       "200 grpc-encoding: gzip; | 0:hi | grpc-status: 0; "},
      {"who does not compress gets plain replies",
       {.body = text_frame(long_text), .fields = {{"grpc-accept-encoding", "gzip"}}},
       "200 | 0:" + long_text + " | grpc-status: 0; "},
      {"trap 5: an empty payload is never decompressed",
       {.body = framed("", 1), .fields = {{"grpc-encoding", "gzip"}}},
       "200 | 0: | grpc-status: 0; "},
  };
  for (const auto& c : cases) EXPECT_EQ(reply_to(c.request), c.reply) << c.name;
}

TEST_F(GrpcEdgeTest, limits_of_messages) {
  options.max_message = 100;
  const std::string at_limit = text_message(std::string(98, 'x'));
  const std::string above = text_message(std::string(99, 'x'));
  const struct {
    std::string name;
    Request request;
    std::string status;
  } cases[] = {
      {"at the limit", {.body = framed(at_limit)}, "0"},
      {"above it", {.body = framed(above)}, "8"},
      {"above it on a stream", {.path = "/test.Echo/Join", .body = framed(above)}, "8"},
      {"at the limit once decompressed",
       {.body = framed(zipped(at_limit), 1), .fields = {{"grpc-encoding", "gzip"}}},
       "0"},
      {"trap 5: above it once decompressed",
       {.body = framed(zipped(above), 1), .fields = {{"grpc-encoding", "gzip"}}},
       "8"},
  };
  for (const auto& c : cases) {
    const std::string reply = reply_to(c.request);
    EXPECT_NE(reply.find("grpc-status: " + c.status + ";"), std::string::npos) << c.name << ": " << reply;
  }
}

TEST_F(GrpcEdgeTest, json_messages) {
  EXPECT_EQ(
      reply_to({.content_type = "application/grpc+json", .body = framed(R"({"text":"hi","number":"7","unknown":1})")}),
      R"(200 | 0:{"text":"hi","number":"7"} | grpc-status: 0; )");
}

TEST_F(GrpcEdgeTest, deadlines) {
  const struct {
    std::string name;
    Request request;
  } cases[] = {
      {"of a unary call", {.body = text_frame("wait"), .fields = {{"grpc-timeout", "1S"}}}},
      {"of a stream", {.path = "/test.Echo/Split", .body = text_frame("wait"), .fields = {{"grpc-timeout", "1S"}}}},
      {"of a chat",
       {.path = "/test.Echo/Chat", .body = text_frame("wait"), .fields = {{"grpc-timeout", "1S"}}, .ends = false}},
      {"while the request is awaited", {.body = "", .fields = {{"grpc-timeout", "1S"}}, .ends = false}},
  };
  for (const auto& c : cases) {
    front.seen.clear();
    EXPECT_EQ(reply_to(c.request, [&] { shard.advance(std::chrono::milliseconds(1100)); }),
              "200 grpc-status: 4; grpc-message: the call's deadline passed; |  | ")
        << c.name;
    if (!c.request.body.empty()) EXPECT_EQ(front.seen, "deadline_exceeded") << c.name;
  }
}

TEST_F(GrpcEdgeTest, a_client_that_goes_away_cancels_the_call) {
  for (const std::string path : {"/test.Echo/Unary", "/test.Echo/Split", "/test.Echo/Chat"}) {
    front.seen.clear();
    const Request request{.path = path, .body = text_frame("wait"), .ends = !path.ends_with("Chat")};
    FakeExchange exchange(head_of(request), request.http_version);
    GrpcEdge edge(front, options);
    serve(shard, edge, exchange, request, [&] { exchange.lose(); });
    EXPECT_EQ(front.seen, "canceled") << path;
    EXPECT_FALSE(exchange.finished) << path;
  }
}

TEST_F(GrpcEdgeTest, a_call_may_end_before_its_requests_do) {
  EXPECT_EQ(reply_to({.path = "/test.Echo/Chat", .body = text_frame("fail"), .ends = false}),
            "200 " + not_found() + "|  | ");
  EXPECT_EQ(reply_to({.path = "/test.Echo/Chat", .body = text_frame("late"), .ends = false}),
            "200 | 0:first | " + not_found());
  EXPECT_EQ(reply_to({.path = "/test.Echo/Join", .body = text_frame("fail"), .ends = false}),
            "200 " + not_found() + "|  | ");
}

}  // namespace
}  // namespace parley::edge::test
