// A member of a group against librdkafka's own mock of a cluster.
#include "queue/kafka/member.h"

#include <cstdlib>
#include <future>

#include <gtest/gtest.h>

#include "queue/kafka/answer.h"
#include "queue/kafka/mock_cluster.h"

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

Member::Options options_of_orders() {
  Member::Options options;
  options.source = {.name = "orders", .group = ""};
  options.names = names_of("", options.source);
  options.consumer.name = "orders";
  options.consumer.from_earliest = true;
  return options;
}

// Asks for messages and has none after `wait`.
void lease_nothing(Member& member, std::chrono::milliseconds wait) {
  std::promise<Result<std::vector<Delivery>>> answer;
  LeaseRequest request;
  request.wait = Deadline::after(Clock::now(), wait);
  member.lease(request, nullptr, [&](Result<std::vector<Delivery>> got) { answer.set_value(std::move(got)); });
  EXPECT_TRUE(answer.get_future().get().value().empty());
}

// Its thread does nothing until `go_on`.
void block(Member& member, std::shared_future<void> go_on) {
  member.look(false, [go_on = std::move(go_on)](const Result<Holding>&) { go_on.wait(); });
}

// It had no partitions of its own yet and did not know what to do with that when the broker went away; librdkafka's
// destructor waited for it for ever.
TEST(Member, EndsWhileItDoesNotKnowWhatItsPartitionsAre) {
  MockCluster mock;
  Settings settings = mock.settings();
  settings.session = 6s;
  Cluster cluster(settings);
  Producer producer(cluster);
  const WallClock clock;
  Member owner(cluster, producer, clock, options_of_orders());
  lease_nothing(owner, 5s);  // it has the one partition: nothing tells
  auto member = std::make_unique<Member>(cluster, producer, clock, options_of_orders());
  lease_nothing(*member, 100ms);  // it joins
  std::promise<void> go_on;
  block(*member, go_on.get_future().share());
  lease_nothing(owner, 5s);  // it has heard that it has none
  mock.go_away();
  lease_nothing(owner, 1s);  // both know it
  auto ended = std::async(std::launch::async, [&] { member.reset(); });
  go_on.set_value();
  const bool in_time = ended.wait_for(60s) == std::future_status::ready;
  EXPECT_TRUE(in_time);
  if (!in_time) std::quick_exit(1);
}

Result<std::vector<Delivery>> lease(Member& member) {
  Answer<std::vector<Delivery>> answer;
  LeaseRequest request;
  request.lease = 10min;
  request.wait = Deadline::after(Clock::now(), 60s);
  member.lease(request, nullptr, answer.report());
  return answer.get();
}

// Its handler says at once again that it is malformed, and that for as long as the dead letters take it not.
TEST(Member, WhatCannotBeBuriedComesAgainButNotAtOnce) {
  MockCluster mock;
  Cluster cluster(mock.settings());
  Producer producer(cluster);
  const WallClock clock;
  Member member(cluster, producer, clock, options_of_orders());
  ASSERT_TRUE(producer.produce_and_wait("orders", 0, {}).has_value());
  auto first = lease(member);
  ASSERT_TRUE(first.has_value()) << first.error().text();
  ASSERT_EQ(first->size(), 1U);
  constexpr std::int16_t produce = 0;  // "Kafka protocol guide", API keys
  mock.refuse(produce, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  Answer<void> settled;
  member.settle(first->front().lease, {.kind = Settlement::Kind::dead, .delay = {}, .reason = "no mail"},
                settled.report());
  EXPECT_EQ(settled.get().error().code(), Code::permission_denied);
  const Instant refused = Clock::now();
  const auto again = lease(member);
  ASSERT_TRUE(again.has_value()) << again.error().text();
  ASSERT_EQ(again->size(), 1U);
  EXPECT_EQ(again->front().attempt, 2);
  EXPECT_GE(Clock::now() - refused, 900ms);
}

TEST(Member, WhatIsAskedAfterItWasClosedIsAnswered) {
  MockCluster mock;
  Cluster cluster(mock.settings());
  Producer producer(cluster);
  const WallClock clock;
  Member member(cluster, producer, clock, options_of_orders());
  member.stop();
  const auto ask = [&] {
    Answer<Holding> answer;
    member.look(false, answer.report());
    return answer.get();
  };
  auto holding = ask();
  while (holding) holding = ask();  // it closes meanwhile
  EXPECT_EQ(holding.error().reason(), "closing");
  EXPECT_EQ(ask().error().reason(), "closing");
}

}  // namespace
}  // namespace parley::queue::kafka
