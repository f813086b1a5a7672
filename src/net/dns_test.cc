#include "net/dns.h"

#include <gtest/gtest.h>

#include "loop/shard.h"
#include "net/fake_name_server.h"

namespace parley::net {
namespace {

TEST(Dns, LiteralsNeedNoServer) {
  struct Case {
    std::string host;
    std::string text;
  };
  const Case cases[] = {
      {"127.0.0.1", "127.0.0.1:80"}, {"::1", "[::1]:80"}, {"[::1]", "[::1]:80"}, {"1.2.3", ""}, {"", ""}};
  for (const Case& c : cases) {
    SocketAddress address;
    const bool literal = SocketAddress::parse(c.host, 80, address);
    EXPECT_EQ(literal, !c.text.empty()) << c.host;
    if (literal) EXPECT_EQ(address.text(), c.text);
  }
}

TEST(Dns, EveryAddressOfANameInOrder) {
  Shard shard;
  FakeNameServer server(shard);
  Resolver resolver(shard, server.address());
  auto found = run_blocking(shard, resolver.resolve("shop.test", 7001, Deadline::never()));
  ASSERT_TRUE(found.has_value()) << found.error().text();
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((std::vector{(*found)[0].text(), (*found)[1].text()}),
            (std::vector<std::string>{"127.0.0.1:7001", "127.0.0.2:7001"}));
}

TEST(Dns, FailuresSayWhichAndMayBeRetried) {
  Shard shard;
  FakeNameServer server(shard);
  Resolver resolver(shard, server.address());
  auto missing = run_blocking(shard, resolver.resolve("nowhere.test", 1, Deadline::never()));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), Code::unavailable);
  EXPECT_EQ(missing.error().reason(), "no_such_host");
  EXPECT_NE(missing.error().message().find("nowhere.test"), std::string::npos);
  EXPECT_TRUE(missing.error().is_safe_to_retry());

  const auto soon = Deadline::after(Clock::now(), std::chrono::milliseconds(30));
  auto late = run_blocking(shard, resolver.resolve("silent.test", 1, soon));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), Code::deadline_exceeded);
}

TEST(Dns, TheHostsFileCounts) {
  Shard shard;
  Resolver resolver(shard, "127.0.0.1:9");
  auto found = run_blocking(shard, resolver.resolve("localhost", 80, Deadline::never()));
  ASSERT_TRUE(found.has_value()) << found.error().text();
  EXPECT_FALSE(found->empty());
}

}  // namespace
}  // namespace parley::net
