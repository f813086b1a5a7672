// The pull API over a broker in memory, called as any edge would call it.
#include "route/local/messages/message_services.h"

#include <gtest/gtest.h>

#include "contract/load.h"
#include "contract/transcode.h"
#include "loop/task_group.h"
#include "queue/declarations_of.h"
#include "queue/fake_broker.h"
#include "queue/locate.h"
#include "route/local/messages/contract_door.h"

namespace parley::route {
namespace {

namespace api = queue::api;
using namespace std::chrono_literals;

constexpr const char* shop = R"(syntax = "proto3";
package shop;
import "parley/options.proto";
import "parley/receipt.proto";
import "google/protobuf/empty.proto";
message Mail { string to = 1; string text = 2; string request_id = 3; }
message OrderPlaced {
  option (parley.event) = {topic: "orders" key: "order_id"};
  string order_id = 1;
}
service Mailer {
  rpc SendMail(Mail) returns (parley.Receipt) {
    option (parley.queue) = {key: "to" dedup: {field: "request_id"} lease: "20s"};
  }
  rpc OnOrder(OrderPlaced) returns (google.protobuf.Empty) { option (parley.subscribe) = {group: "mailer" start: EARLIEST}; }
}
)";
const std::string mails = "shop.Mailer/SendMail";

class UserFront final : public Front {
 public:
  UserFront() : loaded_(contract::load_texts({{"shop.proto", shop}})) {
    for (const auto& d : loaded_.diagnostics) ADD_FAILURE() << d.text();
  }
  contract::ContractPtr contract() const override { return loaded_.contract; }
  HandlerPtr handler(const contract::Method&) const override { return nullptr; }

 private:
  contract::Loaded loaded_;
};

class FakeBackend final : public queue::Backend {
 public:
  std::string_view name() const override { return "fake"; }
  Result<void> declare(const queue::Declarations&) override { return {}; }
  std::unique_ptr<queue::Broker> open(Shard&) override { return nullptr; }
  Result<std::vector<queue::Source>> list() override {
    return std::vector<queue::Source>{{mails, ""}, {"orders", "mailer"}, {"orders", ""}};
  }
};

class MessageServicesTest : public testing::Test {
 protected:
  MessageServicesTest()
      : broker(use_fake_time(shard), queue::declarations_of(*user.contract())),
        door(clock),
        services(user, broker, backend, door, PullApi::local) {}

  static Shard& use_fake_time(Shard& shard) {
    shard.use_fake_time();
    return shard;
  }
  void settle() {
    shard.run_until([] { return true; });
  }

  // A call in progress.
  struct Live {
    Live(MessageServicesTest& test, std::string_view path)
        : test(test),
          call(test.services.contract(), *test.services.contract()->find(path), "test"),
          handler(test.services.handler(call.method())) {
      call.caller.address = "127.0.0.1:5000";
    }
    ~Live() {
      if (!call.is_finished()) call.cancel(Error(Code::cancelled, Blame::caller, "gone"));
      for (int i = 0; tasks.live() != 0 && i < 100; ++i) test.shard.advance(1s), test.settle();
    }
    void start() {
      tasks.spawn(answer(*handler, call));
      test.settle();
    }
    template <class T>
    void send(const T& message) {
      call.requests.push(Bytes(api::to_wire(message)));
      test.settle();
    }
    template <class T>
    std::vector<T> replies() {
      std::vector<T> out;
      while (call.replies.count() > 0) out.push_back(*api::from_wire<T>((*call.replies.take())->view()));
      test.settle();
      return out;
    }
    Code code() const { return call.status() == nullptr ? Code::ok : call.status()->code(); }
    std::string reason() const { return call.status() == nullptr ? "" : std::string(call.status()->reason()); }
    std::string message() const { return call.status() == nullptr ? "" : call.status()->message(); }

    MessageServicesTest& test;
    Call call;
    HandlerPtr handler;
    TaskGroup tasks;
  };

