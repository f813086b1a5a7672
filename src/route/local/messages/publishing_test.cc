// What is published by the pull API passes the contract's door.
#include "route/local/messages/message_services_fixture.h"

namespace parley::route {
namespace {

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

TEST_F(MessageServicesTest, when_a_message_may_be_delivered_is_said_once_and_not_in_the_past) {
  const auto noon = WallTime(1'900'000'000s);
  const struct {
    const char* what;
    std::optional<WallTime> due_time;
    Duration delay;
    const char* says;  // "": it is taken
  } cases[] = {
      {"neither", {}, {}, ""},
      {"a delay", {}, 5s, ""},
      {"a time", noon, {}, ""},
      {"a negative delay", {}, -1ns, "`delay` is negative: it is 0 (at once) or more"},
      {"both", noon, 5s, "`due_time` and `delay` exclude each other"},
      {"both, one of them wrong", noon, -5s, "`due_time` and `delay` exclude each other"},
  };
  for (const auto& c : cases) {
    broker.published.clear();
    const auto receipt = call<api::PublishReceipt>(
        "/parley.Queues/Publish",
        api::PublishRequest{.queue = mails, .message = mail("ann"), .due_time = c.due_time, .delay = c.delay});
    const bool is_taken = *c.says == '\0';
    EXPECT_EQ(receipt ? Code::ok : receipt.error().code(), is_taken ? Code::ok : Code::invalid_argument) << c.what;
    if (!receipt) EXPECT_TRUE(receipt.error().message().starts_with(c.says)) << receipt.error().message();
    EXPECT_EQ(broker.published.size(), is_taken ? 1U : 0U) << c.what;
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

}  // namespace
}  // namespace parley::route
