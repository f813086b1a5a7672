#include "net/dns.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "loop/shard.h"

namespace parley::net {
namespace {

// A name server on the test's own loop: answers A questions for "shop.test" with two addresses, everything else with NXDOMAIN,
// and says nothing about "silent.test".
class FakeNameServer {
 public:
  explicit FakeNameServer(Shard& shard) : watch_([](void* self, bool, bool) { static_cast<FakeNameServer*>(self)->serve(); }, this) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    socklen_t size = sizeof any;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&any), &size);
    port_ = ntohs(any.sin_port);
    watch_.start(shard, fd_);
  }
  ~FakeNameServer() {
    watch_.stop();
    close(fd_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    std::array<char, 512> question{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    for (;;) {
      const ssize_t n = recvfrom(fd_, question.data(), question.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 12) return;
      const std::string_view asked(question.data(), static_cast<std::size_t>(n));
      if (asked.find("silent") != std::string_view::npos) continue;
      const std::size_t name_end = asked.find('\0', 12);
      const std::string answer = reply(asked.substr(0, name_end + 5));
      sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  // `question`: header and question section, without what follows it (RFC 1035 section 4).
  static std::string reply(std::string_view question) {
    const bool known = question.find("shop") != std::string_view::npos;
    const bool is_a = question[question.size() - 3] == 1;
    std::string out(question);
    out[2] = static_cast<char>(0x81);
    out[3] = static_cast<char>(known ? 0x80 : 0x83);
    out[7] = static_cast<char>(known && is_a ? 2 : 0);
    out[9] = out[11] = 0;
    if (!known || !is_a) return out;
    for (const char last : {1, 2}) {
      const char record[] = {'\xc0', 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, last};
      out.append(record, sizeof record);
    }
    return out;
  }

  Watch watch_;
  int fd_;
  std::uint16_t port_ = 0;
};

TEST(Dns, LiteralsNeedNoServer) {
  struct Case {
    std::string host;
    std::string text;
  };
  const Case cases[] = {{"127.0.0.1", "127.0.0.1:80"}, {"::1", "[::1]:80"}, {"[::1]", "[::1]:80"}, {"1.2.3", ""}, {"", ""}};
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
