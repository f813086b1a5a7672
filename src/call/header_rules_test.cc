#include "call/header_rules.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(HeaderRules, WhichPassAndWhichStop) {
  struct Case {
    std::string_view name;
    bool request;
    bool reply;
  };
  const Case cases[] = {
      {"authorization", true, true},  // the service may check it itself
      {"cookie", true, true},
      {"x-tenant", true, true},
      {"shop-token-bin", true, true},
      {"traceparent", true, false},
      {"x-forwarded-for", true, false},
      {"x-forwarded-client-cert", false, false},
      {"connection", false, false},
      {"te", false, false},
      {"transfer-encoding", false, false},
      {"proxy-authorization", false, false},
      {"upgrade", false, false},
      {"content-length", false, false},
      {"content-type", false, false},
      {"grpc-timeout", false, false},
      {"grpc-status", false, false},
      {"grpc-anything-new", false, false},
      {"connect-timeout-ms", false, false},
      {"connection-id", true, true},  // not hop-by-hop, only similar
      {":authority", false, false},
      {"host", false, false},
      {"access-control-allow-origin", false, false},
      {"sec-websocket-key", false, false},
      {"parley-subject", false, false},
      {"x-parley-subject", false, false},
      {"parley-message-id", false, false},  // a caller cannot pose as a delivery
      {"parley-attempt", false, false},
      {"parley-delay", true, false},
      {"parley-due", true, false},
      {"etag", true, true},
      {"set-cookie", true, true},
      {"", false, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(passes(c.name, Direction::request), c.request) << c.name;
    EXPECT_EQ(passes(c.name, Direction::reply), c.reply) << c.name;
  }
}

TEST(HeaderRules, EveryRowOfTheTableIsFoundAsWritten) {
  for (const HeaderRule& rule : header_rules()) {
    std::string name(rule.name);
    if (name.back() == '*') name.back() = 'z';
    EXPECT_EQ(passes(name, Direction::request), rule.request) << rule.name;
    EXPECT_EQ(passes(name, Direction::reply), rule.reply) << rule.name;
    EXPECT_FALSE(rule.why.empty()) << rule.name;
  }
}

TEST(HeaderRules, AnUpstreamHearsOfADelivery) {
  for (const char* name : {"parley-message-id", "parley-attempt", "parley-key", "parley-queue", "parley-topic",
                           "parley-group", "x-tenant", "traceparent"})
    EXPECT_TRUE(passes_upstream(name)) << name;
  for (const char* name : {"parley-subject", "parley-", "parley-key-2", "host", "grpc-timeout", ""})
    EXPECT_FALSE(passes_upstream(name)) << name;
}

TEST(HeaderRules, CopyKeepsOrderAndRepeats) {
  const Fields from{{"b", "1"}, {"te", "trailers"}, {"a", "2"}, {"b", "3"}};
  Fields to;
  copy_passing(from, Direction::request, to);
  ASSERT_EQ(to.size(), 3U);
  EXPECT_EQ(to[0].name, "b");
  EXPECT_EQ(to[1].value, "2");
  EXPECT_EQ(to[2].value, "3");
}

}  // namespace
}  // namespace parley
