// Order by key, due times, time to live, dedup, and looking after a queue, on a real store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/embedded/store_fixture.h"

namespace parley::queue::embedded {
namespace {

using namespace std::chrono_literals;

class Keyed : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    Consumer consumer;
    consumer.name = store.queue;
    consumer.keyed = true;
    store.declare(consumer);
  }
  void step() {
    if (GetParam()) store.restart();
  }
  StoreFixture store;
};
INSTANTIATE_TEST_SUITE_P(Restarts, Keyed, testing::Bool(),
                         [](const auto& info) { return info.param ? "after_each_step" : "none"; });

TEST_P(Keyed, messages_of_one_key_come_one_at_a_time_and_in_order) {
  for (const char* text : {"a1", "a2", "b1", "a3", "b2"}) store.publish(text, std::string(1, text[0]));
  store.publish("free");
  step();
  auto got = store.lease();
  ASSERT_EQ(StoreFixture::texts(got), "a1 b1 free");
  EXPECT_EQ(store.stats(), "waiting 3 leased 3 delayed 0 dead 0");
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  ASSERT_TRUE(store.done(got[0]));
  step();
  got = store.lease();
  ASSERT_EQ(StoreFixture::texts(got), "a2");
  ASSERT_TRUE(store.done(got[0]));
  EXPECT_EQ(StoreFixture::texts(store.lease()), "a3");
}

TEST_P(Keyed, a_retry_blocks_its_key_only) {
  for (const char* text : {"a1", "a2", "b1"}) store.publish(text, std::string(1, text[0]));
  auto got = store.lease();
  ASSERT_EQ(StoreFixture::texts(got), "a1 b1");
  ASSERT_TRUE(store.retry(got[0], 10s));
  ASSERT_TRUE(store.done(got[1]));
  step();
  store.publish("b2", "b");
  EXPECT_EQ(StoreFixture::texts(store.lease()), "b2");
  store.pass(10s);
  step();
  got = store.lease();
  ASSERT_EQ(StoreFixture::texts(got), "a1");
  EXPECT_EQ(got[0].attempt, 2);
  ASSERT_TRUE(store.done(got[0]));
  EXPECT_EQ(StoreFixture::texts(store.lease()), "a2");
}

TEST_P(Keyed, followers_of_a_dead_letter_go_on) {
  for (const char* text : {"a1", "a2"}) store.publish(text, "a");
  auto got = store.lease();
  ASSERT_TRUE(store.bury(got[0], "no"));
  step();
  got = store.lease();
  ASSERT_EQ(StoreFixture::texts(got), "a2");
  EXPECT_EQ(must(store.run(store.broker().redrive({store.queue, ""}, {}))), 1);
  step();
  // The key is busy: the old one takes its turn.
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  ASSERT_TRUE(store.done(got[0]));
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "a1");
}

TEST_P(Keyed, a_release_and_a_lost_lease_keep_the_keys_order) {
  for (const char* text : {"a1", "a2"}) store.publish(text, "a");
  auto got = store.lease();
  ASSERT_TRUE(store.release(got[0]));
  step();
  got = store.lease();
  ASSERT_EQ(StoreFixture::texts(got), "a1");
  store.pass(30s);
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "a1");
}

class Times : public testing::TestWithParam<bool> {
 protected:
  void declare(Duration dedup = {}, Duration ttl = {}) {
    Consumer consumer;
    consumer.name = store.queue;
    store.declare(consumer, dedup, ttl);
  }
  void step() {
    if (GetParam()) store.restart();
  }
  Receipt publish_once(std::string text, std::string dedup) {
    Publish request = store.message(std::move(text));
    request.dedup = std::move(dedup);
    return must(store.run(store.broker().publish(request)));
  }
  StoreFixture store;
};
INSTANTIATE_TEST_SUITE_P(Restarts, Times, testing::Bool(),
                         [](const auto& info) { return info.param ? "after_each_step" : "none"; });

