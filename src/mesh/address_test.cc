#include "mesh/address.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace parley::mesh {
namespace {

// "grpc tls h2 host:port host:port /base"
std::string shown(const ClusterConfig& config) {
  std::string out = config.protocol == Protocol::grpc ? "grpc" : "http";
  if (config.origins.front().tls) out += " tls";
  if (config.origins.front().http2) out += " h2";
  for (const net::Origin& origin : config.origins) out += fmt::format(" {}|{}", origin.host, origin.port);
  if (!config.base_path.empty()) out += " " + config.base_path;
  return out;
}

TEST(Address, WhatAnAddressMeans) {
  struct Case {
    std::string_view text;
    std::string_view means;  // or a part of the error, after '!'
  };
  const Case cases[] = {
      {"grpc://127.0.0.1:7001", "grpc h2 127.0.0.1|7001"},
      {"grpc://a:1,b:2,c:3", "grpc h2 a|1 b|2 c|3"},
      {"grpcs://orders.example:443", "grpc tls h2 orders.example|443"},
      {"grpc://[::1]:7001", "grpc h2 ::1|7001"},
      {"grpc://a:1/", "grpc h2 a|1"},
      {"http://catalog", "http catalog|80"},
      {"https://catalog", "http tls catalog|443"},
      {"https://[fe80::1]", "http tls fe80::1|443"},
      {"http://catalog:7003/api/v2/", "http catalog|7003 /api/v2"},
      {"http://a,b:81/x", "http a|80 b|81 /x"},

      {"127.0.0.1:7001", "!has no scheme"},
      {"", "!has no scheme"},
      {"grcp://a:1", "!unknown scheme"},
      {"GRPC://a:1", "!unknown scheme"},
      {"grpc://a", "!has no port: write grpc://a:PORT"},
      {"grpc://a:", "!port"},
      {"grpc://a:0", "!port"},
      {"grpc://a:65536", "!port"},
      {"grpc://a:7x", "!port"},
      {"grpc://a:-1", "!port"},
      {"grpc://", "!has no host"},
      {"grpc://:7001", "!has no host"},
      {"grpc://a:1,", "!has no host"},
      {"grpc://::1:7001", "!has no host"},
      {"grpc://fe80::1:7001", "!without brackets"},
      {"grpc://[::1", "!not closed"},
      {"grpc://[]:1", "!no IPv6"},
      {"grpc://[host]:1", "!no IPv6"},
      {"grpc://[::1]7001", "!after its bracket"},
      {"grpc://a b:1", "!characters"},
      {"grpc://a:1/path", "!gRPC cannot use"},
      {"http://user:secret@a", "!user name"},
      {"http://a/x?y=1", "!query"},
      {"http://a/\x01", "!escaped"},
  };
  for (const Case& c : cases) {
    const auto config = parse_addresses(c.text);
    if (c.means.starts_with('!')) {
      ASSERT_FALSE(config.has_value()) << c.text;
      EXPECT_NE(config.error().message().find(c.means.substr(1)), std::string::npos) << config.error().message();
      EXPECT_EQ(config.error().code(), Code::invalid_argument);
    } else {
      ASSERT_TRUE(config.has_value()) << c.text << ": " << config.error().text();
      EXPECT_EQ(shown(*config), c.means) << c.text;
    }
  }
}

}  // namespace
}  // namespace parley::mesh