  // A unary call to its end.
  template <class Reply, class Request>
  Result<Reply> call(std::string_view path, const Request& request) {
    Live live(*this, path);
    live.send(request);
    live.call.requests.end();
    live.start();
    // List asks on another thread.
    if (path.ends_with("/List")) shard.run_until([&] { return live.call.is_finished(); });
    if (live.call.status() != nullptr) return fail(*live.call.status());
    auto replies = live.replies<Reply>();
    EXPECT_EQ(replies.size(), 1U) << path;
    return std::move(replies.at(0));
  }

  api::Message mail(const std::string& to, const std::string& text = "hello", const std::string& request_id = "") {
    std::string wire;
    const std::string json = R"({"to":")" + to + R"(","text":")" + text + R"(","requestId":")" + request_id + R"("})";
    EXPECT_TRUE(contract::json_to_wire(*user.contract()->tables().find("shop.Mail"), json, wire));
    api::Message message;
    message.payload = Bytes(wire);
    return message;
  }
  Result<api::PublishReceipt> publish(api::Message message, const std::string& queue = mails) {
    return call<api::PublishReceipt>("/parley.Queues/Publish",
                                     api::PublishRequest{.queue = queue, .message = std::move(message)});
  }
  std::vector<api::Delivery> lease(int most = 10, bool json = false) {
    auto leased = call<api::LeaseResponse>(
        "/parley.Queues/Lease", api::LeaseRequest{.queue = mails, .group = {}, .max_messages = most, .json = json});
    EXPECT_TRUE(leased) << leased.error().text();
    return leased ? leased->deliveries : std::vector<api::Delivery>();
  }
  Result<api::SettleResponse> settle_as(std::vector<api::Settlement> how) {
    return call<api::SettleResponse>("/parley.Queues/Settle",
                                     api::SettleRequest{.queue = mails, .group = {}, .settlements = std::move(how)});
  }
  // Publishes and kills: a dead letter.
  void bury(const std::string& to, const std::string& reason) {
    ASSERT_TRUE(publish(mail(to)));
    for (const auto& delivery : lease())
      ASSERT_TRUE(settle_as({{delivery.lease_id, api::Settlement::Kind::kill, {}, reason}}));
  }

