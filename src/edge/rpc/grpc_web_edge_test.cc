// The gRPC-Web edge: what differs from gRPC. The rest is the same code (grpc_edge_test.cc).
#include <gtest/gtest.h>

#include "edge/rpc/edge_test_kit.h"
#include "edge/rpc/rpc_edges.h"
#include "wire/base64.h"

namespace parley::edge::test {
namespace {

std::string base64(std::string_view bytes) {
  std::string text;
  base64_encode(bytes, text);
  return text;
}

class GrpcWebEdgeTest : public testing::Test {
 protected:
  GrpcWebEdgeTest() { shard.use_fake_time(); }

  // "status content-type; head-fields | frames"
  std::string reply_to(const Request& request, std::size_t chunk = 0) {
    FakeExchange exchange(head_of(request), request.http_version);
    GrpcWebEdge edge(front, options);
    EXPECT_TRUE(edge.takes(exchange.request()));
    serve(shard, edge, exchange, request, {}, chunk);
    EXPECT_TRUE(exchange.finished);
    EXPECT_TRUE(exchange.trailers.empty());
    std::string body = exchange.sent;
    if (request.content_type.find("text") != std::string::npos) {
      body.clear();
      wire::Base64StreamDecoder decoder;
      EXPECT_TRUE(decoder.write(exchange.sent, body));
      EXPECT_TRUE(decoder.is_complete());
    }
    return std::to_string(exchange.head.status) + " " + std::string(exchange.head.fields.get("content-type")) + "; " +
           show_fields(exchange.head.fields) + "| " + show_frames(body);
  }

  Shard shard;
  TestFront front;
  RpcOptions options;
};

TEST_F(GrpcWebEdgeTest, trailers_are_a_frame_of_the_body) {
  const std::string ok = "128:grpc-status:0\r\n";
  const std::string proto = "application/grpc-web+proto";
  const std::string text = "application/grpc-web-text";
  const struct {
    std::string name;
    Request request;
    std::string reply;
  } cases[] = {
      {"unary", {.content_type = proto, .body = text_frame("hi")}, "200 " + proto + "; | 0:hi " + ok},
      {"over HTTP/1.1",
       {.content_type = proto, .body = text_frame("hi"), .http_version = 11},
       "200 " + proto + "; | 0:hi " + ok},
      {"without a sub-format",
       {.content_type = "application/grpc-web", .body = text_frame("hi")},
       "200 application/grpc-web; | 0:hi " + ok},
      {"server stream",
       {.path = "/test.Echo/Split", .content_type = proto, .body = text_frame("ab")},
       "200 " + proto + "; | 0:a 0:b " + ok},
      {"client stream",
       {.path = "/test.Echo/Join", .content_type = proto, .body = text_frame("a") + text_frame("b")},
       "200 " + proto + "; | 0:ab " + ok},
      {"JSON",
       {.content_type = "application/grpc-web+json", .body = framed(R"({"text":"hi"})")},
       R"(200 application/grpc-web+json; | 0:{"text":"hi"} )" + ok},
      {"text", {.content_type = text, .body = base64(text_frame("hi"))}, "200 " + text + "; | 0:hi " + ok},
      {"trap 7: text in parts, each padded",
       {.path = "/test.Echo/Join", .content_type = text, .body = base64(text_frame("a")) + base64(text_frame("b"))},
       "200 " + text + "; | 0:ab " + ok},
      {"text of a stream",
       {.path = "/test.Echo/Split",
        .content_type = "application/grpc-web-text+proto",
        .body = base64(text_frame("abc"))},
       "200 application/grpc-web-text+proto; | 0:a 0:b 0:c " + ok},
      {"an error after a reply",
       {.path = "/test.Echo/Split", .content_type = proto, .body = text_frame("late")},
       "200 " + proto +
           "; | 0:first 128:grpc-status:5\r\ngrpc-message:no such \"thing\"\r\ngrpc-status-details-bin:"
           "CAUSD25vIHN1Y2ggInRoaW5nIhomCh10eXBlLmdvb2dsZWFwaXMuY29tL3Rlc3QuVGV4dBIFCgN3aHk\r\n"},
  };
  for (const auto& c : cases) {
    for (const std::size_t chunk : {0, 1, 3})
      EXPECT_EQ(reply_to(c.request, chunk), c.reply) << c.name << " in chunks of " << chunk;
  }
}

TEST_F(GrpcWebEdgeTest, trap_1_a_status_alone_stands_in_the_headers) {
  const std::string proto = "application/grpc-web+proto";
  const struct {
    std::string name;
    Request request;
    std::string status;
  } cases[] = {
      {"unknown method", {.path = "/test.Echo/Nothing", .content_type = proto}, "12"},
      {"no request message", {.content_type = proto}, "12"},
      {"an error of the service", {.content_type = proto, .body = text_frame("fail")}, "5"},
      {"text that is not base64", {.content_type = "application/grpc-web-text", .body = "%%%%"}, "3"},
      {"text cut off in a group",
       {.content_type = "application/grpc-web-text", .body = base64(text_frame("hi")) + "AA"},
       "3"},
      {"unknown compression",
       {.content_type = proto, .body = text_frame("x"), .fields = {{"grpc-encoding", "lzw"}}},
       "12"},
  };
  for (const auto& c : cases) {
    FakeExchange exchange(head_of(c.request), 20);
    GrpcWebEdge edge(front, options);
    serve(shard, edge, exchange, c.request);
    EXPECT_EQ(exchange.head.fields.get("grpc-status"), c.status) << c.name;
    EXPECT_EQ(exchange.head.status, 200) << c.name;
    EXPECT_EQ(exchange.sent, "") << c.name;
  }
}

TEST_F(GrpcWebEdgeTest, what_is_no_call_gets_an_http_status) {
  EXPECT_TRUE(
      reply_to({.content_type = "application/grpc-web+thrift"}).starts_with("415 ; accept-post: application/grpc-web"));
  EXPECT_EQ(reply_to({.content_type = "application/grpc-web", .method = "DELETE"}), "405 ; allow: POST; | ");
}

TEST_F(GrpcWebEdgeTest, who_accepts_compression_gets_it) {
  options.compress_from = 10;
  const std::string reply = reply_to({.content_type = "application/grpc-web",
                                      .body = text_frame(std::string(100, 'z')),
                                      .fields = {{"grpc-accept-encoding", "gzip"}}});
  EXPECT_TRUE(reply.starts_with("200 application/grpc-web; grpc-encoding: gzip; | 1:")) << reply;
}

TEST_F(GrpcWebEdgeTest, pages_of_other_origins_may_read_the_status) {
  options.cors = std::make_shared<net::Cors>(net::CorsConfig{.origins = {"https://shop.example"}, .headers = {}});
  const Request request{.path = "/test.Echo/Nothing",
                        .content_type = "application/grpc-web",
                        .fields = {{"origin", "https://shop.example"}}};
  FakeExchange exchange(head_of(request), 20);
  GrpcWebEdge edge(front, options);
  serve(shard, edge, exchange, request);
  EXPECT_EQ(exchange.head.fields.get("access-control-allow-origin"), "https://shop.example");
  EXPECT_NE(exchange.head.fields.get("access-control-expose-headers").find("grpc-status"), std::string_view::npos);
}

}  // namespace
}  // namespace parley::edge::test
