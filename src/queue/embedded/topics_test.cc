// What a topic promises, on a real store; and who waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loop/task_group.h"
#include "queue/embedded/store_fixture.h"

namespace parley::queue::embedded {
namespace {

using namespace std::chrono_literals;

class Topics : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    store.queue = "orders";
    declare();
  }
  void declare(Duration keep = 168h) {
    Declarations wanted;
    TopicDeclaration topic{.name = "orders", .keyed = false, .groups = {}, .keep = keep};
    for (const char* group : {"mailer", "stock"}) {
      Consumer consumer;
      consumer.name = "orders";
      consumer.group = group;
      consumer.from_earliest = std::string_view(group) == "stock";
      topic.groups.push_back(consumer);
    }
    wanted.topics.push_back(topic);
    must(store.backend().declare(wanted));
  }
  void step() {
    if (GetParam()) store.restart();
  }
  Events read(From from, int most = 100, Deadline wait = Deadline::at(Instant::min())) {
    ReadRequest request{.topic = "orders", .from = std::move(from), .max_messages = most, .wait = wait};
    return must(store.run(store.broker().read(request)));
  }
  static std::string texts(const Events& events) {
    std::string all;
    for (const Event& event : events.events) all += std::string(event.message.payload.view()) + " ";
    return all;
  }
  static From from(From::Kind kind, Position position = {}, WallTime time = {}) {
    return {.kind = kind, .time = time, .position = std::move(position)};
  }
  Position checkpoint(std::string group) {
    return must(store.run(store.broker().checkpoint({"orders", std::move(group)})));
  }
  StoreFixture store;
};
INSTANTIATE_TEST_SUITE_P(Restarts, Topics, testing::Bool(),
                         [](const auto& info) { return info.param ? "after_each_step" : "none"; });

TEST_P(Topics, each_group_is_offered_every_message) {
  for (const char* text : {"a", "b"}) store.publish(text);
  step();
  const auto mail = store.lease(10, {"orders", "mailer"});
  ASSERT_EQ(StoreFixture::texts(mail), "a b");
  ASSERT_TRUE(store.done(mail[1], {"orders", "mailer"}));
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease(10, {"orders", "stock"})), "a b");
  EXPECT_EQ(store.stats({"orders", "mailer"}), "waiting 0 leased 1 delayed 0 dead 0");
  EXPECT_EQ(store.stats({"orders", "stock"}), "waiting 0 leased 2 delayed 0 dead 0");
  // Up to what is settled without a gap.
  EXPECT_EQ(checkpoint("mailer"), "");
  ASSERT_TRUE(store.done(mail[0], {"orders", "mailer"}));
  step();
  EXPECT_EQ(checkpoint("mailer"), "2");
  EXPECT_EQ(texts(read(from(From::Kind::earliest))), "a b ");
}

TEST_P(Topics, a_reader_begins_where_it_says) {
  store.publish("a");
  store.pass(1h);
  const WallTime later = store.clock.now();
  store.publish("b");
  store.publish("c");
  step();
  EXPECT_EQ(texts(read(from(From::Kind::earliest))), "a b c ");
  EXPECT_EQ(texts(read(from(From::Kind::earliest), 2)), "a b ");
  EXPECT_EQ(read(from(From::Kind::earliest), 2).next, "2");
  EXPECT_EQ(texts(read(from(From::Kind::after, "2"))), "c ");
  EXPECT_EQ(texts(read(from(From::Kind::time, {}, later))), "b c ");
  EXPECT_EQ(texts(read(from(From::Kind::time, {}, later - 1h))), "a b c ");
  EXPECT_EQ(texts(read(from(From::Kind::time, {}, later + 1h))), "");
  EXPECT_EQ(texts(read(from(From::Kind::latest))), "");
  EXPECT_EQ(read(from(From::Kind::latest)).next, "3");
  const auto beyond = store.run(store.broker().read({.topic = "orders", .from = from(From::Kind::after, "9")}));
  EXPECT_EQ(beyond.error().code(), Code::out_of_range);
  const auto nonsense = store.run(store.broker().read({.topic = "orders", .from = from(From::Kind::after, "x")}));
  EXPECT_EQ(nonsense.error().code(), Code::invalid_argument);
}