TEST_P(Times, a_due_time_of_72_hours_survives_restarts_and_nothing_comes_early) {
  declare();
  Publish late = store.message("late");
  late.due = store.clock.now() + 72h;
  must(store.run(store.broker().publish(late)));
  store.publish("now");
  step();
  EXPECT_EQ(store.stats(), "waiting 1 leased 0 delayed 1 dead 0");
  EXPECT_EQ(store.peek(Shelf::delayed)[0].due, store.clock.now() + 72h);
  EXPECT_EQ(StoreFixture::texts(store.lease()), "now");
  store.pass(72h - 1ms);
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease(1)), "now");  // its lease ran out
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  store.pass(1ms);
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "late");
  EXPECT_EQ(store.stats(), "waiting 0 leased 2 delayed 0 dead 0");
}

TEST_P(Times, a_message_for_later_is_not_delivered_twice_when_the_cursor_comes_to_it) {
  declare();
  store.publish("a");
  Publish late = store.message("late");
  late.due = store.clock.now() + 1s;
  must(store.run(store.broker().publish(late)));
  store.pass(1s);
  step();
  auto got = store.lease(1);
  ASSERT_EQ(StoreFixture::texts(got), "late");  // what is due again goes first
  ASSERT_TRUE(store.done(got[0]));
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "a");
  store.publish("b");
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "b");
  EXPECT_EQ(store.stats(), "waiting 0 leased 2 delayed 0 dead 0");
}

TEST_P(Times, a_clock_that_is_set_back_neither_stretches_leases_nor_retries) {
  declare();
  store.publish("a");
  store.publish("b");
  auto got = store.lease();
  ASSERT_TRUE(store.retry(got[1], 10s));
  store.pass(1ms);
  store.pass(-24h);
  step();
  store.pass(10s);
  EXPECT_EQ(StoreFixture::texts(store.lease()), "b");
  store.pass(20s);
  EXPECT_EQ(StoreFixture::texts(store.lease(1)), "a");
}

TEST_P(Times, what_outlived_its_time_goes_to_the_dead_letters_and_not_to_a_handler) {
  declare({}, 1h);
  store.publish("a");
  Publish longer = store.message("b");
  longer.expires = store.clock.now() + 2h;
  must(store.run(store.broker().publish(longer)));
  store.publish("c");
  step();
  store.pass(1h);
  // Nobody leases: the head goes by itself, what is behind a longer one when it is met.
  EXPECT_EQ(store.stats(), "waiting 2 leased 0 delayed 0 dead 1");
  step();
  const auto got = store.lease();
  EXPECT_EQ(StoreFixture::texts(got), "b");
  EXPECT_EQ(store.stats(), "waiting 0 leased 1 delayed 0 dead 2");
  EXPECT_EQ(store.peek(Shelf::dead)[1].reason, "expired");
  EXPECT_EQ(store.peek(Shelf::dead)[1].message.payload.view(), "c");
  ASSERT_TRUE(store.retry(got[0], 1h));
  store.pass(1h);
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  EXPECT_EQ(store.stats(), "waiting 0 leased 0 delayed 0 dead 3");
}

TEST_P(Times, a_duplicate_within_the_window_gets_the_first_receipt) {
  declare(1h);
  const Receipt first = publish_once("a", "order-1");
  step();
  const Receipt second = publish_once("b", "order-1");
  EXPECT_TRUE(second.duplicate);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.position, first.position);
  EXPECT_FALSE(publish_once("c", "order-2").duplicate);
  EXPECT_EQ(store.stats(), "waiting 2 leased 0 delayed 0 dead 0");
  // Being done does not end the window.
  for (const Delivery& each : store.lease()) ASSERT_TRUE(store.done(each));
  store.pass(1h - 1ms);
  step();
  EXPECT_TRUE(publish_once("d", "order-1").duplicate);
  store.pass(1ms);
  EXPECT_FALSE(publish_once("e", "order-1").duplicate);
  step();
  store.pass(10min);  // the old entry is cleaned up, the new one stays
  step();
  EXPECT_TRUE(publish_once("f", "order-1").duplicate);
}

