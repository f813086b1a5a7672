// The server as a whole: listening, its bounds, the graceful end.
#include <fcntl.h>
#include <sys/resource.h>

#include "net/server_test_peer.h"

namespace parley::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(ServerTest, drain_lets_exchanges_finish_and_says_close) {
  listen();
  shard.use_fake_time();
  Client busy = client();
  Client idle = client();
  idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  idle.wait_for("GET a /");
  idle.take();
  busy.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  run_until([&] { return answers.running == 1; });
  bool drained = false;
  TaskGroup group;
  group.spawn([](Server& s, Shard& on, bool& done) -> Task<void> {
    co_await s.drain(Deadline::after(on.now(), seconds(20)));
    done = true;
  }(*server, shard, drained));
  pass(seconds(2));  // it is given a moment for a request that is on its way
  idle.wait_closed();
  idle.close();
  EXPECT_FALSE(drained);
  answers.may_go = true;
  answers.go.notify();
  busy.wait_for("\r\n\r\n");
  EXPECT_THAT(busy.received, HasSubstr("connection: close"));
  busy.half_close();
  run_until([&] { return drained; });
}

TEST_F(ServerTest, drain_answers_requests_that_were_on_their_way) {
  listen();
  shard.use_fake_time();  // or the moment that they are given could pass before they are sent
  Client idle = client();
  idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  idle.wait_for("GET a /");
  idle.take();
  Client fresh = client();  // connected, perhaps not even accepted
  bool drained = false;
  TaskGroup group;
  group.spawn([](Server& s, Shard& on, bool& done) -> Task<void> {
    co_await s.drain(Deadline::after(on.now(), seconds(20)));
    done = true;
  }(*server, shard, drained));
  for (Client* each : {&idle, &fresh}) {
    each->send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    each->wait_for("hi");
    EXPECT_THAT(each->received, HasSubstr("connection: close"));
    each->wait_closed();
    each->close();
  }
  run_until([&] { return drained; });
}

TEST_F(ServerTest, drain_resets_what_is_left_at_its_deadline) {
  listen();
  Client peer = client();
  peer.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  run_until([&] { return answers.running == 1; });
  run_blocking(shard, server->drain(Deadline::after(shard.now(), milliseconds(20))));
  EXPECT_THAT(answers.broken, testing::ElementsAre("draining"));
}

TEST_F(ServerTest, connections_are_bounded) {
  listen({.connections = 2});
  Client one = client();
  Client two = client();
  run_until([&] { return server->connection_count() == 2; });
  Client three = client();
  three.wait_closed();
  one.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  one.wait_for("GET a /");
  EXPECT_THAT(one.received, StartsWith("HTTP/1.1 200"));
}

// Not where UndefinedBehaviorSanitizer looks at objects' types: it needs descriptors for that itself.
#if !__has_feature(undefined_behavior_sanitizer)
// Readiness is told once: what could not be accepted for want of descriptors, not even to be turned away, must be
// looked at again.
TEST_F(ServerTest, what_waits_while_there_are_no_descriptors_is_served_once_there_are) {
  const int last = open("/dev/null", O_RDONLY);  // descriptors are given out from the lowest on
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const auto allow = [&](int descriptors) {
    const rlimit limit{.rlim_cur = static_cast<rlim_t>(descriptors), .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  };
  close(last);
  allow(last + 1);  // the listener's socket has the last one: nothing is kept in reserve
  listen();
  setrlimit(RLIMIT_NOFILE, &before);
  Client peer = client();
  allow(last + 1);
  peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  run_blocking(shard, shard.sleep(milliseconds(20)));
  EXPECT_EQ(server->connection_count(), 0U);
  setrlimit(RLIMIT_NOFILE, &before);
  peer.wait_for("GET a /");
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 200"));
}
#endif

TEST(ServerListen, says_why_it_cannot) {
  Shard shard;
  Answers answers;
  auto first = Server::listen(shard, {.address = "127.0.0.1:0", .reuse_port = false, .tls = nullptr}, {}, answers);
  ASSERT_TRUE(first);
  const std::string taken = fmt::format("127.0.0.1:{}", (*first)->port());
  struct Refused {
    std::string address;
    const char* why;
  };
  const Refused cases[] = {{taken, "Address already in use"},
                           {"nowhere", "not an address"},
                           {"127.0.0.1:x", "not an address"},
                           {"127.0.0.1:70000", "not an address"},
                           {"[::zz]:80", "not an address"}};
  for (const Refused& c : cases) {
    auto refused = Server::listen(shard, {.address = c.address, .reuse_port = false, .tls = nullptr}, {}, answers);
    ASSERT_FALSE(refused) << c.address;
    EXPECT_THAT(refused.error().message(), HasSubstr(c.why));
    EXPECT_THAT(refused.error().message(), HasSubstr(c.address));
  }
}

}  // namespace
}  // namespace parley::net
