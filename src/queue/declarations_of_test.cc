#include "queue/declarations_of.h"

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"

namespace parley::queue {
namespace {

using namespace std::chrono_literals;

contract::ContractPtr contract_of(std::string_view body) {
  contract::Loaded loaded = contract::load_text(body);
  EXPECT_NE(loaded.contract, nullptr) << contract::all_text(loaded.diagnostics);
  return loaded.contract;
}

TEST(Declarations, ARpcIsAQueueOfItsName) {
  const auto contract = contract_of(
      "service Mailer { rpc SendMail(Mail) returns (parley.Receipt) { option (parley.queue) = {key: \"to\" dedup: "
      "{field: \"id\" window: \"1h\"} retry: {attempts: 2 fatal: [NOT_FOUND]} lease: \"10s\" in_flight: 5 ttl: "
      "\"72h\"}; } rpc Plain(Mail) returns (Mail); } message Mail { string to = 1; string id = 2; }");
  const Declarations all = declarations_of(*contract);
  ASSERT_EQ(all.queues.size(), 1U);
  EXPECT_TRUE(all.topics.empty());
  const QueueDeclaration& queue = all.queues[0];
  EXPECT_EQ(queue.consumer.name, "shop.Mailer/SendMail");
  EXPECT_EQ(queue.consumer.group, "");
  EXPECT_TRUE(queue.consumer.keyed);
  EXPECT_EQ(queue.consumer.lease, 10s);
  EXPECT_EQ(queue.consumer.in_flight, 5);
  EXPECT_EQ(queue.consumer.retry.attempts, 2);
  EXPECT_EQ(queue.consumer.retry.fatal, std::vector{Code::not_found});
  EXPECT_EQ(queue.dedup_window, 1h);
  EXPECT_EQ(queue.ttl, 72h);
}

TEST(Declarations, ATopicGathersItsEventTypesAndGroups) {
  const auto contract = contract_of(
      "message Placed { option (parley.event) = {topic: \"orders\" key: \"id\" keep: \"1d\"}; string id = 1; }"
      "message Gone { option (parley.event) = {topic: \"orders\" keep: \"2d\"}; }"
      "message Alone { option (parley.event) = {topic: \"lonely\" keep: \"0s\"}; }"
      "message Never { option (parley.event) = {topic: \"lonely\" keep: \"9d\"}; }"
      "service Mailer { rpc OnPlaced(Placed) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; }"
      "rpc OnGone(Gone) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; } }"
      "service Books { rpc Book(Placed) returns (google.protobuf.Empty) { option (parley.subscribe) = {group: \"a\" "
      "start: EARLIEST in_flight: 3}; } }");
  const Declarations all = declarations_of(*contract);
  EXPECT_TRUE(all.queues.empty());
  ASSERT_EQ(all.topics.size(), 2U);
  EXPECT_EQ(all.topics[0].name, "lonely");
  EXPECT_FALSE(all.topics[0].keyed);
  EXPECT_EQ(all.topics[0].keep, 0s) << "for ever is longest";
  EXPECT_TRUE(all.topics[0].groups.empty());
  const TopicDeclaration& orders = all.topics[1];
  EXPECT_TRUE(orders.keyed);
  EXPECT_EQ(orders.keep, 48h);
  ASSERT_EQ(orders.groups.size(), 2U) << "rpcs of one group are one";
  EXPECT_EQ(orders.groups[0].group, "a");
  EXPECT_TRUE(orders.groups[0].from_earliest);
  EXPECT_EQ(orders.groups[0].in_flight, 3);
  EXPECT_EQ(orders.groups[1].group, "shop.Mailer");
  EXPECT_EQ(orders.groups[1].name, "orders");
  EXPECT_TRUE(orders.groups[1].keyed);
}

}  // namespace
}  // namespace parley::queue
