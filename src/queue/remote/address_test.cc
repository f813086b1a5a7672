#include "queue/remote/address.h"

#include <gtest/gtest.h>

namespace parley::queue::remote {
namespace {

std::string described(std::string_view text) {
  const auto address = parse_address(text, "/etc/parley");
  if (!address) return "refused";
  std::string out;
  for (const net::Origin& origin : address->origins) {
    out += origin.host + "|" + std::to_string(origin.port) + (origin.tls ? "|tls" : "") +
           (origin.tls_config.ca_file.empty() ? "" : "|" + origin.tls_config.ca_file) + " ";
    EXPECT_TRUE(origin.http2);
  }
  return out;
}

TEST(ParleyAddress, parts) {
  const struct {
    const char* text;
    const char* parts;
  } cases[] = {
      {"parley://keeper:8080", "keeper|8080 "},
      {"parley://10.0.0.1:8080/", "10.0.0.1|8080 "},
      {"parley://[::1]:8080,keeper-2:9", "::1|8080 keeper-2|9 "},
      {"parleys://keeper:8443?ca=ca.pem", "keeper|8443|tls|/etc/parley/ca.pem "},
      {"parleys://keeper:8443?ca=/ca.pem&cert=c.pem&key=k.pem", "keeper|8443|tls|/ca.pem "},
      {"parley://keeper:8443?ca=ca.pem", "refused"},
      {"parleys://keeper:8443?retries=3", "refused"},
      {"parley://keeper", "refused"},
      {"parley://keeper:0", "refused"},
      {"parley://keeper:65536", "refused"},
      {"parley://:8080", "refused"},
      {"parley://", "refused"},
      {"parley://a:1,", "refused"},
      {"parley://user@a:1", "refused"},
      {"parley://a:1/path", "refused"},
      {"grpc://keeper:8080", "refused"},
  };
  for (const auto& c : cases) EXPECT_EQ(described(c.text), c.parts) << c.text;
}

TEST(ParleyAddress, a_password_is_not_repeated) {
  for (const char* text : {"parley://user:hush@keeper:8080", "parleys://user:hush@keeper:8443?retries=3",
                           "parleys://keeper:8443?password=hush", "parley://user:hu?sh@keeper:8080"}) {
    const auto address = parse_address(text, "/");
    ASSERT_FALSE(address.has_value()) << text;
    for (const char* part : {"hush", "hu?", "sh@"})
      EXPECT_EQ(address.error().message().find(part), std::string::npos) << address.error().message();
  }
}

}  // namespace
}  // namespace parley::queue::remote