  Shard shard;
  UserFront user;
  queue::FakeBroker broker;
  FakeBackend backend;
  WallClock clock;
  ContractDoor door;
  MessageServices services;
};

TEST_F(MessageServicesTest, a_batch_passes_the_door_before_its_first_event_is_stored) {
  const auto event = [](const char* id, const char* type, const char* payload) {
    api::BatchedEvent out;
    out.message.id = id;
    out.message.source = "/s";
    out.message.type = type;
    out.message.content_type = "application/json";
    out.message.payload = Bytes::copy_of(payload);
    return out;
  };
  constexpr std::string_view path = "/parley.Topics/PublishBatch";
  const auto good = event("1", "shop.OrderPlaced", R"({"orderId":"a"})");
  for (const auto& bad : {event("2", "shop.Mail", "{}"), event("2", "shop.OrderPlaced", R"({"orderId":7})")}) {
    const auto refused =
        call<api::PublishBatchResponse>(path, api::PublishBatchRequest{.topic = "orders", .events = {good, bad}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::invalid_argument);
    EXPECT_TRUE(refused.error().message().starts_with("event 2 of the batch: ")) << refused.error().message();
  }
  EXPECT_TRUE(broker.published.empty());

  const auto other = event("2", "shop.OrderPlaced", R"({"orderId":"b"})");
  const auto stored =
      call<api::PublishBatchResponse>(path, api::PublishBatchRequest{.topic = "orders", .events = {good, other}});
  ASSERT_TRUE(stored) << stored.error().text();
  ASSERT_EQ(stored->receipts.size(), 2U);
  EXPECT_EQ(stored->receipts[0].id, "1");
  EXPECT_EQ(stored->receipts[1].id, "2");
  ASSERT_EQ(broker.published.size(), 2U);
  EXPECT_EQ(broker.published[0].message.key, "a");
  EXPECT_EQ(broker.published[1].dedup, "/s\n2");
  EXPECT_TRUE(call<api::PublishBatchResponse>(path, api::PublishBatchRequest{.topic = "orders", .events = {}}));
}

TEST_F(MessageServicesTest, a_backend_without_batches_says_how_much_of_one_is_stored) {
  api::PublishBatchRequest request{.topic = "orders", .events = {}};
  for (const char* id : {"1", "2", "3"}) {
    api::BatchedEvent& event = request.events.emplace_back();
    event.message.id = id;
    event.message.type = "shop.OrderPlaced";
  }
  broker.fail_publish = Error(Code::unavailable, Blame::us, "no broker").with_reason("broker_away");
  const auto refused = call<api::PublishBatchResponse>("/parley.Topics/PublishBatch", request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "2 of 3 messages are stored, number 1 is not: no broker");
  EXPECT_EQ(broker.published.size(), 2U);
}

TEST_F(MessageServicesTest, publishing_fills_in_what_the_contract_says) {
  const auto receipt = publish(mail("ann", "hi", "r1"));
  ASSERT_TRUE(receipt);
  EXPECT_FALSE(receipt->id.empty());
  EXPECT_FALSE(receipt->position.empty());
  const queue::Publish& stored = broker.published.at(0);
  EXPECT_EQ(stored.message.id, receipt->id);
  EXPECT_EQ(stored.message.type, "shop.Mail");
  EXPECT_EQ(stored.message.key, "ann");
  EXPECT_EQ(stored.message.source, "/shop.Mailer/SendMail");
  EXPECT_EQ(stored.message.content_type, "application/protobuf");
  EXPECT_EQ(stored.dedup, "r1");
  const auto again = publish(mail("ann", "hi", "r1"));
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->id, receipt->id);
}

TEST_F(MessageServicesTest, the_door) {
  const auto with = [&](auto change) {
    api::Message message = mail("ann");
    change(message);
    return message;
  };
  api::Message json;
  json.content_type = "application/json";
  json.payload = Bytes(std::string(R"({"to":"bob"})"));
  api::Message event;
  event.payload = Bytes(std::string("\x0a\x01x"));
  const struct {
    const char* what;
    std::string to;
    api::Message message;
    Code code;
    const char* says;
  } cases[] = {
      {"no such queue", "shop.Mailer/SendMial", mail("ann"), Code::not_found, "did you mean \"shop.Mailer/SendMail\""},
      {"wrong bytes", mails, with([](auto& m) { m.payload = Bytes(std::string("\xff\xff")); }), Code::invalid_argument,
       "shop.Mail"},
      {"wrong type", mails, with([](auto& m) { m.type = "shop.OrderPlaced"; }), Code::invalid_argument,
       "takes shop.Mail"},
      {"wrong key", mails, with([](auto& m) { m.key = "bob"; }), Code::invalid_argument, "`to` is \"ann\""},
      {"its own key", mails, with([](auto& m) { m.key = "ann"; }), Code::ok, ""},
      {"an image", mails, with([](auto& m) { m.content_type = "image/png"; }), Code::invalid_argument, "image/png"},
      {"JSON", mails, json, Code::ok, ""},
      {"a value that would end a header", mails, with([](auto& m) { m.metadata = {{"x-a", "b\r\nx-c: d"}}; }),
       Code::invalid_argument, "\"x-a\" has control characters"},
      {"a name that is none", mails, with([](auto& m) { m.metadata = {{"x a", "b"}}; }), Code::invalid_argument,
       "\"x a\" is no name"},
      {"metadata", mails, with([](auto& m) { m.metadata = {{"x-a", "b"}, {"x-b-bin", "DQo"}}; }), Code::ok, ""},
      {"an event without its type", "orders", event, Code::invalid_argument, "needs a `type`: shop.OrderPlaced"},
      {"an event of another type", "orders", with([](auto& m) { m.type = "shop.Mail"; }), Code::invalid_argument,
       "no event type"},
  };
  for (const auto& c : cases) {
    const auto receipt = publish(c.message, c.to);
    EXPECT_EQ(receipt ? Code::ok : receipt.error().code(), c.code) << c.what;
    if (!receipt) EXPECT_NE(receipt.error().message().find(c.says), std::string::npos) << receipt.error().message();
  }
}

TEST_F(MessageServicesTest, json_in_and_out) {
  api::Message message;
  const contract::MessageTable& value = *services.contract()->tables().find("google.protobuf.Value");
  ASSERT_TRUE(contract::json_to_wire(value, R"({"to":"ann","text":"hi"})", message.json.wire));
  ASSERT_TRUE(publish(message));
  EXPECT_EQ(broker.published.at(0).message.key, "ann");
  const auto leased = lease(1, true);
  ASSERT_EQ(leased.size(), 1U);
  std::string json;
  ASSERT_TRUE(contract::wire_to_json(value, leased[0].message.json.wire, json));
  EXPECT_EQ(json, R"({"to":"ann","text":"hi"})");
  EXPECT_TRUE(leased[0].message.payload.empty());
}

TEST_F(MessageServicesTest, lease_and_settle) {
  ASSERT_TRUE(publish(mail("ann")));
  ASSERT_TRUE(publish(mail("bob")));
  const auto leased = lease();
  ASSERT_EQ(leased.size(), 2U);
  EXPECT_EQ(leased[0].attempt, 1);
  EXPECT_EQ(broker.leases.back().lease, 20s);  // as the contract says
  EXPECT_TRUE(lease().empty());
  EXPECT_TRUE(settle_as({{leased[0].lease_id, {}, {}, {}}})->failed.empty());
  // One of two came too late: it is told; a lone one fails.
  const auto both = settle_as({{leased[0].lease_id, {}, {}, {}}, {leased[1].lease_id, {}, {}, {}}});
  ASSERT_TRUE(both);
  ASSERT_EQ(both->failed.size(), 1U);
  EXPECT_EQ(both->failed[0].lease_id, leased[0].lease_id);
  EXPECT_EQ(api::error_of(*both->failed[0].error).reason(), "lease_lost");
  const auto late = settle_as({{leased[1].lease_id, {}, {}, {}}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::failed_precondition);
  EXPECT_EQ(late.error().reason(), "lease_lost");
}

TEST_F(MessageServicesTest, a_lease_waits) {
  Live live(*this, "/parley.Queues/Lease");
  live.send(api::LeaseRequest{.queue = mails, .group = {}, .wait = 60s});
  live.call.requests.end();
  live.start();
  shard.advance(10s);
  settle();
  EXPECT_FALSE(live.call.is_finished());
  ASSERT_TRUE(publish(mail("ann")));
  settle();
  ASSERT_TRUE(live.call.is_finished());
  EXPECT_EQ(live.replies<api::LeaseResponse>().at(0).deliveries.size(), 1U);
}

TEST_F(MessageServicesTest, a_wait_ends_with_its_time_its_caller_or_the_node) {
  const struct {
    const char* what;
    std::function<void(Live&)> end;
    Code code;
  } cases[] = {
      {"time",
       [&](Live&) {
         for (int i = 0; i < 61; ++i) shard.advance(1s), settle();
       },
       Code::ok},
      {"caller", [](Live& live) { live.call.cancel(Error(Code::cancelled, Blame::caller, "gone")); }, Code::cancelled},
      {"node", [&](Live&) { services.drain(); }, Code::ok},
  };
  for (const auto& c : cases) {
    Live live(*this, "/parley.Queues/Lease");
    live.send(api::LeaseRequest{.queue = mails, .group = {}, .wait = 60s});
    live.call.requests.end();
    live.start();
    c.end(live);
    for (int i = 0; i < 3; ++i) shard.advance(1s), settle();
    EXPECT_TRUE(live.call.is_finished()) << c.what;
    EXPECT_EQ(live.code(), c.code) << c.what;
  }
}

TEST_F(MessageServicesTest, what_was_leased_for_a_caller_who_left_is_released) {
  Live live(*this, "/parley.Queues/Lease");
  live.send(api::LeaseRequest{.queue = mails, .group = {}, .wait = 60s});
  live.call.requests.end();
  live.start();
  live.call.cancel(Error(Code::cancelled, Blame::caller, "gone"));
  ASSERT_TRUE(publish(mail("ann")));
  settle();
  const auto leased = lease();
  ASSERT_EQ(leased.size(), 1U);
  EXPECT_EQ(leased[0].attempt, 1);  // a release is no attempt
}

TEST_F(MessageServicesTest, publish_stream_answers_by_tag) {
  Live live(*this, "/parley.Queues/PublishStream");
  live.start();
  for (std::uint64_t tag = 1; tag <= 3; ++tag)
    live.send(api::PublishStreamRequest{.tag = tag, .publish = {.queue = mails, .message = mail("ann")}});
  live.send(api::PublishStreamRequest{.tag = 4, .publish = {.queue = "nowhere", .message = mail("ann")}});
  const auto replies = live.replies<api::PublishStreamResponse>();
  ASSERT_EQ(replies.size(), 4U);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(replies[i].tag, i + 1);
    EXPECT_TRUE(replies[i].receipt);
  }
  ASSERT_TRUE(replies[3].error);
  EXPECT_EQ(api::error_of(*replies[3].error).reason(), "unknown_queue");
  live.call.requests.end();
  settle();
  EXPECT_TRUE(live.call.is_finished());
  EXPECT_EQ(live.code(), Code::ok);
}

TEST_F(MessageServicesTest, lease_stream_gives_what_there_is_credit_for) {
  for (const char* to : {"ann", "bob", "cid"}) ASSERT_TRUE(publish(mail(to)));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails}});
  EXPECT_TRUE(live.replies<api::LeaseStreamResponse>().empty());
  live.send(api::LeaseStreamRequest{.credit = 2});
  auto replies = live.replies<api::LeaseStreamResponse>();
  ASSERT_EQ(replies.size(), 2U);
  const std::string lease = replies[0].delivery->lease_id;
  live.send(api::LeaseStreamRequest{.settle = api::Settlement{.lease_id = lease}});
  replies = live.replies<api::LeaseStreamResponse>();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].settled->lease_id, lease);
  EXPECT_FALSE(replies[0].settled->error);
  live.send(api::LeaseStreamRequest{.credit = 1, .settle = api::Settlement{.lease_id = lease}});
  replies = live.replies<api::LeaseStreamResponse>();
  ASSERT_EQ(replies.size(), 2U);  // the third message, and a settlement that came too late
  const bool first = replies[0].settled.has_value();
  EXPECT_EQ(api::error_of(*replies[first ? 0 : 1].settled->error).reason(), "lease_lost");
  EXPECT_TRUE(replies[first ? 1 : 0].delivery);
}

