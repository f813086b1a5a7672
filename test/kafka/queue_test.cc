// Queues on a real Kafka.
#include <algorithm>
#include <set>
#include <thread>

#include "kafka_fixture.h"
#include "loop/task_group.h"
#include "queue/kafka/notes.h"

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

const Source mail = queue("shop.Mailer/SendMail");
constexpr Duration soon = 700ms;

Settlement retry(Duration delay) { return {.kind = Settlement::Kind::retry, .delay = delay, .reason = ""}; }
Settlement release() { return {.kind = Settlement::Kind::release, .delay = {}, .reason = ""}; }
Settlement dead(std::string reason) {
  return {.kind = Settlement::Kind::dead, .delay = {}, .reason = std::move(reason)};
}

TEST(Queue, WhatIsPublishedIsDeliveredOnceSettledAndNotAgain) {
  const std::string prefix = new_prefix();
  Node node(prefix);
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  Publish request;
  request.to = mail.name;
  request.message = {.id = "m1",
                     .source = "/shop.Mailer/SendMail",
                     .type = "shop.Mail",
                     .key = "customers/1",
                     .content_type = "application/protobuf",
                     .time = WallTime(1'700'000'000'123ms),
                     .payload = Bytes::literal("\x08\x01"),
                     .metadata = {{"traceparent", "00-1-2-01"}, {"ce-subject", "s"}}};
  auto receipt = node.wait(node.broker().publish(request));
  ASSERT_OK(receipt);
  EXPECT_EQ(receipt->id, "m1");
  EXPECT_FALSE(receipt->position.empty());
  EXPECT_EQ(node.stats(mail).waiting, 1U);

  auto leased = node.lease(mail);
  ASSERT_EQ(leased.size(), 1U);
  const Message& got = leased[0].message;
  EXPECT_EQ(got.id, "m1");
  EXPECT_EQ(got.source, "/shop.Mailer/SendMail");
  EXPECT_EQ(got.type, "shop.Mail");
  EXPECT_EQ(got.key, "customers/1");
  EXPECT_EQ(got.content_type, "application/protobuf");
  EXPECT_EQ(got.time, WallTime(1'700'000'000'123ms));
  EXPECT_EQ(got.payload.view(), "\x08\x01");
  EXPECT_EQ(got.metadata.get("traceparent"), "00-1-2-01");
  EXPECT_EQ(got.metadata.get("ce-subject"), "s");
  EXPECT_EQ(got.metadata.size(), 2U);
  EXPECT_EQ(leased[0].position, receipt->position);
  EXPECT_EQ(leased[0].attempt, 1);
  EXPECT_EQ(node.stats(mail).leased, 1U);
  EXPECT_EQ(node.stats(mail).waiting, 0U);
  ASSERT_OK(node.settle(mail, leased[0]));
  EXPECT_EQ(node.settle(mail, leased[0]).error().reason(), "lease_lost");
  EXPECT_EQ(node.stats(mail).leased, 0U);

  Node other(prefix);
  node.end();
  EXPECT_TRUE(other.lease(mail, 1, 3s).empty());
}

TEST(Queue, ARetryComesAgainAfterItsDelayAndCountsAReleaseDoesNot) {
  Node node(new_prefix());
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  ASSERT_OK(node.publish(mail.name, "a"));
  auto first = node.lease(mail);
  ASSERT_EQ(first.size(), 1U);
  const Instant began = Clock::now();
  ASSERT_OK(node.settle(mail, first[0], retry(3s)));
  const std::uint64_t delayed = node.stats(mail).delayed;
  if (Clock::now() - began < 3s) EXPECT_EQ(delayed, 1U);  // on a machine that stopped for a while it may be due again
  auto second = node.lease(mail);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_GE(Clock::now() - began, 3s);
  EXPECT_EQ(second[0].attempt, 2);
  ASSERT_OK(node.settle(mail, second[0], release()));
  auto third = node.lease(mail);
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(third[0].attempt, 2);
}

