#include "edge/rest/documents.h"

#include "edge/rest/rest_fixture.h"

namespace parley::edge::rest {
namespace {

TEST(Documents, OpenApiInEveryCoding) {
  RestBench bench;
  const std::string whole = bench.ask("GET", "/openapi.json").text();
  EXPECT_NE(whole.find("\"/v1/get/{name}\""), std::string::npos);
  for (const std::string_view coding : {"", "gzip", "br", "zstd", "gzip"}) {
    const TestExchange& exchange = bench.ask("GET", "/openapi.json", {{"accept-encoding", coding}});
    EXPECT_EQ(exchange.head().status, 200);
    EXPECT_EQ(exchange.header("content-type"), "application/json");
    EXPECT_EQ(exchange.header("content-encoding"), coding);
    EXPECT_EQ(exchange.header("content-length"), std::to_string(exchange.text().size()));
    std::string text;
    ASSERT_TRUE(wire::decompress(*wire::encoding_from_name(coding), exchange.text(), {}, text));
    EXPECT_EQ(text, whole);
  }
  const TestExchange& head = bench.ask("HEAD", "/openapi.json");
  EXPECT_EQ(head.header("content-length"), std::to_string(whole.size()));
  EXPECT_EQ(head.text(), "");
}

TEST(Documents, AReferencePage) {
  RestBench bench;
  const TestExchange& exchange = bench.ask("GET", "/docs");
  EXPECT_EQ(exchange.head().status, 200);
  EXPECT_EQ(exchange.header("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(exchange.header("content-security-policy").find("default-src 'none'"), std::string::npos);
  EXPECT_NE(exchange.text().find("openapi.json"), std::string::npos);
}

TEST(Documents, OnlyWhereTheyAreWanted) {
  RestBench bench;
  EXPECT_EQ(bench.ask("POST", "/openapi.json").head().status, 404);
  RestBench without(RestOptions{.documents = false});
  EXPECT_EQ(without.ask("GET", "/openapi.json").head().status, 404);
}

}  // namespace
}  // namespace parley::edge::rest
