// Kafka that is away, comes back, or does not let us in.
#include <thread>

#include "kafka_fixture.h"

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

const Source mail = queue("shop.Mailer/SendMail");

TEST(Outage, KilledInTheMiddleItGoesOnWhereItWas) {
  Node node(new_prefix());
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  for (const char* payload : {"1", "2", "3"}) ASSERT_OK(node.publish(mail.name, payload, "k"));
  EXPECT_EQ(node.next(mail), "1");
  auto held = node.lease(mail);
  ASSERT_EQ(held.size(), 1U);
  KafkaServer::get().tell("kill");
  auto away = node.publish(mail.name, "4", "k");
  ASSERT_FALSE(away.has_value());
  EXPECT_EQ(away.error().code(), Code::unavailable);
  auto asked = node.wait(node.broker().stats(mail));
  EXPECT_EQ(asked.error().code(), Code::unavailable);
  KafkaServer::get().tell("start");
  // The settlement of what was in flight: at the latest again once it is delivered again.
  static_cast<void>(node.settle(mail, held[0]));
  std::multiset<std::string> rest;
  const Instant until = Clock::now() + 90s;
  while (!rest.contains("5") && Clock::now() < until) {
    if (!rest.contains("3") || rest.contains("5")) {
    } else if (auto again = node.publish(mail.name, "5", "k"); !again) {
      EXPECT_EQ(again.error().code(), Code::unavailable);
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
  Node node(prefix);
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  auto early = node.publish(mail.name, "early");
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code(), Code::unavailable);
  KafkaServer::get().tell("start");
  const Instant until = Clock::now() + 90s;
  Result<Receipt> published = fail(early.error());
  while (!published && Clock::now() < until) {
    published = node.publish(mail.name, "late");
    if (!published) node.wait(node.shard().sleep(200ms));
  }
  ASSERT_OK(published);
  EXPECT_EQ(node.next(mail), "late");
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

TEST(Outage, ANodeStopsWhileKafkaIsAway) {
  Node node(new_prefix());
  const Source other = queue("shop.Mailer/SendLetter");
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}, {.name = other.name}})));
  for (const Source& source : {mail, other}) {
    ASSERT_OK(node.publish(source.name, "1"));
    EXPECT_EQ(node.lease(source).size(), 1U);
  }
  KafkaServer::get().tell("kill");
  const Instant began = Clock::now();
  node.end();
  EXPECT_LT(Clock::now() - began, 11s) << "6 s for each of the two";
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
    Node node(Node::Url{fmt::format("{}://{}127.0.0.1:{}?prefix={}&timeout=5s{}{}", login.scheme, login.user,
                                    login.tls ? server.tls_port : server.sasl_port, new_prefix(), options, ca)});
    auto declared = node.backend().declare(declarations({{.name = mail.name}}));
    if (login.code == Code::ok) {
      EXPECT_TRUE(declared.has_value()) << declared.error().text();
      auto published = node.publish(mail.name, "secret");
      EXPECT_TRUE(published.has_value()) << published.error().text();
      EXPECT_EQ(node.next(mail), "secret");
      continue;
    }
    const Error error = declared ? node.publish(mail.name, "x").error() : declared.error();
    EXPECT_EQ(error.code(), login.code) << error.text();
    EXPECT_EQ(error.message().find("wr0ng"), std::string::npos);
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log.find("wr0ng"), std::string::npos);
  EXPECT_EQ(log.find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace parley::queue::kafka