TEST_F(MessageServicesTest, an_open_lease_stream_keeps_its_leases_and_a_client_that_ends_it_gives_them_back) {
  ASSERT_TRUE(publish(mail("ann")));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails, .lease = 3s}, .credit = 1});
  ASSERT_EQ(live.replies<api::LeaseStreamResponse>().size(), 1U);
  for (int i = 0; i < 30; ++i) shard.advance(1s), settle();
  EXPECT_TRUE(lease().empty());
  EXPECT_GE(broker.extended, 10);
  live.call.requests.end();
  for (int i = 0; i < 3; ++i) shard.advance(1s), settle();
  EXPECT_TRUE(live.call.is_finished());
  const auto leased = lease();
  ASSERT_EQ(leased.size(), 1U);
  EXPECT_EQ(leased[0].attempt, 1);
}

TEST_F(MessageServicesTest, a_lease_stream_that_breaks_leaves_its_leases_to_run_out) {
  ASSERT_TRUE(publish(mail("ann")));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails, .lease = 5s}, .credit = 1});
  live.call.cancel(Error(Code::cancelled, Blame::caller, "gone"));
  for (int i = 0; i < 2; ++i) shard.advance(1s), settle();
  EXPECT_TRUE(live.call.is_finished());
  EXPECT_TRUE(lease().empty());
  for (int i = 0; i < 5; ++i) shard.advance(1s), settle();
  EXPECT_EQ(lease().at(0).attempt, 2);
}

