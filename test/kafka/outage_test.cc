// Kafka that is away, comes back, or does not let us in.
#include <thread>

#include "kafka_fixture.h"

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

const Source mail = queue("shop.Mailer/SendMail");

TEST(Outage, KilledInTheMiddleItGoesOnWhereItWas) {
  const std::string prefix = new_prefix();
  Node node(prefix);
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  for (const char* payload : {"1", "2", "3"}) ASSERT_OK(node.publish(mail.name, payload, "k"));
  EXPECT_EQ(node.next(mail), "1");
  auto held = node.lease(mail);
  ASSERT_EQ(held.size(), 1U);
  Node hasty(prefix, "&timeout=3s");
  static_cast<void>(hasty.wait(hasty.broker().stats(mail)));  // it knows the queue now, if that took no 3 s
  KafkaServer::get().tell("kill");
  auto away = hasty.publish(mail.name, "4", "k");
  ASSERT_FALSE(away.has_value());
  EXPECT_EQ(away.error().code(), Code::unavailable) << away.error().text();
  auto asked = hasty.wait(hasty.broker().stats(mail));
  ASSERT_FALSE(asked.has_value());
  EXPECT_EQ(asked.error().code(), Code::unavailable) << asked.error().text();
  KafkaServer::get().tell("start");
  // The settlement of what was in flight: at the latest again once it is delivered again.
  static_cast<void>(node.settle(mail, held[0]));
  std::multiset<std::string> rest;
  const Instant until = Clock::now() + 2 * patience;
  while (!rest.contains("5") && Clock::now() < until) {
    if (rest.contains("3")) {
      auto again = node.publish(mail.name, "5", "k");
      if (!again) EXPECT_EQ(again.error().code(), Code::unavailable) << again.error().text();
    }
    auto leased =
        node.wait(node.broker().lease({.source = mail, .max_messages = 5, .wait = Deadline::after(Clock::now(), 2s)}));
    if (!leased) continue;
    for (const Delivery& d : *leased) {
      static_cast<void>(node.settle(mail, d));
      rest.insert(text(d));
    }
  }
  EXPECT_FALSE(rest.contains("1")) << "settled before";
  EXPECT_TRUE(rest.contains("3"));
  EXPECT_TRUE(rest.contains("5"));
}

TEST(Outage, ANodeThatStartsFirstServesWhenKafkaComes) {
  const std::string prefix = new_prefix();
  KafkaServer::get().tell("stop");
  Node node(prefix, "&timeout=6s");
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  auto early = node.publish(mail.name, "early");
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code(), Code::unavailable);
  KafkaServer::get().tell("start");
  const Instant until = Clock::now() + patience;
  Result<Receipt> published = fail(early.error());
  while (!published && Clock::now() < until) {
    published = node.publish(mail.name, "late");
    if (!published) node.wait(node.shard().sleep(200ms));
  }
  ASSERT_OK(published);
  // Where the machine stops for longer than its time-out, it is away again.
  Result<std::vector<Delivery>> leased = fail(early.error());
  while ((!leased || leased->empty()) && Clock::now() < until + patience) {
    leased = node.wait(
        node.broker().lease({.source = mail, .max_messages = 1, .wait = Deadline::after(Clock::now(), patience)}));
    if (!leased) ASSERT_EQ(leased.error().code(), Code::unavailable) << leased.error().text();
  }
  ASSERT_OK(leased);
  ASSERT_EQ(leased->size(), 1U);
  EXPECT_EQ(text(leased->front()), "late");
}

TEST(Outage, ANodeStopsWhileItJoinsItsGroup) {
  const std::string prefix = new_prefix();
  for (int i = 0; i < 8; ++i) {
    Node node(prefix);
    ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
    EXPECT_TRUE(node.lease(mail, 1, i * 10ms).empty());
    node.end();
  }
}