TEST_P(Times, purge_takes_what_is_on_its_shelf_and_no_more) {
  declare();
  for (const char* text : {"a", "b", "c", "d"}) store.publish(text);
  Publish late = store.message("late");
  late.due = store.clock.now() + 1h;
  must(store.run(store.broker().publish(late)));
  const auto got = store.lease(3);
  ASSERT_TRUE(store.bury(got[0], "no"));
  ASSERT_TRUE(store.release(got[1]));
  step();
  EXPECT_EQ(store.stats(), "waiting 2 leased 1 delayed 1 dead 1");
  const auto purge = [&](Shelf shelf) { return must(store.run(store.broker().purge({store.queue, ""}, shelf))); };
  EXPECT_EQ(purge(Shelf::waiting), 2);
  step();
  EXPECT_EQ(store.stats(), "waiting 0 leased 1 delayed 1 dead 1");
  EXPECT_EQ(purge(Shelf::dead), 1);
  EXPECT_EQ(purge(Shelf::delayed), 1);
  step();
  EXPECT_EQ(store.stats(), "waiting 0 leased 1 delayed 0 dead 0");
  EXPECT_EQ(store.run(store.broker().purge({store.queue, ""}, Shelf::leased)).error().code(), Code::invalid_argument);
  ASSERT_TRUE(store.done(got[2]));
  store.publish("e");
  EXPECT_EQ(StoreFixture::texts(store.lease()), "e");
}

TEST_P(Times, a_pause_survives_and_publishing_goes_on) {
  declare();
  store.publish("a");
  must(store.run(store.broker().pause({store.queue, ""}, true)));
  step();
  store.publish("b");
  EXPECT_EQ(StoreFixture::texts(store.lease()), "");
  EXPECT_TRUE(must(store.run(store.broker().stats({store.queue, ""}))).paused);
  must(store.run(store.broker().pause({store.queue, ""}, false)));
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease()), "a b");
}

TEST_P(Times, peek_shows_each_shelf_and_takes_nothing) {
  declare();
  for (const char* text : {"a", "b", "c", "d"}) store.publish(text);
  const auto got = store.lease(2);
  ASSERT_TRUE(store.retry(got[1], 1h));
  step();
  const auto texts = [&](Shelf shelf, Position after = {}) {
    std::string all;
    PeekRequest request{.source = {store.queue, ""}, .shelf = shelf, .after = std::move(after), .max_messages = 2};
    for (const Peeked& each : must(store.run(store.broker().peek(request))))
      all += std::string(each.message.payload.view()) + std::to_string(each.attempts) + " ";
    return all;
  };
  store.publish("e");
  EXPECT_EQ(texts(Shelf::leased), "a1 ");
  EXPECT_EQ(texts(Shelf::delayed), "b1 ");
  EXPECT_EQ(texts(Shelf::waiting), "c0 d0 ");
  EXPECT_EQ(texts(Shelf::waiting, "4"), "e0 ");
  EXPECT_EQ(store.peek(Shelf::delayed)[0].due, store.clock.now() + 1h);
  EXPECT_EQ(store.stats(), "waiting 3 leased 1 delayed 1 dead 0");
}

TEST_P(Times, the_oldest_that_is_not_settled_tells_its_age) {
  declare();
  store.publish("a");
  const WallTime then = store.clock.now();
  store.pass(1h);
  store.publish("b");
  const auto got = store.lease(1);
  const auto oldest = [&] { return must(store.run(store.broker().stats({store.queue, ""}))).oldest; };
  EXPECT_EQ(oldest(), then);
  ASSERT_TRUE(store.done(got[0]));
  step();
  EXPECT_EQ(oldest(), then + 1h);
  for (const Delivery& each : store.lease()) ASSERT_TRUE(store.done(each));
  EXPECT_EQ(oldest(), std::nullopt);
}

// retry.followers: WAIT
class Held : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { declare(true); }
  void declare(bool followers_wait, Duration ttl = {}) {
    Consumer consumer;
    consumer.name = store.queue;
    consumer.keyed = true;
    consumer.lease = 10s;
    consumer.retry.attempts = 1;
    consumer.retry.followers_wait = followers_wait;
    store.declare(consumer, {}, ttl);
    step();
  }
  void step() {
    if (GetParam()) store.restart();
  }
  void publish(std::initializer_list<const char*> texts) {
    for (const char* text : texts) store.publish(text, std::string(1, text[0]));
    step();
  }
  std::string lease() {
    got = store.lease();
    step();
    return StoreFixture::texts(got);
  }
  void bury_first() {
    ASSERT_TRUE(store.bury(got.at(0), "no"));
    step();
  }
  void finish_all() {
    for (const Delivery& delivery : got) ASSERT_TRUE(store.done(delivery));
    step();
  }
  std::uint64_t redrive(std::vector<Position> which = {}) {
    const std::uint64_t count = must(store.run(store.broker().redrive({store.queue, ""}, std::move(which))));
    step();
    return count;
  }
  std::uint64_t held() { return must(store.run(store.broker().stats({store.queue, ""}))).held_keys; }

  StoreFixture store;
  std::vector<Delivery> got;
};
INSTANTIATE_TEST_SUITE_P(Restarts, Held, testing::Bool(),
                         [](const auto& info) { return info.param ? "after_each_step" : "none"; });