Task<void> read_into(Broker& broker, From where, Deadline wait, std::optional<Result<Events>>* out) {
  out->emplace(co_await broker.read({.topic = "orders", .from = std::move(where), .wait = wait}));
}
Task<void> lease_into(Broker& broker, Source source, Deadline wait, std::optional<Result<std::vector<Delivery>>>* out) {
  LeaseRequest request;
  request.source = std::move(source);
  request.wait = wait;
  out->emplace(co_await broker.lease(std::move(request)));
}

TEST_P(Topics, a_reader_at_the_end_waits_for_the_next_message) {
  std::optional<Result<Events>> events;
  TaskGroup group;
  group.spawn(read_into(store.broker(), from(From::Kind::latest), Deadline::never(), &events));
  store.publish("a");
  store.shard().run_until([&] { return events.has_value(); });
  EXPECT_EQ(texts(must(*events)), "a ");
  // Or for as long as it said.
  events.reset();
  group.spawn(read_into(store.broker(), from(From::Kind::latest), Deadline::after(Clock::now(), 5ms), &events));
  store.shard().run_until([&] { return events.has_value(); });
  EXPECT_EQ(texts(must(*events)), "");
  EXPECT_EQ((*events)->next, "1");
}

TEST_P(Topics, leases_wait_in_turn_and_a_message_goes_to_the_first) {
  std::optional<Result<std::vector<Delivery>>> first, second, third;
  TaskGroup group;
  const Source source{"orders", "stock"};
  group.spawn(lease_into(store.broker(), source, Deadline::never(), &first));
  group.spawn(lease_into(store.broker(), source, Deadline::never(), &second));
  group.spawn(lease_into(store.broker(), source, Deadline::after(Clock::now(), 5ms), &third));
  store.shard().run_until([&] { return third.has_value(); });
  EXPECT_EQ(StoreFixture::texts(must(*third)), "");
  EXPECT_FALSE(first.has_value());
  store.publish("a");
  store.shard().run_until([&] { return first.has_value(); });
  EXPECT_EQ(StoreFixture::texts(must(*first)), "a");
  EXPECT_FALSE(second.has_value());
  // Closing ends the wait, and takes nothing.
  store.close();
  store.shard().run_until([&] { return second.has_value(); });
  EXPECT_EQ(second->error().code(), Code::unavailable);
  store.open();
  store.publish("b");
  EXPECT_EQ(StoreFixture::texts(store.lease(10, source)), "b");
}

TEST_P(Topics, a_group_that_is_deleted_is_gone_with_all_it_had) {
  const Source mailer{"orders", "mailer"};
  for (const char* text : {"a", "b", "c"}) store.publish(text);
  for (const Delivery& each : store.lease(2, mailer)) {
    ASSERT_TRUE(store.settle(each, {.kind = Settlement::Kind::dead, .delay = {}, .reason = "no"}, mailer));
  }
  step();
  const auto remove = [&] { return store.run(store.broker().delete_group(mailer)); };
  must(remove());
  step();
  EXPECT_EQ(remove().error().code(), Code::not_found);
  EXPECT_EQ(store.run(store.broker().stats(mailer)).error().code(), Code::not_found);
  EXPECT_THAT(must(store.backend().list()),
              testing::UnorderedElementsAre(Source{"orders", ""}, Source{"orders", "stock"}));
  EXPECT_EQ(store.stats({"orders", "stock"}), "waiting 3 leased 0 delayed 0 dead 0");
  store.publish("d");
  declare();
  step();
  EXPECT_EQ(store.stats(mailer), "waiting 0 leased 0 delayed 0 dead 0") << "it begins at the latest, as a new one does";
  store.publish("e");
  EXPECT_EQ(StoreFixture::texts(store.lease(10, mailer)), "e");
  EXPECT_EQ(StoreFixture::texts(store.lease(10, {"orders", "stock"})), "a b c d e");
}