TEST(Queue, AKeyedRetryBlocksItsKeyOnly) {
  Node node(new_prefix(), "&partitions=1");
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name, .keyed = true}})));
  for (const auto& [payload, key] : std::vector<std::pair<std::string, std::string>>{
           {"a1", "a"}, {"a2", "a"}, {"b1", "b"}, {"a3", "a"}, {"none", ""}}) {
    ASSERT_OK(node.publish(mail.name, payload, key));
  }
  auto all = node.lease_all(mail, 3);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(text(all[0]), "a1");
  EXPECT_EQ(text(all[1]), "b1");
  EXPECT_EQ(text(all[2]), "none");
  const Instant began = Clock::now();
  ASSERT_OK(node.settle(mail, all[0], retry(2s)));
  ASSERT_OK(node.settle(mail, all[1]));
  ASSERT_OK(node.settle(mail, all[2]));
  EXPECT_EQ(node.next(mail), "a1") << "followers of a key wait";
  EXPECT_GE(Clock::now() - began, 2s);
  EXPECT_EQ(node.next(mail), "a2");
  EXPECT_EQ(node.next(mail), "a3");
}

TEST(Queue, DeadLettersKeepEverythingAndCanBeRedriven) {
  const std::string prefix = new_prefix();
  Node node(prefix);
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  for (const char* payload : {"bad", "worse", "worst"}) ASSERT_OK(node.publish(mail.name, payload, "k"));
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    auto leased = node.lease(mail);
    ASSERT_EQ(leased.size(), 1U);
    ids.push_back(leased[0].message.id);
    ASSERT_OK(node.settle(mail, leased[0], dead("INVALID_ARGUMENT: no such customer")));
  }
  EXPECT_EQ(node.stats(mail).dead, 3U);
  EXPECT_EQ(node.stats(mail).waiting, 0U);
  const auto peek = [&] { return node.wait(node.broker().peek({.source = mail, .shelf = Shelf::dead, .after = ""})); };
  auto peeked = peek();
  ASSERT_OK(peeked);
  ASSERT_EQ(peeked->size(), 3U);
  EXPECT_EQ((*peeked)[0].message.payload.view(), "bad");
  EXPECT_EQ((*peeked)[0].message.id, ids[0]);
  EXPECT_EQ((*peeked)[0].message.key, "k");
  EXPECT_EQ((*peeked)[0].attempts, 1);
  EXPECT_EQ((*peeked)[0].reason, "INVALID_ARGUMENT: no such customer");
  EXPECT_TRUE((*peeked)[0].since.has_value());
  EXPECT_EQ((*peeked)[0].message.metadata.size(), 0U);

  EXPECT_EQ(node.wait(node.broker().redrive(mail, {(*peeked)[1].position})).value_or(0), 1U);
  EXPECT_EQ(node.stats(mail).dead, 2U);
  auto again = node.lease(mail);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(text(again[0]), "worse");
  EXPECT_EQ(again[0].message.id, ids[1]);
  EXPECT_EQ(again[0].attempt, 1);
  ASSERT_OK(node.settle(mail, again[0]));

  Node other(prefix);  // what went back is known everywhere
  auto rest = other.wait(other.broker().peek({.source = mail, .shelf = Shelf::dead, .after = (*peeked)[0].position}));
  ASSERT_OK(rest);
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ((*rest)[0].message.payload.view(), "worst");

  EXPECT_EQ(node.wait(node.broker().redrive(mail, {})).value_or(0), 2U);
  EXPECT_EQ(node.stats(mail).dead, 0U);
  EXPECT_EQ(peek()->size(), 0U);
  EXPECT_EQ(node.next(mail), "bad");
  auto last = node.lease(mail);
  ASSERT_EQ(last.size(), 1U);
  ASSERT_OK(node.settle(mail, last[0], dead("again")));
  EXPECT_EQ(node.wait(node.broker().purge(mail, Shelf::dead)).value_or(0), 1U);
  EXPECT_EQ(node.stats(mail).dead, 0U);
}

TEST(Queue, ALeaseThatRanOutIsLostAndTheMessageComesAgain) {
  Node node(new_prefix());
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  ASSERT_OK(node.publish(mail.name, "slow"));
  auto first = node.lease(mail);
  ASSERT_EQ(first.size(), 1U);
  const Instant extended = Clock::now();
  // From now on, and so shorter than it was (window_test has a longer one): one of some seconds to be extended may have
  // run out where the machine stopped for a while.
  ASSERT_OK(node.wait(node.broker().extend(mail, first[0].lease, 3s)));
  auto second = node.lease(mail);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_GE(Clock::now() - extended, 3s);
  EXPECT_EQ(second[0].attempt, 2);
  EXPECT_EQ(node.settle(mail, first[0]).error().reason(), "lease_lost");
  EXPECT_EQ(node.wait(node.broker().extend(mail, first[0].lease, 2s)).error().reason(), "lease_lost");
  ASSERT_OK(node.settle(mail, second[0]));
}

