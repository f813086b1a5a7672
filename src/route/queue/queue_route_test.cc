#include "route/queue/queue_route.h"

#include <list>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/transcode.h"
#include "loop/task_group.h"
#include "queue/declarations_of.h"
#include "queue/fake_broker.h"

namespace parley::route {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class FixedClock final : public WallClock {
 public:
  WallTime now() const override { return WallTime(std::chrono::milliseconds(1'900'000'000'250)); }
};

class QueueRouteTest : public testing::Test {
 protected:
  QueueRouteTest() { shard.use_fake_time(); }

  Call& start(const char* rpc, std::string_view json, Fields metadata = {}, Duration deadline = Duration::zero()) {
    const contract::Method& method = *contract->find(rpc);
    std::string wire;
    EXPECT_TRUE(contract::json_to_wire(*method.input, json, wire)) << json;
    return start_wire(rpc, std::move(wire), std::move(metadata), deadline);
  }
  Call& start_wire(const char* rpc, std::string wire, Fields metadata = {}, Duration deadline = Duration::zero()) {
    Call& call = calls.emplace_back(contract, *contract->find(rpc), "test");
    call.metadata = std::move(metadata);
    if (deadline > Duration::zero()) call.set_deadline(Deadline::after(shard.now(), deadline));
    call.requests.push(Bytes(std::move(wire)));
    call.requests.end();
    tasks.spawn(answer(route, call));
    settle();
    return call;
  }
  void settle() { shard.advance(Duration::zero()); }

  static std::string reply(Call& call) {
    if (!call.is_finished()) return "not finished";
    if (call.status() != nullptr) return call.status()->text();
    const auto message = call.replies.take();
    std::string json;
    if (!message || !*message) return "no reply";
    EXPECT_TRUE(contract::wire_to_json(*call.method().output, (*message)->view(), json));
    return json;
  }

  Shard shard{0};
  contract::ContractPtr contract =
      contract::load_text(
          "service Mailer {"
          "rpc SendMail(Mail) returns (parley.Receipt) { option (parley.queue) = {key: \"to.id\" dedup: {field: "
          "\"request_id\"}}; }"
          "rpc Count(Number) returns (google.protobuf.Empty) { option (parley.queue) = {key: \"shard\" dedup: {field: "
          "\"nonce\"}}; } }"
          "message Mail { Customer to = 1; string request_id = 2; string text = 3; } message Customer { string id = 1; "
          "} message Number { int32 shard = 1; int64 nonce = 2; }")
          .contract;
  queue::FakeBroker broker{shard, queue::declarations_of(*contract)};
  FixedClock clock;
  QueueRoute route{broker, clock};
  std::list<Call> calls;
  TaskGroup tasks;
};

TEST_F(QueueRouteTest, a_call_is_stored_and_its_receipt_is_the_reply) {
  Call& call = start("/shop.Mailer/SendMail", R"({"to":{"id":"c1"},"requestId":"r1","text":"hello"})");
  ASSERT_EQ(broker.published.size(), 1U);
  const queue::Publish& stored = broker.published[0];
  EXPECT_EQ(stored.to, "shop.Mailer/SendMail");
  EXPECT_EQ(stored.dedup, "r1");
  EXPECT_FALSE(stored.due);
  EXPECT_EQ(stored.message.key, "c1");
  EXPECT_EQ(stored.message.type, "shop.Mail");
  EXPECT_EQ(stored.message.source, "/shop.Mailer/SendMail");
  EXPECT_EQ(stored.message.content_type, "application/protobuf");
  EXPECT_EQ(stored.message.time, clock.now());
  std::string json;
  ASSERT_TRUE(contract::wire_to_json(*call.method().input, stored.message.payload.view(), json));
  EXPECT_EQ(json, R"({"to":{"id":"c1"},"requestId":"r1","text":"hello"})");
  EXPECT_EQ(reply(call), R"({"messageId":")" + stored.message.id +
                             R"(","queue":"shop.Mailer/SendMail","key":"c1","acceptTime":"2030-03-17T17:46:40.250Z",)"
                             R"("position":"00000001"})");
  EXPECT_EQ(call.accepted, "/parley/queues/shop.Mailer/SendMail/messages/00000001");
}

TEST_F(QueueRouteTest, the_same_call_again_gets_the_first_ones_receipt) {
  start("/shop.Mailer/SendMail", R"({"to":{"id":"c1"},"requestId":"r1"})");
  Call& again = start("/shop.Mailer/SendMail", R"({"to":{"id":"c1"},"requestId":"r1"})");
  const std::string receipt = reply(again);
  EXPECT_THAT(receipt, HasSubstr(broker.published[0].message.id));
  EXPECT_THAT(receipt, HasSubstr(R"("duplicate":true)"));
}

TEST_F(QueueRouteTest, keys_and_dedup_fields_that_say_nothing) {
  const struct {
    const char* name;
    const char* rpc;
    const char* json;
    const char* key;
    const char* dedup;
  } cases[] = {
      {"all there", "/shop.Mailer/Count", R"({"shard":3,"nonce":"7"})", "3", "7"},
      {"a number that is zero is a key, and names no call", "/shop.Mailer/Count", "{}", "0", ""},
      {"an empty text is no key", "/shop.Mailer/SendMail", R"({"to":{}})", "", ""},
      {"nor is a field of a message that is not there", "/shop.Mailer/SendMail", "{}", "", ""},
  };
  for (const auto& c : cases) {
    broker.published.clear();
    start(c.rpc, c.json);
    ASSERT_EQ(broker.published.size(), 1U) << c.name;
    EXPECT_EQ(broker.published[0].message.key, c.key) << c.name;
    EXPECT_EQ(broker.published[0].dedup, c.dedup) << c.name;
  }
}