TEST_P(Topics, a_group_that_somebody_takes_from_is_not_deleted) {
  const Source stock{"orders", "stock"};
  const auto remove = [&](Source group) {
    const auto done = store.run(store.broker().delete_group(std::move(group)));
    return done ? "gone" : std::string(name(done.error().code())) + ": " + done.error().message();
  };
  std::optional<Result<std::vector<Delivery>>> got;
  TaskGroup group;
  group.spawn(lease_into(store.broker(), stock, Deadline::never(), &got));
  EXPECT_THAT(remove(stock), testing::HasSubstr("FAILED_PRECONDITION: group \"stock\" of topic \"orders\" is in use: a "
                                                "consumer waits for its messages"));
  store.publish("a");
  store.shard().run_until([&] { return got.has_value(); });
  step();
  store.pass(20s);
  EXPECT_THAT(remove(stock), testing::HasSubstr("is in use: 1 of its messages is leased, the last one for 10 s more"));
  EXPECT_THAT(remove({"orders", "stick"}), testing::StartsWith("NOT_FOUND: topic \"orders\" has no group"));
  EXPECT_THAT(remove({"oders", "stock"}), testing::StartsWith("NOT_FOUND"));
  store.pass(11s);
  EXPECT_EQ(remove(stock), "gone");
}

TEST(Waiting, is_bounded_and_refused_beyond) {
  ModelOptions options;
  options.waiters = 2;
  StoreFixture store(options);
  Consumer consumer;
  consumer.name = store.queue;
  store.declare(consumer);
  std::optional<Result<std::vector<Delivery>>> got[3];
  TaskGroup group;
  for (auto& each : got) group.spawn(lease_into(store.broker(), {store.queue, ""}, Deadline::never(), &each));
  store.shard().run_until([&] { return got[2].has_value(); });
  EXPECT_EQ(got[2]->error().code(), Code::resource_exhausted);
  EXPECT_FALSE(got[0].has_value());
  store.close();
  store.shard().run_until([&] { return group.live() == 0; });
}

TEST_P(Topics, a_lost_lease_wakes_who_waits) {
  store.publish("a");
  const Source source{"orders", "stock"};
  ASSERT_EQ(StoreFixture::texts(store.lease(1, source)), "a");
  step();
  std::optional<Result<std::vector<Delivery>>> got;
  TaskGroup group;
  group.spawn(lease_into(store.broker(), source, Deadline::never(), &got));
  store.run(store.broker().stats(source)).value();
  EXPECT_FALSE(got.has_value());
  store.pass(30s);
  store.shard().run_until([&] { return got.has_value(); });
  EXPECT_EQ(StoreFixture::texts(must(*got)), "a");
  EXPECT_EQ((**got)[0].attempt, 2);
}

TEST_P(Topics, a_group_can_be_moved_and_what_it_had_is_lost) {
  for (const char* text : {"a", "b", "c"}) store.publish(text);
  const Source stock{"orders", "stock"};
  const auto got = store.lease(2, stock);
  must(store.run(store.broker().commit(stock, from(From::Kind::earliest))));
  step();
  EXPECT_EQ(reason_of(store.done(got[0], stock)), "lease_lost");
  EXPECT_EQ(StoreFixture::texts(store.lease(10, stock)), "a b c");
  must(store.run(store.broker().commit(stock, from(From::Kind::after, "2"))));
  step();
  EXPECT_EQ(checkpoint("stock"), "2");
  EXPECT_EQ(StoreFixture::texts(store.lease(10, stock)), "c");
}

TEST_P(Topics, a_reader_keeps_its_place_under_a_name_of_its_own) {
  for (const char* text : {"a", "b"}) store.publish(text);
  const Source own{"orders", "report"};
  EXPECT_EQ(store.run(store.broker().checkpoint(own)).error().code(), Code::not_found);
  must(store.run(store.broker().commit(own, from(From::Kind::after, "1"))));
  step();
  EXPECT_EQ(checkpoint("report"), "1");
  EXPECT_THAT(must(store.backend().list()),
              testing::ElementsAre(Source{"orders", ""}, Source{"orders", "mailer"}, own, Source{"orders", "stock"}));
  EXPECT_EQ(store.stats(own), "waiting 1 leased 0 delayed 0 dead 0");
}

