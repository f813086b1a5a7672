// The producer against librdkafka's own mock of a cluster.
#include "queue/kafka/producer.h"

#include <future>

#include <gtest/gtest.h>

#include "queue/kafka/mock_cluster.h"

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

Record record(std::string_view text) {
  Record out;
  out.value = Bytes::copy_of(text);
  return out;
}

std::future<Result<Placed>> produce(Producer& producer, std::string_view text) {
  auto promise = std::make_shared<std::promise<Result<Placed>>>();
  auto answer = promise->get_future();
  producer.produce("orders", -1, record(text), [promise](Result<Placed> placed) { promise->set_value(placed); });
  return answer;
}

// Who waits for a confirmation must hear something, or waits for ever: the answers of the old client come by it only.
TEST(Producer, WhatWasUnderWayAtAFatalErrorIsAnsweredAndANewClientGoesOn) {
  MockCluster mock;
  Cluster cluster(mock.settings());
  Producer producer(cluster);
  ASSERT_TRUE(produce(producer, "before").get().has_value());
  mock.answer_after(20s);
  auto lost = produce(producer, "lost");
  std::this_thread::sleep_for(200ms);  // it is on the wire: nothing tells
  {
    auto client = producer.client();
    ASSERT_TRUE(client.has_value());
    rd_kafka_test_fatal_error(client->get(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "a test");
  }
  ASSERT_TRUE(producer.client().has_value());  // the new one
  ASSERT_EQ(lost.wait_for(60s), std::future_status::ready);
  EXPECT_FALSE(lost.get().has_value());
  mock.answer_after(0ms);
  auto after = produce(producer, "after");
  ASSERT_EQ(after.wait_for(60s), std::future_status::ready);
  const auto placed = after.get();
  EXPECT_TRUE(placed.has_value()) << placed.error().text();
}

}  // namespace
}  // namespace parley::queue::kafka
