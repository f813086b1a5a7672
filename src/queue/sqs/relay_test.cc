// A topic's relay and a queue's dead letters, against a service of two groups.
#include "queue/sqs/relay.h"

#include <gtest/gtest.h>

#include "net/server.h"
#include "queue/sqs/channel.h"

namespace parley::queue::sqs {
namespace {

using std::chrono::milliseconds;

// Has one event for as long as it is not deleted. A body tells which queue is meant by its URL.
class TwoGroups final : public net::ExchangeHandler {
 public:
  Task<void> serve(net::ServerExchange& exchange) override {
    std::string body;
    for (;;) {
      auto chunk = co_await exchange.body().read();
      if (!chunk) co_return;
      if (!*chunk) break;
      body += (*chunk)->view();
    }
    const std::string answer = answer_to(exchange.request().fields.get("x-amz-target"), body);
    if (answer == "{}") co_await Shard::current().sleep(milliseconds(5));
    exchange.respond({.status = 200, .fields = {{"content-type", "application/x-amz-json-1.0"}}});
    exchange.response_body().push(Bytes(answer));
    exchange.finish();
  }

  std::string event = R"("Body":"{}")";
  bool is_there = true;
  bool refuses_b = false;
  int refused = 0;
  bool deleted = false;
  std::vector<std::string> sent;  // requests that were carried out

 private:
  std::string answer_to(std::string_view target, const std::string& body) {
    const auto is = [&](std::string_view action) { return target == "AmazonSQS." + std::string(action); };
    if (is("ListQueues")) return R"({"QueueUrls":["http://q/orders--a","http://q/orders--b"]})";
    if (is("GetQueueUrl"))
      return body.contains("--a") ? R"({"QueueUrl":"http://q/orders--a"})" : R"({"QueueUrl":"http://q/orders--b"})";
    if (is("ListQueueTags")) return R"({"Tags":{"parley-from-earliest":"true"}})";
    if (is("GetQueueAttributes")) return R"({"Attributes":{"CreatedTimestamp":"1"}})";
    if (is("ReceiveMessage")) {
      if (!is_there || deleted) return "{}";
      is_there = false;
      return R"({"Messages":[{"MessageId":"e","ReceiptHandle":"r",)" + event + "}]}";
    }
    if (is("ChangeMessageVisibilityBatch")) is_there = true;
    if (is("DeleteMessageBatch")) deleted = true;
    if (is("SendMessageBatch")) {
      if (refuses_b && body.contains("--b")) {
        ++refused;
        return R"({"Failed":[{"Id":"0","Code":"KmsAccessDenied","Message":"no","SenderFault":true}]})";
      }
      sent.push_back(body);
    }
    return R"({"Successful":[{"Id":"0","MessageId":"m"}]})";
  }
};

struct Rig {
  Rig() {
    server = *net::Server::listen(shard, {.address = "127.0.0.1:0", .reuse_port = false, .tls = nullptr}, {}, service);
    settings.origin.host = "127.0.0.1";
    settings.origin.port = server->port();
    settings.region = "r";
    settings.max_message = 10'000;
    client.emplace(shard, settings, clock);
    bench.reset(new Workbench{.shard = shard, .client = *client, .tasks = tasks, .settings = settings});
  }
  ~Rig() {
    bench->draining = bench->closing = true;
    run_blocking(shard, tasks.join());
    client->close();
    run_blocking(shard, server->drain(Deadline::after(shard.now(), milliseconds(100))));
  }
  // A relay that runs until `done`.
  void relay(const std::function<bool()>& done) {
    auto place = std::make_shared<Place>();
    place->source.name = place->label = "orders";
    place->topic = true;
    place->url = "http://q/orders-topic";
    if (!running) running.emplace(*bench, place);
    if (!std::exchange(started, true)) tasks.spawn(running->run());
    run_blocking(shard, until(done));
  }
  std::size_t sent_to(std::string_view queue) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(service.sent, [&](const std::string& body) { return body.contains(queue); }));
  }

  Shard shard;
  TwoGroups service;
  std::unique_ptr<net::Server> server;
  WallClock clock;
  Settings settings;
  TaskGroup tasks;
  std::optional<Client> client;
  std::unique_ptr<Workbench> bench;
  std::optional<Relay> running;
  bool started = false;

 private:
  Task<void> until(const std::function<bool()>& done) {
    for (const Instant end = shard.now() + std::chrono::seconds(30); !done() && shard.now() < end;)
      co_await shard.sleep(milliseconds(5));
    EXPECT_TRUE(done());
  }
};

TEST(Relay, AGroupThatTakesNothingDoesNotMakeTheOthersGetAnEventAgain) {
  Rig rig;
  rig.service.refuses_b = true;
  rig.relay([&] { return rig.service.refused >= 5; });
  EXPECT_EQ(rig.sent_to("--a"), 1U);
  EXPECT_FALSE(rig.service.deleted);
  rig.service.refuses_b = false;
  rig.relay([&] { return rig.service.deleted; });
  EXPECT_EQ(rig.sent_to("--a"), 1U);
  EXPECT_EQ(rig.sent_to("--b"), 1U);
}

// A producer's own: no attribute of ours was counted when SQS took it.
TEST(Relay, AnEventAsLargeAsSqsTakesIsHandedOn) {
  for (const int room : {1500, 600, 0}) {
    Rig rig;
    const std::string body(10'000 - static_cast<std::size_t>(room), 'x');
    rig.service.event = R"("Body":")" + body + R"(")";
    rig.relay([&] { return rig.service.deleted; });
    EXPECT_EQ(rig.sent_to(R"("MessageBody":")" + body + R"(")"), 2U) << room;
  }
}

TEST(Channel, AMessageAsLargeAsSqsTakesIsBuried) {
  for (const int room : {1000, 200, 0}) {
    Rig rig;
    Ledger ledger;
    auto place = std::make_shared<Place>();
    place->url = "http://q/mails";
    place->dead_url = "http://q/mails-dead";
    Channel channel(*rig.bench, ledger, rig.clock, place);
    const std::string body(10'000 - static_cast<std::size_t>(room), 'x');
    Envelope envelope = decode({.message_id = "e",
                                .receipt = "r",
                                .body = body,
                                .system = {},
                                .attributes = {{.name = "tenant", .type = "String", .value = "acme"}}})
                            .envelope;
    const auto buried = run_blocking(rig.shard, channel.bury(std::move(envelope), 3, std::string(1024, 'r'), "r"));
    EXPECT_TRUE(buried) << room << ": " << buried.error().text();
    EXPECT_TRUE(rig.service.deleted);
    ASSERT_EQ(rig.service.sent.size(), 1U);
    EXPECT_TRUE(rig.service.sent[0].contains(R"("MessageBody":")" + body + R"(")"));
    EXPECT_EQ(rig.service.sent[0].contains("parley_state"), room > 0);
  }
}

}  // namespace
}  // namespace parley::queue::sqs
