// As many keys as a group can have busy at once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "queue/embedded/store_fixture.h"

namespace parley::queue::embedded {
namespace {

using namespace std::chrono_literals;

TEST(BusyKeys, at_the_bound_the_head_stops_goes_on_with_the_first_free_key_and_it_is_said_once) {
  ModelOptions options;
  options.busy_lines = 8;
  StoreFixture store(options);
  Consumer consumer;
  consumer.name = store.queue;
  consumer.keyed = true;
  consumer.in_flight = 100;
  store.declare(consumer);
  for (int i = 0; i < 12; ++i) store.publish(fmt::format("{}", i), fmt::format("key {}", i));
  const auto busy = [&] { return must(store.run(store.broker().stats({store.queue, ""}))).busy_keys; };
  testing::internal::CaptureStderr();
  std::vector<Delivery> got;
  for (int i = 0; i < 8; ++i) got.push_back(store.lease(1).at(0));
  EXPECT_EQ(StoreFixture::texts(got), "0 1 2 3 4 5 6 7");
  EXPECT_EQ(busy(), 8U);
  EXPECT_TRUE(store.lease(100).empty());
  store.pass(61s);  // their leases run out; what is due again goes on, and the others' turn has not come
  got = store.lease(100);
  EXPECT_EQ(StoreFixture::texts(got), "0 1 2 3 4 5 6 7");
  store.pass(61s);
  const std::string said = testing::internal::GetCapturedStderr();
  const std::size_t at = said.find("8 keys are busy at once, 0 of them held by dead letters");
  ASSERT_NE(at, std::string::npos) << said;
  EXPECT_EQ(said.find("keys are busy", at + 10), std::string::npos) << said;
  got = store.lease(100);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store.done(got.at(static_cast<std::size_t>(i))));
  for (const char* next : {"8", "9", "10"}) EXPECT_EQ(StoreFixture::texts(store.lease(1)), next);
  EXPECT_TRUE(store.lease(100).empty());
}

}  // namespace
}  // namespace parley::queue::embedded
