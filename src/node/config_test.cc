#include "node/config.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::node {
namespace {

using testing::HasSubstr;

TEST(Config, ReadsEveryKindOfValue) {
  setenv("PARLEY_TEST_PORT", "7001", 1);
  const auto config = parse_config(R"(
contracts: [contracts, shared/contracts]
listen: 127.0.0.1:0
services:
  orders:
    serves: [shop.Orders]
    at: grpc://127.0.0.1:${PARLEY_TEST_PORT}
  payments:
    run: python3 payments.py
    at: grpc://127.0.0.1:7002
tls: {cert: a.pem, key: b.pem}
limits:
  message_bytes: 8MiB
  header_timeout: 250ms
cors: {origins: "https://shop.example", max_age: 0}
files: {folder: web/dist, at: /shop, immutable: assets}
messages: embedded
store: {segment_bytes: 16MiB}
)",
                                   "shop/parley.yaml");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->folder, "shop");
  EXPECT_EQ(config->contracts, (std::vector<std::string>{"contracts", "shared/contracts"}));
  EXPECT_EQ(config->services.at("orders").at, "grpc://127.0.0.1:7001");
  EXPECT_EQ(config->services.at("orders").serves, std::vector<std::string>{"shop.Orders"});
  EXPECT_EQ(config->services.at("payments").run, "python3 payments.py");
  EXPECT_EQ(config->tls.key, "b.pem");
  EXPECT_EQ(config->limits.message_bytes, 8 << 20);
  EXPECT_EQ(config->limits.header_timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(config->cors.origins, std::vector<std::string>{"https://shop.example"});
  EXPECT_EQ(config->cors.max_age, Duration::zero());
  EXPECT_EQ(config->store.segment_bytes, 16 << 20);
  EXPECT_EQ(config->files.folder, "web/dist");
  EXPECT_EQ(config->files.at, "/shop/");
}

TEST(Config, AnEmptyFileIsAllDefaults) {
  const auto config = parse_config("", "parley.yaml");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->listen, "127.0.0.1:8080");
}

struct Bad {
  const char* name;
  const char* text;
  std::vector<const char*> says;
};

TEST(Config, EveryMistakeIsNamedWithItsPlaceAndAHint) {
  unsetenv("PARLEY_TEST_UNSET");
  const Bad cases[] = {
      {"unknown key", "listn: x\n", {"p.yaml:1:1: unknown key 'listn'", "did you mean 'listen'?"}},
      {"unknown inner key",
       "services:\n  a:\n    at: grpc://h:1\n    server: [b]\n",
       {"p.yaml:4:5:", "in 'services.*'", "'serves'"}},
      {"two mistakes, both named",
       "foo_bar_baz: 1\nlimits: {message_bytes: lots}\n",
       {"p.yaml:1:1", "p.yaml:2:", "such as 4MiB", "'lots'"}},
      {"no address", "services: {a: {run: ls}}\n", {"service 'a' needs 'at'"}},
      {"a list where a text belongs", "listen: [a, b]\n", {"'listen' takes text"}},
      {"a negative number", "shards: -1\n", {"'shards' takes whole number"}},
      {"a duration without a unit", "timeouts: {drain: 30}\n", {"'timeouts.drain' takes duration, such as 30s"}},
      {"unset variable", "listen: ${PARLEY_TEST_UNSET}\n", {"'PARLEY_TEST_UNSET' is not set"}},
      {"broken YAML", "a: [1\n", {"p.yaml:"}},
      {"a text for a section", "limits: 7\n", {"'limits' is a list of keys"}},
      {"a place that is no path", "files: {folder: dist, at: shop}\n", {"'files.at' is a path, such as /shop/"}},
      {"a word that is none", "\n\npull_api: open\n", {"p.yaml:3: 'pull_api' is one of off, local, on; found 'open'"}},
      {"half a certificate", "tls: {cert: a}\n", {"go together"}},
      {"credentials for all", "cors: {origins: ['*'], credentials: true}\n", {"name the origins"}},
      {"a later issue's key", "events: kafka://h:1\n", {"'events' is not served yet"}},
      {"a backend of a queue that is none",
       "queues:\n  shop.Mailer/SendMail: {messages: pigeon}\n",
       {"p.yaml:2", "'shop.Mailer/SendMail'", "'pigeon' keeps no messages"}},
      {"a segment that is too small",
       "store:\n  segment_bytes: 64KiB\n",
       {"p.yaml:2", "'store.segment_bytes' is 1MiB to 1GiB; found 65536"}},
      {"a segment that is too large", "store: {segment_bytes: 2GiB}\n", {"'store.segment_bytes' is 1MiB to 1GiB"}},
      {"a segment that is no size", "store: {segment_bytes: big}\n", {"takes bytes, such as 64MiB", "'big'"}},
      {"a key of the store that is none", "store: {segment_byte: 1MiB}\n", {"did you mean 'segment_bytes'?"}},
      {"a backend that is none", "\nmessages: pigeon://h:1\n", {"p.yaml:2", "'pigeon' keeps no messages", "embedded"}},
  };
  for (const Bad& c : cases) {
    const auto config = parse_config(c.text, "p.yaml");
    ASSERT_FALSE(config.has_value()) << c.name;
    for (const char* part : c.says) EXPECT_THAT(config.error().message(), HasSubstr(part)) << c.name;
  }
}

TEST(Config, SchemaNamesEveryKeyAndServiceNamesAreFree) {
  const std::string schema = config_schema();
  for (const char* part :
       {"\"listen\"", "\"message_bytes\"", "\"serves\"", "\"additionalProperties\":{\"type\":\"object\""}) {
    EXPECT_THAT(schema, HasSubstr(part));
  }
}

}  // namespace
}  // namespace parley::node