TEST(Queue, AnotherNodeGoesOnWithAttemptsDelaysAndWhatIsSettledOutOfOrder) {
  const std::string prefix = new_prefix();
  auto node = std::make_unique<Node>(prefix, "&partitions=1");
  ASSERT_OK(node->backend().declare(declarations({{.name = mail.name}})));
  for (const char* payload : {"0", "1", "2", "3", "4", "5"}) ASSERT_OK(node->publish(mail.name, payload));
  const auto all = node->lease_all(mail, 6);
  ASSERT_EQ(all.size(), 6U);
  ASSERT_OK(node->settle(mail, all[1]));
  ASSERT_OK(node->settle(mail, all[3]));
  ASSERT_OK(node->settle(mail, all[5], retry(1h)));
  const Instant began = Clock::now();
  ASSERT_OK(node->settle(mail, all[2], retry(6s)));
  ASSERT_OK(node->settle(mail, all[4], release()));
  node.reset();  // "0" is in flight

  Node other(prefix);
  auto delayed = other.wait(other.broker().peek({.source = mail, .shelf = Shelf::delayed, .after = ""}));
  ASSERT_OK(delayed);
  std::set<std::string> names;
  for (const Peeked& one : *delayed) names.emplace(one.message.payload.view());
  names.erase("2");  // due again by now, or not
  EXPECT_EQ(names, std::set<std::string>{"5"});
  std::map<std::string, int> got;
  while (got.size() < 3) {
    auto one = other.lease(mail);
    ASSERT_EQ(one.size(), 1U);
    if (text(one[0]) == "2") EXPECT_GE(Clock::now() - began, 6s);
    if (text(one[0]) == "4") EXPECT_TRUE(got.contains("0")) << "in order";
    got[text(one[0])] = one[0].attempt;
    ASSERT_OK(other.settle(mail, one[0]));
  }
  const std::map<std::string, int> expected = {{"0", 2}, {"4", 1}, {"2", 2}};
  EXPECT_EQ(got, expected);
  EXPECT_EQ(other.stats(mail).waiting, 0U);
  EXPECT_EQ(other.stats(mail).delayed, 1U);
}

TEST(Queue, PausedItPublishesAndDoesNotDeliverOnAnyNodeAlsoAfterARestart) {
  const std::string prefix = new_prefix();
  Node node(prefix);
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  ASSERT_OK(node.publish(mail.name, "1"));
  EXPECT_EQ(node.next(mail), "1");
  Node other(prefix);
  ASSERT_OK(other.wait(other.broker().pause(mail, true)));
  for (const Instant end = Clock::now() + patience; !node.stats(mail).paused;) ASSERT_LT(Clock::now(), end);
  ASSERT_OK(node.publish(mail.name, "2"));
  EXPECT_TRUE(node.lease(mail, 1, soon).empty());
  node.end();
  Node third(prefix);
  EXPECT_TRUE(third.stats(mail).paused);
  EXPECT_TRUE(third.lease(mail, 1, 4s).empty());
  ASSERT_OK(other.wait(other.broker().pause(mail, false)));
  EXPECT_EQ(third.next(mail), "2");
}

TEST(Queue, PurgeEmptiesAShelfWithAMemberAndWithout) {
  const std::string prefix = new_prefix();
  Node node(prefix);
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  for (int i = 0; i < 20; ++i) ASSERT_OK(node.publish(mail.name, "waits"));
  EXPECT_EQ(node.stats(mail).waiting, 20U);
  EXPECT_EQ(node.wait(node.broker().purge(mail, Shelf::waiting)).value_or(0), 20U);
  EXPECT_EQ(node.stats(mail).waiting, 0U);
  for (int i = 0; i < 20; ++i) ASSERT_OK(node.publish(mail.name, "waits"));
  auto leased = node.lease(mail);
  ASSERT_EQ(leased.size(), 1U);
  EXPECT_EQ(node.wait(node.broker().purge(mail, Shelf::waiting)).value_or(0), 19U);
  ASSERT_OK(node.settle(mail, leased[0], retry(1h)));
  ASSERT_OK(node.publish(mail.name, "new"));
  EXPECT_EQ(node.next(mail), "new");
  EXPECT_EQ(node.stats(mail).delayed, 1U);
  EXPECT_EQ(node.wait(node.broker().purge(mail, Shelf::delayed)).value_or(0), 1U);
  EXPECT_EQ(node.stats(mail).delayed, 0U);
}

