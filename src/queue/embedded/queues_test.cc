// What a queue promises (docs/formats/delivery.md), on a real store: each behaviour holds across a restart too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/embedded/store_fixture.h"

namespace parley::queue::embedded {
namespace {

using namespace std::chrono_literals;

Consumer with(void (*change)(Consumer&)) {
  Consumer consumer;
  change(consumer);
  return consumer;
}

// Each test runs as it is, and with a restart after every step that calls `step`.
class Queues : public testing::TestWithParam<bool> {
 protected:
  void declare(Consumer consumer = {}, Duration dedup = {}, Duration ttl = {}) {
    consumer.name = store.queue;
    store.declare(std::move(consumer), dedup, ttl);
    step();
  }
  void step() {
    if (GetParam()) store.restart();
  }

  StoreFixture store;
};
INSTANTIATE_TEST_SUITE_P(Restarts, Queues, testing::Bool(),
                         [](const auto& info) { return info.param ? "after_each_step" : "none"; });

TEST_P(Queues, a_message_is_delivered_once_it_is_published_and_gone_once_it_is_done) {
  declare();
  const Receipt receipt = store.publish("a");
  EXPECT_EQ(receipt.id, "id-a");
  EXPECT_EQ(receipt.position, "1");
  step();
  EXPECT_EQ(store.stats(), "waiting 1 leased 0 delayed 0 dead 0");
  const auto got = store.lease();
  ASSERT_EQ(StoreFixture::texts(got), "a");
  EXPECT_EQ(got[0].message.id, "id-a");
  EXPECT_EQ(got[0].message.source, "/test");
  EXPECT_EQ(got[0].message.type, "test.Text");
  EXPECT_EQ(got[0].message.content_type, "text/plain");
  EXPECT_EQ(got[0].message.time, store.clock.now());
  EXPECT_EQ(got[0].attempt, 1);
  EXPECT_EQ(got[0].position, "1");
  step();
  EXPECT_EQ(store.stats(), "waiting 0 leased 1 delayed 0 dead 0");
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  ASSERT_TRUE(store.done(got[0]));
  step();
  EXPECT_EQ(store.stats(), "waiting 0 leased 0 delayed 0 dead 0");
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
}

TEST_P(Queues, several_are_stored_together_or_not_at_all) {
  declare({}, 1h);
  const auto publish = [&](std::vector<Publish> all) {
    auto receipts = store.run(store.broker().publish_all(std::move(all)));
    step();
    return receipts;
  };
  const auto with_dedup = [&](const char* text, const char* dedup) {
    Publish request = store.message(text);
    request.dedup = dedup;
    return request;
  };
  const auto first = publish({store.message("a"), with_dedup("b", "1"), with_dedup("b2", "1"), store.message("c")});
  ASSERT_TRUE(first) << first.error().text();
  ASSERT_EQ(first->size(), 4U);
  EXPECT_EQ((*first)[1].position, "2");
  EXPECT_TRUE((*first)[2].duplicate) << "within the batch";
  EXPECT_EQ((*first)[2].id, "id-b");
  EXPECT_EQ((*first)[2].position, "2");
  EXPECT_EQ((*first)[3].position, "3");

  const auto again = publish({with_dedup("b3", "1"), with_dedup("d", "2")});
  ASSERT_TRUE(again);
  EXPECT_TRUE((*again)[0].duplicate);
  EXPECT_EQ((*again)[0].id, "id-b");
  EXPECT_FALSE((*again)[1].duplicate);

  Publish nowhere = store.message("f");
  nowhere.to = "nothing";
  EXPECT_EQ(publish({store.message("e"), nowhere}).error().code(), Code::not_found);
  EXPECT_EQ(publish({})->size(), 0U);
  EXPECT_EQ(StoreFixture::texts(store.lease()), "a b c d") << "nothing of the batch that was refused";
}

TEST_P(Queues, messages_come_in_order_and_no_more_at_once_than_in_flight_allows) {
  declare(with([](Consumer& c) { c.in_flight = 2; }));
  for (const char* text : {"a", "b", "c"}) store.publish(text);
  step();
  const auto got = store.lease();
  EXPECT_EQ(StoreFixture::texts(got), "a b");
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  ASSERT_TRUE(store.done(got[1]));
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "c");
}

TEST_P(Queues, a_lease_takes_no_more_bytes_than_it_asks_for_but_always_one_message) {
  declare();
  for (const char letter : {'a', 'b', 'c', 'd'}) store.publish(std::string(1'000, letter));
  step();
  const auto lease = [&](std::size_t bytes) {
    LeaseRequest request;
    request.source = {store.queue, ""};
    request.max_messages = 10;
    request.max_bytes = bytes;  // of a message with its id, key and metadata: here 2,050
    request.wait = Deadline::at(Instant::min());
    return must(store.run(store.broker().lease(request))).size();
  };
  EXPECT_EQ(lease(100), 1);
  EXPECT_EQ(lease(5'000), 2);
  EXPECT_EQ(lease(5'000), 1);
}

TEST_P(Queues, a_retry_comes_back_after_its_delay_with_the_next_attempt_and_others_pass_it) {
  declare();
  store.publish("a");
  store.publish("b");
  const auto first = store.lease(1);
  step();
  ASSERT_TRUE(store.retry(first[0], 10s));
  step();
  EXPECT_EQ(store.stats(), "waiting 1 leased 0 delayed 1 dead 0");
  EXPECT_EQ(StoreFixture::texts(store.lease()), "b");
  store.pass(9'999ms);
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  store.pass(1ms);
  step();
  const auto second = store.lease();
  ASSERT_EQ(StoreFixture::texts(second), "a");
  EXPECT_EQ(second[0].attempt, 2);
}

TEST_P(Queues, a_release_is_at_once_and_does_not_count) {
  declare();
  store.publish("a");
  const auto first = store.lease();
  ASSERT_TRUE(store.release(first[0]));
  step();
  const auto second = store.lease();
  ASSERT_EQ(StoreFixture::texts(second), "a");
  EXPECT_EQ(second[0].attempt, 1);
}

TEST_P(Queues, a_lease_that_runs_out_counts_and_the_message_goes_to_another) {
  declare(with([](Consumer& c) { c.retry.attempts = 2; }));
  store.publish("a");
  const auto first = store.lease();
  step();
  store.pass(30s);
  step();
  const auto second = store.lease();
  ASSERT_EQ(StoreFixture::texts(second), "a");
  EXPECT_EQ(second[0].attempt, 2);
  EXPECT_EQ(reason_of(store.done(first[0])), "lease_lost");
  step();
  store.pass(30s);
  step();
  EXPECT_EQ(store.stats(), "waiting 0 leased 0 delayed 0 dead 1");
  EXPECT_EQ(store.peek(Shelf::dead)[0].reason, "after 2 attempts: the lease ran out");
  EXPECT_EQ(store.peek(Shelf::dead)[0].attempts, 2);
}

TEST_P(Queues, a_position_leads_to_its_message) {
  declare(with([](Consumer& c) { c.keyed = true; }));
  const auto shelf = [&](const Receipt& receipt) -> std::string {
    const auto found = store.run(store.broker().where_is({store.queue, ""}, receipt.position));
    if (!found) return found.error().text();
    if (!*found) return "gone";
    EXPECT_EQ((*found)->message.position, receipt.position);
    EXPECT_EQ((*found)->message.message.id, receipt.id);
    constexpr const char* names[] = {"waiting", "leased", "delayed", "dead"};
    return names[static_cast<int>((*found)->shelf)];
  };
  Publish scheduled = store.message("later");
  scheduled.due = store.clock.now() + 1h;
  const Receipt later = must(store.run(store.broker().publish(std::move(scheduled))));
  std::vector<Receipt> receipts;
  for (const char* text : {"a", "b", "c", "d"}) receipts.push_back(store.publish(text, "k"));
  const Receipt other = store.publish("other", "l");
  step();
  EXPECT_EQ(shelf(later), "delayed");
  EXPECT_EQ(shelf(receipts[0]), "waiting");
  const auto taken = store.lease();
  ASSERT_EQ(StoreFixture::texts(taken), "a other");
  EXPECT_EQ(shelf(receipts[0]), "leased");
  EXPECT_EQ(shelf(receipts[1]), "waiting") << "behind its key";
  must(store.retry(taken[0], 5s));
  must(store.bury(taken[1], "why not"));
  step();
  EXPECT_EQ(shelf(receipts[0]), "delayed");
  EXPECT_EQ(shelf(other), "dead");
  EXPECT_EQ(shelf(receipts[3]), "waiting");
  store.pass(5s);
  must(store.done(store.lease()[0]));
  step();
  EXPECT_EQ(shelf(receipts[0]), "gone");
  EXPECT_EQ(shelf({.id = {}, .position = "1000000"}), "gone");
  EXPECT_THAT(shelf({.id = {}, .position = "nowhere"}), testing::HasSubstr("INVALID_ARGUMENT"));
}

TEST_P(Queues, an_extended_lease_lasts_longer) {
  declare();
  store.publish("a");
  const auto got = store.lease();
  store.pass(29s);
  ASSERT_TRUE(store.run(store.broker().extend({store.queue, ""}, got[0].lease, 30s)));
  step();
  store.pass(29s);
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  ASSERT_TRUE(store.done(got[0]));
}

TEST_P(Queues, a_lease_is_settled_once) {
  declare();
  store.publish("a");
  const auto got = store.lease();
  ASSERT_TRUE(store.done(got[0]));
  step();
  EXPECT_EQ(reason_of(store.done(got[0])), "lease_lost");
  EXPECT_EQ(reason_of(store.run(store.broker().extend({store.queue, ""}, got[0].lease, 30s))), "lease_lost");
  EXPECT_EQ(reason_of(store.run(store.broker().extend({store.queue, ""}, "nonsense", 30s))), "lease_lost");
}

TEST_P(Queues, dead_letters_keep_the_message_and_come_back_with_the_same_id_and_no_attempts) {
  declare();
  store.publish("a");
  store.publish("b");
  const auto got = store.lease();
  ASSERT_TRUE(store.bury(got[0], "INVALID_ARGUMENT: no such customer"));
  ASSERT_TRUE(store.bury(got[1], "other"));
  step();
  const auto dead = store.peek(Shelf::dead);
  ASSERT_EQ(dead.size(), 2);
  EXPECT_EQ(dead[0].message.payload.view(), "a");
  EXPECT_EQ(dead[0].reason, "INVALID_ARGUMENT: no such customer");
  EXPECT_EQ(dead[0].attempts, 1);
  EXPECT_EQ(dead[0].since, store.clock.now());
  EXPECT_EQ(must(store.run(store.broker().redrive({store.queue, ""}, {dead[0].position, "77"}))), 1);
  step();
  EXPECT_EQ(store.stats(), "waiting 1 leased 0 delayed 0 dead 1");
  EXPECT_EQ(must(store.run(store.broker().redrive({store.queue, ""}, {}))), 1);
  step();
  const auto again = store.lease();
  ASSERT_EQ(StoreFixture::texts(again), "a b");
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_EQ(again[0].message.id, "id-a");
  EXPECT_EQ(store.stats(), "waiting 0 leased 2 delayed 0 dead 0");
}

}  // namespace
}  // namespace parley::queue::embedded