TEST_P(Held, followers_of_a_dead_letter_wait_until_it_is_redriven_and_come_behind_it) {
  publish({"a1", "a2", "b1"});
  ASSERT_EQ(lease(), "a1 b1");
  bury_first();
  EXPECT_EQ(held(), 1U);
  publish({"a3", "b2", "c1"});
  ASSERT_TRUE(store.done(got[1]));
  EXPECT_EQ(lease(), "b2 c1") << "other keys go on";
  EXPECT_EQ(store.stats(), "waiting 2 leased 2 delayed 0 dead 1");
  finish_all();
  EXPECT_EQ(redrive(), 1U);
  EXPECT_EQ(held(), 0U);
  for (const char* next : {"a1", "a2", "a3"}) {
    ASSERT_EQ(lease(), next);
    EXPECT_EQ(got[0].attempt, 1);
    finish_all();
  }
  EXPECT_EQ(lease(), "");
}

TEST_P(Held, it_may_die_again) {
  publish({"a1", "a2"});
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(lease(), "a1");
    bury_first();
    EXPECT_EQ(lease(), "");
    EXPECT_EQ(redrive(), 1U);
  }
  ASSERT_EQ(lease(), "a1");
  finish_all();
  EXPECT_EQ(lease(), "a2");
}

TEST_P(Held, a_purge_of_the_dead_letter_lets_them_go_on) {
  publish({"a1", "a2"});
  ASSERT_EQ(lease(), "a1");
  bury_first();
  EXPECT_EQ(lease(), "");
  EXPECT_EQ(must(store.run(store.broker().purge({store.queue, ""}, Shelf::dead))), 1U);
  step();
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(lease(), "a2");
}

TEST_P(Held, a_lease_that_runs_out_for_the_last_time_holds_the_key_too) {
  publish({"a1", "a2"});
  ASSERT_EQ(lease(), "a1");
  store.pass(60s);
  step();
  EXPECT_EQ(store.stats(), "waiting 1 leased 0 delayed 0 dead 1");
  EXPECT_EQ(lease(), "");
  EXPECT_EQ(held(), 1U);
}

TEST_P(Held, of_several_dead_letters_each_holds_the_key_and_they_come_back_in_order) {
  declare(true, 5s);
  publish({"a1", "a2"});
  store.pass(6s);
  step();
  declare(true);
  publish({"a3", "b1"});
  ASSERT_EQ(lease(), "b1");
  finish_all();
  EXPECT_EQ(store.stats(), "waiting 1 leased 0 delayed 0 dead 2");
  EXPECT_EQ(held(), 1U);
  const auto dead = store.peek(Shelf::dead);
  EXPECT_EQ(redrive({dead.at(1).position}), 1U);
  EXPECT_EQ(lease(), "") << "a1 is not settled";
  EXPECT_EQ(redrive(), 1U);
  // They have expired, so each goes to the dead letters again when it is met, and holds the key again.
  for (const char* expired : {"a1", "a2"}) {
    EXPECT_EQ(lease(), "");
    const auto again = store.peek(Shelf::dead);
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].message.payload.view(), expired);
    EXPECT_EQ(must(store.run(store.broker().purge({store.queue, ""}, Shelf::dead))), 1U);
    step();
  }
  EXPECT_EQ(lease(), "a3");
}

TEST_P(Held, without_the_option_they_go_on) {
  publish({"a1", "a2", "b1", "b2"});
  ASSERT_EQ(lease(), "a1 b1");
  bury_first();
  declare(false);
  EXPECT_EQ(held(), 0U);
  ASSERT_TRUE(store.bury(got[1], "no"));
  step();
  EXPECT_EQ(lease(), "a2 b2");
  declare(true);
  EXPECT_EQ(held(), 0U) << "only what dies from now on holds its key";
  EXPECT_EQ(redrive(), 2U);
}

}  // namespace
}  // namespace parley::queue::embedded