TEST_P(Topics, retention_takes_what_is_older_and_a_group_behind_moves_on) {
  declare(1h);
  store.publish("a");
  store.pass(30min);
  store.publish("b");
  const Source stock{"orders", "stock"};
  step();
  EXPECT_EQ(store.stats(stock), "waiting 2 leased 0 delayed 0 dead 0");
  store.pass(30min);
  step();
  EXPECT_EQ(store.stats(stock), "waiting 1 leased 0 delayed 0 dead 0");
  EXPECT_EQ(texts(read(from(From::Kind::earliest))), "b ");
  EXPECT_EQ(texts(read(from(From::Kind::after, ""))), "b ");
  EXPECT_EQ(StoreFixture::texts(store.lease(10, stock)), "b");
  store.pass(30min);
  step();
  EXPECT_EQ(texts(read(from(From::Kind::earliest))), "");
  store.publish("c");
  EXPECT_EQ(texts(read(from(From::Kind::earliest))), "c ");
}

TEST_P(Topics, what_does_not_exist_is_said_so) {
  const auto code = [](const auto& result) { return result ? Code::ok : result.error().code(); };
  Publish nowhere = store.message("a");
  nowhere.to = "nowhere";
  EXPECT_EQ(code(store.run(store.broker().publish(nowhere))), Code::not_found);
  EXPECT_EQ(code(store.run(store.broker().stats({"orders", "nobody"}))), Code::not_found);
  EXPECT_EQ(code(store.run(store.broker().pause({"orders", ""}, true))), Code::not_found);
  Publish late = store.message("a");
  late.due = store.clock.now() + 1h;
  EXPECT_EQ(code(store.run(store.broker().publish(late))), Code::invalid_argument);
  Consumer queue;
  queue.name = "orders";
  Declarations wanted;
  wanted.queues.push_back({.consumer = queue, .dedup_window = {}, .ttl = {}});
  EXPECT_EQ(code(store.backend().declare(wanted)), Code::failed_precondition);
}

TEST_P(Topics, keys_that_dead_letters_hold_are_free_after_a_seek_and_where_retention_took_them) {
  const Source mailer{"orders", "mailer"};
  Declarations wanted;
  Consumer consumer;
  consumer.name = mailer.name;
  consumer.group = mailer.group;
  consumer.keyed = true;
  consumer.retry.followers_wait = true;
  wanted.topics.push_back({.name = "orders", .keyed = true, .groups = {consumer}, .keep = 1h});
  must(store.backend().declare(wanted));
  step();
  store.publish("a1", "a");
  store.publish("a2", "a");
  auto got = store.lease(10, mailer);
  ASSERT_EQ(StoreFixture::texts(got), "a1");
  ASSERT_TRUE(store.settle(got[0], {.kind = Settlement::Kind::dead, .delay = {}, .reason = "no"}, mailer));
  step();
  EXPECT_EQ(StoreFixture::texts(store.lease(10, mailer)), "");
  must(store.run(store.broker().commit(mailer, from(From::Kind::after, "1"))));
  step();
  EXPECT_EQ(must(store.run(store.broker().stats(mailer))).held_keys, 0U);
  got = store.lease(10, mailer);
  ASSERT_EQ(StoreFixture::texts(got), "a2");
  ASSERT_TRUE(store.settle(got[0], {.kind = Settlement::Kind::dead, .delay = {}, .reason = "no"}, mailer));
  step();
  store.pass(30min);
  store.publish("a3", "a");
  EXPECT_EQ(StoreFixture::texts(store.lease(10, mailer)), "") << "a2 holds the key";
  store.pass(31min);
  step();
  EXPECT_EQ(store.stats(mailer), "waiting 1 leased 0 delayed 0 dead 0");
  EXPECT_EQ(must(store.run(store.broker().stats(mailer))).held_keys, 0U);
  EXPECT_EQ(StoreFixture::texts(store.lease(10, mailer)), "a3");
}

}  // namespace
}  // namespace parley::queue::embedded