// A queue that cannot say that it leaves waits for some seconds: all of them at the same time. So many that one after
// the other is told from a machine that stopped for a while.
TEST(Outage, ANodeStopsWhileKafkaIsAway) {
  Node node(new_prefix(), "&partitions=1");
  std::vector<Wish> queues;
  for (int i = 0; i < 12; ++i) queues.push_back({.name = fmt::format("shop.Mailer/Send{}", i)});
  ASSERT_OK(node.backend().declare(declarations(queues)));
  for (const Wish& each : queues) {
    ASSERT_OK(node.publish(each.name, "1"));
    EXPECT_EQ(node.lease(queue(each.name)).size(), 1U);
  }
  KafkaServer::get().tell("kill");
  const Instant began = Clock::now();
  node.end();
  EXPECT_LT(Clock::now() - began, 25s);
  KafkaServer::get().tell("start");
}

TEST(Outage, AFrozenServerLosesNothing) {
  Node node(new_prefix());
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  ASSERT_OK(node.publish(mail.name, "before"));
  KafkaServer::get().tell("freeze");
  std::thread thaw([] {
    std::this_thread::sleep_for(2s);
    KafkaServer::get().tell("thaw");
  });
  auto during = node.publish(mail.name, "during");
  thaw.join();
  ASSERT_OK(during);
  std::multiset<std::string> got = {node.next(mail), node.next(mail)};
  EXPECT_EQ(got, (std::multiset<std::string>{"before", "during"}));
}

struct Login {
  const char* name;
  const char* scheme;
  const char* user;
  const char* options;
  bool tls;
  Code code;
};
constexpr const char* good = "parley:s3cret%3A%2Fx@";
constexpr const char* bad = "parley:wr0ng-password@";

TEST(Security, LogsInOverTlsAndWithout) {
  const Login logins[] = {
      {"SCRAM-SHA-512 over TLS", "kafkas", good, "&sasl=scram-sha-512", true, Code::ok},
      {"SCRAM-SHA-256 over TLS", "kafkas", good, "&sasl=scram-sha-256", true, Code::ok},
      {"PLAIN over TLS", "kafkas", good, "&sasl=plain", true, Code::ok},
      {"SCRAM-SHA-256 without TLS", "kafka", good, "&sasl=scram-sha-256", false, Code::ok},
      {"a wrong password", "kafkas", bad, "&sasl=scram-sha-512", true, Code::unauthenticated},
      {"a certificate of nobody", "kafkas", good, "&sasl=plain&ca=/etc/ssl/certs/ca-certificates.crt", true,
       Code::unavailable},
  };
  testing::internal::CaptureStderr();
  for (const Login& login : logins) {
    SCOPED_TRACE(login.name);
    const KafkaServer& server = KafkaServer::get();
    const std::string options = login.options;
    const std::string ca = login.tls && options.find("&ca=") == std::string::npos ? "&ca=" + server.ca : "";
    Node node(Node::Url{fmt::format("{}://{}127.0.0.1:{}?prefix={}&session=60s&timeout={}{}{}", login.scheme,
                                    login.user, login.tls ? server.tls_port : server.sasl_port, new_prefix(),
                                    login.code == Code::ok ? "60s" : "5s", options, ca)});
    auto declared = node.backend().declare(declarations({{.name = mail.name}}));
    if (login.code == Code::ok) {
      EXPECT_TRUE(declared.has_value()) << declared.error().text();
      auto published = node.publish(mail.name, "secret");
      EXPECT_TRUE(published.has_value()) << published.error().text();
      EXPECT_EQ(node.next(mail), "secret");
      continue;
    }
    const auto refused = [&] { return node.publish(mail.name, "x").error(); };
    Error error = declared ? refused() : declared.error();
    // A server that stopped for a while has not refused anybody yet.
    const auto may_come = [&] { return error.code() == Code::unavailable && login.code != Code::unavailable; };
    for (const Instant until = Clock::now() + patience; may_come() && Clock::now() < until; error = refused()) {
      node.wait(node.shard().sleep(100ms));
    }
    EXPECT_EQ(error.code(), login.code) << error.text();
    EXPECT_EQ(error.message().find("wr0ng"), std::string::npos);
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log.find("wr0ng"), std::string::npos);
  EXPECT_EQ(log.find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace parley::queue::kafka