// What a node writes down, as one that takes part has it.
struct NotesNode {
  explicit NotesNode(const std::string& prefix)
      : cluster(*parse_url("kafka://127.0.0.1:" + KafkaServer::get().port + "?prefix=" + prefix)) {}
  void put(const char* text) { EXPECT_TRUE(notes.put("paused q", std::string(text))); }

  Cluster cluster;
  Producer producer{cluster};
  Admin admin{cluster, producer};
  Notes notes{cluster, producer, admin, [](const std::string&) {}};
};

// A pause at one node and a resume at another, at the same time: the later one holds at both.
TEST(Queue, NodesThatWriteTheSameNoteAtOnceAgreeInTheEnd) {
  const std::string prefix = new_prefix();
  NotesNode one(prefix);
  NotesNode other(prefix);
  for (int round = 0; round < 300; ++round) {
    std::thread writes([&] { one.put("one"); });
    other.put("other");
    writes.join();
    const Instant end = Clock::now() + 10s;
    const auto agree = [&] { return one.notes.get("paused q") == other.notes.get("paused q"); };
    // A moment in which both are wrong passes.
    while (!agree() && Clock::now() < end) std::this_thread::sleep_for(1ms);
    ASSERT_TRUE(agree()) << "round " << round;
  }
}

TEST(Queue, ATimeToLiveEndsInTheDeadLetters) {
  Node node(new_prefix());
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name, .ttl = 1h}})));
  ASSERT_OK(node.publish(mail.name, "in time"));
  EXPECT_EQ(node.next(mail), "in time");
  Publish late;
  late.to = mail.name;
  late.message.id = "late";
  late.expires = WallClock().now() - 1ms;
  late.message.payload = Bytes::literal("late");
  ASSERT_OK(node.wait(node.broker().publish(late)));
  const auto peek = [&] { return node.wait(node.broker().peek({.source = mail, .shelf = Shelf::dead, .after = ""})); };
  auto peeked = peek();
  for (const Instant end = Clock::now() + patience; peeked && peeked->empty() && Clock::now() < end; peeked = peek()) {
    EXPECT_TRUE(node.lease(mail, 1, soon).empty());
  }
  ASSERT_OK(peeked);
  ASSERT_EQ(peeked->size(), 1U);
  EXPECT_EQ((*peeked)[0].reason, "expired");
  // Who redrives wants it handled: now it lives its time again.
  EXPECT_EQ(node.wait(node.broker().redrive(mail, {})).value_or(0), 1U);
  EXPECT_EQ(node.next(mail), "late");
}

Task<void> publish_one(Broker& broker, int number, int* failed) {
  Publish request;
  request.to = mail.name;
  request.message.id = std::to_string(number);
  request.message.payload = Bytes(std::to_string(number));
  if (auto published = co_await broker.publish(std::move(request)); !published) ++*failed;
}
Task<void> publish_many(Broker& broker, int count, int* failed) {
  TaskGroup all;
  for (int i = 0; i < count; ++i) all.spawn(publish_one(broker, i, failed));
  co_await all.join();
}

TEST(Queue, MoreThanAWindowComesOnceEachAndInOrder) {
  constexpr int count = 12'000;
  Node node(new_prefix(), "&partitions=1");
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  int failed = 0;
  node.wait(publish_many(node.broker(), count, &failed));
  ASSERT_EQ(failed, 0);
  EXPECT_EQ(node.stats(mail).waiting, static_cast<std::uint64_t>(count));
  std::vector<int> got;
  while (std::ssize(got) < count) {
    auto leased = node.lease(mail, 64);
    ASSERT_FALSE(leased.empty()) << "after " << got.size();
    for (const Delivery& d : leased) {
      got.push_back(std::stoi(text(d)));
      EXPECT_EQ(d.attempt, 1);
      ASSERT_OK(node.settle(mail, d));
    }
  }
  EXPECT_TRUE(std::ranges::is_sorted(got));
  EXPECT_EQ(std::set<int>(got.begin(), got.end()).size(), got.size());
  EXPECT_TRUE(node.lease(mail, 1, soon).empty());
  EXPECT_EQ(node.stats(mail).waiting, 0U);
}