TEST_F(QueueRouteTest, a_rpc_that_returns_empty_gets_an_empty_reply) {
  Call& call = start("/shop.Mailer/Count", "{}");
  EXPECT_EQ(reply(call), "{}");
  EXPECT_EQ(call.accepted, "/parley/queues/shop.Mailer/Count/messages/00000001");
}

TEST_F(QueueRouteTest, what_is_not_of_its_type_is_refused_at_the_door) {
  const struct {
    const char* name;
    std::string wire;
    const char* says;
  } cases[] = {
      {"cut off", "\x12\x05r", "INVALID_ARGUMENT: $: malformed Protobuf: field 2 is cut off"},
      {"not UTF-8", "\x12\x01\xff", "INVALID_ARGUMENT: $.requestId: a string is not valid UTF-8"},
      {"within a message", std::string("\x0a\x03\x0a\x01\xff", 5), "$.to.id: a string is not valid UTF-8"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(reply(start_wire("/shop.Mailer/SendMail", c.wire)), HasSubstr(c.says)) << c.name;
  EXPECT_TRUE(broker.published.empty());
}

TEST_F(QueueRouteTest, a_later_time_by_metadata) {
  const WallTime now = clock.now();
  const struct {
    const char* name;
    Fields metadata;
    std::optional<WallTime> due;
    const char* says;
  } cases[] = {
      {"none", {}, std::nullopt, ""},
      {"a delay", {{"parley-delay", "10m"}}, now + 10min, ""},
      {"a long delay", {{"parley-delay", "3d"}}, now + 72h, ""},
      {"a time", {{"parley-due", "2030-03-17T18:46:40.250Z"}}, now + 1h, ""},
      {"a time elsewhere", {{"parley-due", "2030-03-17T18:46:40+01:00"}}, now - 250ms, ""},
      {"both", {{"parley-delay", "1s"}, {"parley-due", "2030-03-17T18:46:40Z"}}, std::nullopt, "give one of them"},
      {"a delay beyond the years that a timestamp has",
       {{"parley-delay", "100000000d"}},
       std::nullopt,
       "parley-delay: \"100000000d\" from now is beyond the year 9999"},
      {"a delay that is none", {{"parley-delay", "soon"}}, std::nullopt, "such as 10m, got \"soon\""},
      {"a time that is none",
       {{"parley-due", "tomorrow"}},
       std::nullopt,
       "parley-due: expected a timestamp such as 2030-01-31T12:00:00Z, got \"tomorrow\""},
  };
  for (const auto& c : cases) {
    broker.published.clear();
    Call& call = start("/shop.Mailer/Count", "{}", c.metadata);
    if (*c.says != 0) {
      EXPECT_THAT(reply(call), HasSubstr(c.says)) << c.name;
      EXPECT_EQ(call.status()->code(), Code::invalid_argument) << c.name;
      continue;
    }
    ASSERT_EQ(broker.published.size(), 1U) << c.name;
    EXPECT_EQ(broker.published[0].due, c.due) << c.name;
  }
}

TEST_F(QueueRouteTest, metadata_is_kept_but_credentials_are_not) {
  start("/shop.Mailer/Count", "{}",
        {{"x-tenant", "t1"},
         {"authorization", "Bearer secret"},
         {"cookie", "secret"},
         {"parley-delay", "1s"},
         {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
         {"user-agent", "curl"}});
  ASSERT_EQ(broker.published.size(), 1U);
  std::string kept;
  for (const Field field : broker.published[0].message.metadata) kept += std::string(field.name) + " ";
  EXPECT_EQ(kept, "x-tenant traceparent ");
}

TEST_F(QueueRouteTest, a_deadline_that_passes_while_it_is_stored_says_so) {
  broker.hold_publish = true;
  Call& call = start("/shop.Mailer/Count", "{}", {}, 1s);
  EXPECT_FALSE(call.cancelled());
  shard.advance(1100ms);
  ASSERT_TRUE(call.cancelled()) << "the caller does not wait for the broker";
  EXPECT_EQ(call.cancelled()->code(), Code::deadline_exceeded);
  EXPECT_THAT(call.cancelled()->message(), HasSubstr("it may be stored"));
  broker.hold_publish = false;
  broker.wake();
  settle();
  EXPECT_EQ(broker.published.size(), 1U);
}

TEST_F(QueueRouteTest, a_broker_that_refuses_is_heard) {
  broker.fail_publish = Error(Code::resource_exhausted, Blame::us, "the disk is full").with_reason("disk_full");
  Call& call = start("/shop.Mailer/Count", "{}");
  EXPECT_EQ(reply(call), "RESOURCE_EXHAUSTED (disk_full): the disk is full");
  EXPECT_FALSE(call.accepted);
}

TEST(QueueLocation, EscapesPositions) {
  EXPECT_EQ(location_of("shop.S/Q", "3/17:a"), "/parley/queues/shop.S/Q/messages/3%2F17%3Aa");
  EXPECT_EQ(location_of("shop.S/Q", ""), "");
}

}  // namespace
}  // namespace parley::route