TEST_F(MessageServicesTest, lease_stream_refuses) {
  const struct {
    const char* what;
    std::vector<api::LeaseStreamRequest> requests;
  } cases[] = {
      {"no start", {{.credit = 1}}},
      {"start twice",
       {{.start = api::LeaseStreamStart{.queue = mails}}, {.start = api::LeaseStreamStart{.queue = mails}}}},
      {"negative credit", {{.start = api::LeaseStreamStart{.queue = mails}}, {.credit = -1}}},
  };
  for (const auto& c : cases) {
    Live live(*this, "/parley.Queues/LeaseStream");
    live.start();
    for (const auto& request : c.requests) live.send(request);
    shard.advance(1s), settle();
    EXPECT_EQ(live.code(), Code::invalid_argument) << c.what;
  }
}

TEST_F(MessageServicesTest, redrive_takes_what_is_asked_for) {
  bury("ann", "INVALID_ARGUMENT: no such address");
  bury("bob", "UNAVAILABLE: down");
  bury("cid", "UNAVAILABLE: down");
  const auto redrive = [&](api::RedriveRequest request) {
    request.queue = mails;
    auto done = call<api::RedriveResponse>("/parley.Queues/Redrive", request);
    return done ? std::to_string(done->count) : std::string(name(done.error().code()));
  };
  EXPECT_EQ(redrive({}), "INVALID_ARGUMENT");
  EXPECT_EQ(redrive({.all = true, .dry_run = true}), "3");
  EXPECT_EQ(redrive({.reason = "UNAVAILABLE", .dry_run = true}), "2");
  EXPECT_EQ(redrive({.key = "bob"}), "1");
  EXPECT_EQ(redrive({.type = "shop.Nothing"}), "0");
  const auto peeked = call<api::PeekResponse>("/parley.Queues/Peek",
                                              api::PeekRequest{.queue = mails, .group = {}, .shelf = api::Shelf::dead});
  ASSERT_EQ(peeked->messages.size(), 2U);
  EXPECT_EQ(redrive({.ids = {peeked->messages[0].message.id}}), "1");
  EXPECT_EQ(redrive({.all = true}), "1");
  EXPECT_EQ(redrive({.all = true}), "0");
}

