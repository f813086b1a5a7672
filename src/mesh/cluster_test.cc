#include "mesh/cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "loop/shard.h"
#include "net/client_origin.h"
#include "net/fake_upstream.h"

namespace parley::mesh {
namespace {

using net::FakeConnection;

net::RequestHead get() {
  net::RequestHead head;
  head.method = "GET";
  head.target = "/";
  return head;
}

// Which upstream answered, or the error.
Task<std::string> ask(Cluster& cluster) {
  auto exchange = co_await cluster.open(get(), false, Deadline::never());
  if (!exchange) co_return exchange.error().text();
  const auto head = co_await (*exchange)->head();
  co_return head ? std::string((*head)->fields.get("x-who")) : head.error().text();
}

struct Rig {
  Shard shard;
  net::FakeUpstream a{shard};
  net::FakeUpstream b{shard};
  net::ClientPool pool{shard, {.connect_timeout = net::patience, .dns_servers = {}}};
  std::unique_ptr<Cluster> cluster;
  Rig() {
    name(a, "a");
    name(b, "b");
    cluster = std::make_unique<Cluster>(
        "shop", *parse_addresses(fmt::format("grpc://127.0.0.1:{},127.0.0.1:{}", a.port, b.port)), pool);
  }
  static void name(net::FakeUpstream& upstream, std::string who) {
    upstream.on_end = [who](FakeConnection& c, std::int32_t id, FakeConnection::Stream&) {
      c.headers(id, {{":status", "200"}, {"x-who", who}}, true);
    };
  }
  std::string ask() { return run_blocking(shard, mesh::ask(*cluster)); }
};

TEST(Cluster, OriginsTakeTurns) {
  Rig rig;
  EXPECT_EQ(rig.ask() + rig.ask() + rig.ask() + rig.ask(), "abab");
}

TEST(Cluster, AnOriginThatIsDownIsPassedOver) {
  Rig rig;
  rig.a.stop();
  EXPECT_EQ(rig.ask() + rig.ask() + rig.ask() + rig.ask(), "bbbb");
}

TEST(Cluster, WhereAllAreDownTheErrorNamesTheService) {
  Rig rig;
  rig.a.stop();
  rig.b.stop();
  for (int i = 0; i < 3; ++i) {
    const std::string got = rig.ask();
    EXPECT_TRUE(got.starts_with("UNAVAILABLE (upstream_unreachable): shop: connecting to 127.0.0.1:")) << got;
  }
}

TEST(Cluster, AnOriginThatComesBackIsUsedAgain) {
  Rig rig;
  rig.shard.use_fake_time();
  rig.a.on_connect = [](FakeConnection& c) {
    c.close();
    return false;
  };
  EXPECT_EQ(rig.ask() + rig.ask(), "bb");
  rig.a.on_connect = [](FakeConnection&) { return true; };
  EXPECT_EQ(rig.ask() + rig.ask(), "bb") << "while it is being left alone";
  rig.shard.advance(std::chrono::seconds(1));
  const std::string both = rig.ask() + rig.ask();
  EXPECT_TRUE(both == "ab" || both == "ba") << both;
}

TEST(Cluster, WithoutWaitingWhereAConnectionHasRoom) {
  Rig rig;
  EXPECT_EQ(rig.cluster->try_open(get(), false), nullptr);
  EXPECT_EQ(rig.ask() + rig.ask(), "ab");
  EXPECT_NE(rig.cluster->try_open(get(), false), nullptr);
}

}  // namespace
}  // namespace parley::mesh