TEST(Queue, AScheduledMessageHoldsNobodyUp) {
  const std::string prefix = new_prefix();
  Node node(prefix, "&partitions=1");
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name, .keyed = true}})));
  Publish later;
  later.to = mail.name;
  later.message.key = "k";
  later.message.payload = Bytes::literal("much later");
  later.due = WallClock().now() + 14min;
  ASSERT_OK(node.wait(node.broker().publish(later)));
  for (const char* payload : {"1", "2"}) ASSERT_OK(node.publish(mail.name, payload, "k"));
  later.message.payload = Bytes::literal("later");
  later.due = WallClock().now() + 6s;
  ASSERT_OK(node.wait(node.broker().publish(later)));
  EXPECT_EQ(node.next(mail), "1");
  EXPECT_GE(node.stats(mail).delayed, 1U);
  node.end();
  Node other(prefix);
  EXPECT_EQ(other.next(mail), "2");
  auto leased = other.lease(mail);
  ASSERT_EQ(leased.size(), 1U);
  EXPECT_EQ(text(leased[0]), "later");
  EXPECT_EQ(leased[0].attempt, 1);
  EXPECT_GE(WallClock().now(), *later.due);
  EXPECT_EQ(other.stats(mail).delayed, 1U);
}

TEST(Queue, PeekConsumesNothingAndPages) {
  Node node(new_prefix());
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name}})));
  for (int i = 0; i < 10; ++i) ASSERT_OK(node.publish(mail.name, std::to_string(i)));
  std::set<std::string> seen;
  Position after;
  for (;;) {
    auto page =
        node.wait(node.broker().peek({.source = mail, .shelf = Shelf::waiting, .after = after, .max_messages = 3}));
    ASSERT_OK(page);
    if (page->empty()) break;
    for (const Peeked& one : *page) EXPECT_TRUE(seen.emplace(one.message.payload.view()).second);
    after = page->back().position;
  }
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_EQ(node.stats(mail).waiting, 10U);
  EXPECT_TRUE(node.stats(mail).oldest.has_value());
}

TEST(Queue, WhatKafkaCannotDoIsSaidAtStartUp) {
  Node node(new_prefix());
  auto dedup = node.backend().declare(declarations({{.name = "a.B/C", .dedup = 24h}, {.name = "a.B/D", .dedup = 24h}}));
  ASSERT_FALSE(dedup.has_value());
  EXPECT_EQ(dedup.error().code(), Code::failed_precondition);
  EXPECT_EQ(dedup.error().reason(), "not_by_this_backend");
  EXPECT_NE(dedup.error().message().find("a.B/C"), std::string::npos);
  EXPECT_NE(dedup.error().message().find("a.B/D"), std::string::npos);
  auto same = node.backend().declare(declarations({{.name = "a.B/C"}, {.name = "a.B.C"}}));
  EXPECT_EQ(same.error().reason(), "not_by_this_backend");
  Publish due{.to = "a.B/C", .message = {}, .dedup = "", .due = WallClock().now() + 1h, .expires = {}};
  EXPECT_EQ(node.wait(node.broker().publish(due)).error().code(), Code::unimplemented);
  EXPECT_EQ(node.publish("nobody/Declared", "x").error().code(), Code::not_found);
  auto leased = node.wait(node.broker().lease({.source = queue("nobody/Declared")}));
  EXPECT_EQ(leased.error().code(), Code::not_found);
}

TEST(Queue, DedupInTheProcessIsAskedForByTheAddress) {
  Node node(new_prefix(), "&dedup=process");
  ASSERT_OK(node.backend().declare(declarations({{.name = mail.name, .dedup = 1h}})));
  Publish request;
  request.to = mail.name;
  request.message.id = "first";
  request.dedup = "order-7";
  auto first = node.wait(node.broker().publish(request));
  ASSERT_OK(first);
  request.message.id = "second";
  auto second = node.wait(node.broker().publish(request));
  ASSERT_OK(second);
  EXPECT_TRUE(second->duplicate);
  EXPECT_EQ(second->id, "first");
  EXPECT_EQ(second->position, first->position);
  EXPECT_EQ(node.stats(mail).waiting, 1U);
}

}  // namespace
}  // namespace parley::queue::kafka