TEST_F(MessageServicesTest, a_redrive_can_be_slow) {
  for (int i = 0; i < 5; ++i) bury("ann" + std::to_string(i), "x");
  Live live(*this, "/parley.Queues/Redrive");
  live.send(api::RedriveRequest{.queue = mails, .group = {}, .all = true, .per_second = 1});
  live.call.requests.end();
  live.start();
  shard.advance(2100ms), settle();
  EXPECT_FALSE(live.call.is_finished());
  EXPECT_LT(lease().size(), 4U);
  for (int i = 0; i < 10; ++i) shard.advance(1s), settle();
  EXPECT_TRUE(live.call.is_finished());
  EXPECT_EQ(live.replies<api::RedriveResponse>().at(0).count, 5U);
}

TEST_F(MessageServicesTest, where_a_message_is) {
  const auto state = [&](const std::string& position) {
    return call<api::MessageState>("/parley.Queues/GetMessage",
                                   api::GetMessageRequest{.queue = mails, .position = position})
        ->state;
  };
  using State = api::MessageState::State;
  const auto receipt = publish(mail("ann"));
  EXPECT_EQ(state(receipt->position), State::waiting);
  auto leased = lease();
  EXPECT_EQ(state(receipt->position), State::leased);
  ASSERT_TRUE(settle_as({{leased[0].lease_id, api::Settlement::Kind::retry, 5s, {}}}));
  EXPECT_EQ(state(receipt->position), State::delayed);
  shard.advance(6s);
  leased = lease();
  ASSERT_TRUE(settle_as({{leased[0].lease_id, api::Settlement::Kind::kill, {}, "why not"}}));
  EXPECT_EQ(state(receipt->position), State::dead);
  EXPECT_EQ(state("nowhere"), State::done_or_unknown);
}

TEST_F(MessageServicesTest, a_backend_that_cannot_look_deeper_says_so) {
  for (int i = 0; i < queue::locate_depth; ++i) ASSERT_TRUE(publish(mail("ann")));
  const auto first = publish(mail("ann"));
  const auto found = call<api::MessageState>("/parley.Queues/GetMessage",
                                             api::GetMessageRequest{.queue = mails, .position = first->position});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::unimplemented);
  EXPECT_EQ(found.error().reason(), "not_by_this_backend");
}

TEST_F(MessageServicesTest, settlements_that_fail_for_different_reasons_are_listed) {
  ASSERT_TRUE(publish(mail("ann")));
  const auto leased = lease();
  broker.fail_settle = Error(Code::unavailable, Blame::upstream, "not now");
  const auto response = settle_as(
      {{leased[0].lease_id, api::Settlement::Kind::done, {}, {}}, {"nobody's", api::Settlement::Kind::done, {}, {}}});
  ASSERT_TRUE(response);
  ASSERT_EQ(response->failed.size(), 2U);
  EXPECT_EQ(response->failed[0].error->code, static_cast<int>(Code::unavailable));
  EXPECT_EQ(response->failed[1].error->code, static_cast<int>(Code::failed_precondition));
}

TEST_F(MessageServicesTest, purge_pause_and_stats) {
  ASSERT_TRUE(publish(mail("ann")));
  const auto purge = [&](std::optional<api::Shelf> shelf) {
    return call<api::PurgeResponse>("/parley.Queues/Purge",
                                    api::PurgeRequest{.queue = mails, .group = {}, .shelf = shelf});
  };
  EXPECT_EQ(purge({}).error().code(), Code::invalid_argument);
  EXPECT_EQ(purge(api::Shelf::leased).error().code(), Code::invalid_argument);
  EXPECT_EQ(purge(api::Shelf::dead)->count, 0U);
  const api::QueueRequest queue{.queue = mails, .group = {}};
  ASSERT_TRUE(call<api::Empty>("/parley.Queues/Pause", queue));
  EXPECT_TRUE(lease().empty());
  const auto stats = call<api::QueueStats>("/parley.Queues/Stats", queue);
  EXPECT_EQ(stats->waiting, 1U);
  EXPECT_TRUE(stats->paused);
  ASSERT_TRUE(call<api::Empty>("/parley.Queues/Resume", queue));
  EXPECT_EQ(purge(api::Shelf::waiting)->count, 1U);
  EXPECT_EQ(call<api::QueueStats>("/parley.Queues/Stats", api::QueueRequest{"nowhere", ""}).error().code(),
            Code::not_found);
}

TEST_F(MessageServicesTest, lists) {
  const auto queues = call<api::ListQueuesResponse>("/parley.Queues/List", api::ListQueuesRequest{});
  ASSERT_EQ(queues->queues.size(), 1U);
  EXPECT_EQ(queues->queues[0].queue, mails);
  EXPECT_EQ(queues->backend, "fake");
  const auto all = call<api::ListQueuesResponse>("/parley.Queues/List", api::ListQueuesRequest{.groups = true});
  EXPECT_EQ(all->queues.size(), 2U);
  const auto topics = call<api::ListTopicsResponse>("/parley.Topics/List", api::ListTopicsRequest{});
  ASSERT_EQ(topics->topics.size(), 1U);
  EXPECT_EQ(topics->topics[0].topic, "orders");
  EXPECT_EQ(topics->topics[0].types, std::vector<std::string>{"shop.OrderPlaced"});
  ASSERT_EQ(topics->topics[0].groups.size(), 1U);
  EXPECT_EQ(topics->topics[0].groups[0].group, "mailer");
}

TEST_F(MessageServicesTest, a_topic_is_read_and_tailed) {
  const auto order = [](const std::string& id) {
    api::Message message;
    message.type = "shop.OrderPlaced";
    message.payload = Bytes("\x0a" + std::string(1, static_cast<char>(id.size())) + id);
    return message;
  };
  const auto place = [&](const std::string& id) {
    return call<api::PublishReceipt>("/parley.Topics/Publish",
                                     api::PublishEventRequest{.topic = "orders", .message = order(id)});
  };
  ASSERT_TRUE(place("o1"));
  const auto second = place("o2");
  const auto read = call<api::ReadTopicResponse>(
      "/parley.Topics/Read", api::ReadTopicRequest{.topic = "orders", .from = {.earliest = true}, .max_messages = 1});
  ASSERT_EQ(read->events.size(), 1U);
  EXPECT_EQ(read->events[0].message.key, "o1");
  const auto rest = call<api::ReadTopicResponse>(
      "/parley.Topics/Read", api::ReadTopicRequest{.topic = "orders", .from = {.after = read->next}});
  ASSERT_EQ(rest->events.size(), 1U);
  EXPECT_EQ(rest->events[0].position, second->position);
  EXPECT_EQ(
      call<api::ReadTopicResponse>("/parley.Topics/Read", api::ReadTopicRequest{.topic = "nothing"}).error().code(),
      Code::not_found);
  EXPECT_EQ(call<api::Empty>("/parley.Topics/Commit", api::CommitRequest{.topic = "orders"}).error().code(),
            Code::invalid_argument);
}

TEST_F(MessageServicesTest, only_callers_on_this_machine) {
  const struct {
    std::string address;
    const char* header;
    PullApi setting;
    Code code;
  } cases[] = {
      {"127.0.0.1:1", nullptr, PullApi::local, Code::ok},
      {"[::1]:1", nullptr, PullApi::local, Code::ok},
      {"10.0.0.7:1", nullptr, PullApi::local, Code::permission_denied},
      {"1270.0.0.1:1", nullptr, PullApi::local, Code::permission_denied},
      {"127.0.0.1:1", "x-forwarded-for", PullApi::local, Code::permission_denied},
      {"", nullptr, PullApi::local, Code::permission_denied},
      {"10.0.0.7:1", nullptr, PullApi::on, Code::ok},
      {"127.0.0.1:1", nullptr, PullApi::off, Code::permission_denied},
  };
  for (const auto& c : cases) {
    MessageServices guarded(user, broker, backend, door, c.setting);
    const contract::Method& method = *guarded.contract()->find("/parley.Queues/Stats");
    Call call(guarded.contract(), method, "test");
    call.caller.address = c.address;
    if (c.header != nullptr) call.metadata.add(c.header, "1.2.3.4");
    call.requests.push(Bytes(api::to_wire(api::QueueRequest{mails, ""})));
    call.requests.end();
    TaskGroup tasks;
    tasks.spawn(answer(*guarded.handler(method), call));
    settle();
    ASSERT_TRUE(call.is_finished());
    EXPECT_EQ(call.status() == nullptr ? Code::ok : call.status()->code(), c.code) << c.address;
  }
}

TEST_F(MessageServicesTest, paths) {
  const struct {
    const char* path;
    bool takes;
  } cases[] = {
      {"/parley.Queues/Lease", true},
      {"/ws/parley.Topics/Tail", true},
      {"/parley/queues", true},
      {"/parley/topics/o:tail", true},
      {"/parley.Events/X", false},
      {"/shop.Orders/List", false},
      {"/parley", false},
      {"/ws/shop.Orders/List", false},
  };
  for (const auto& c : cases) EXPECT_EQ(MessageServices::takes(c.path), c.takes) << c.path;
}

}  // namespace
}  // namespace parley::route
