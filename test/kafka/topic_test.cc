// Topics, and groups that more than one node reads, on a real Kafka.
#include <algorithm>
#include <set>

#include "kafka_fixture.h"

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

const Source mailer{.name = "orders", .group = "mailer"};
const Source stock{.name = "orders", .group = "stock"};

Settlement dead(std::string reason) {
  return {.kind = Settlement::Kind::dead, .delay = {}, .reason = std::move(reason)};
}

Declarations two_groups() {
  return declarations({{.name = "orders", .group = "mailer", .keyed = true},
                       {.name = "orders", .group = "stock", .keyed = true, .from_earliest = false}});
}

Result<Events> read(Node& node, From from, int max = 100, Duration wait = patience) {
  return node.wait(node.broker().read(
      {.topic = "orders", .from = std::move(from), .max_messages = max, .wait = Deadline::after(Clock::now(), wait)}));
}
From after(Position position) { return {.kind = From::Kind::after, .time = {}, .position = std::move(position)}; }
From at(WallTime time) { return {.kind = From::Kind::time, .time = time, .position = ""}; }
From earliest() { return {}; }
From latest() { return {.kind = From::Kind::latest, .time = {}, .position = ""}; }

std::vector<std::string> payloads(const Events& events) {
  std::vector<std::string> out;
  for (const Event& e : events.events) out.emplace_back(e.message.payload.view());
  return out;
}

// All there is from `from` on.
std::multiset<std::string> read_all(Node& node, From from, std::size_t expected) {
  std::multiset<std::string> out;
  while (out.size() < expected) {
    auto events = read(node, from);
    if (!events || events->events.empty()) {
      ADD_FAILURE() << (events ? "nothing more" : events.error().text());
      break;
    }
    for (std::string& one : payloads(*events)) out.insert(std::move(one));
    from = after(events->next);
  }
  return out;
}

TEST(Topic, EveryGroupGetsEveryMessageAndADeadLetterIsItsOwn) {
  Node node(new_prefix());
  ASSERT_OK(node.backend().declare(two_groups()));
  for (const char* payload : {"1", "2", "3"}) ASSERT_OK(node.publish("orders", payload, "k"));
  for (const char* payload : {"1", "2", "3"}) EXPECT_EQ(node.next(stock), payload);
  auto first = node.lease(mailer);
  ASSERT_EQ(first.size(), 1U);
  ASSERT_OK(node.settle(mailer, first[0], dead("broken")));
  EXPECT_EQ(node.next(mailer), "2");
  EXPECT_EQ(node.next(mailer), "3");
  EXPECT_EQ(node.stats(mailer).dead, 1U);
  EXPECT_EQ(node.stats(stock).dead, 0U);
  EXPECT_EQ(node.wait(node.broker().redrive(mailer, {})).value_or(0), 1U);
  auto again = node.lease(mailer);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(text(again[0]), "1");
  EXPECT_EQ(again[0].message.id, first[0].message.id);
  EXPECT_TRUE(again[0].position.starts_with("r"));
  ASSERT_OK(node.settle(mailer, again[0]));
  EXPECT_TRUE(node.lease(stock, 1, 1s).empty()) << "the other group does not see it again";
  EXPECT_EQ(read_all(node, earliest(), 3), (std::multiset<std::string>{"1", "2", "3"}));
}

TEST(Topic, ANewGroupBeginsWhereItWasDeclaredTo) {
  Node node(new_prefix());
  Declarations none = declarations({{.name = "orders", .group = "first"}});
  ASSERT_OK(node.backend().declare(none));
  ASSERT_OK(node.publish("orders", "before", "k"));
  ASSERT_OK(node.backend().declare(two_groups()));
  ASSERT_OK(node.publish("orders", "after", "k"));
  EXPECT_EQ(node.next(stock), "after");
  EXPECT_EQ(node.next(mailer), "before");
  EXPECT_EQ(node.next(mailer), "after");
}

TEST(Topic, ReadsFromEarliestLatestATimeAndAPosition) {
  Node node(new_prefix(), "&partitions=2");
  ASSERT_OK(node.backend().declare(two_groups()));
  auto empty = read(node, latest(), 10, 200ms);
  ASSERT_OK(empty);
  EXPECT_TRUE(empty->events.empty());
  for (int i = 0; i < 6; ++i) ASSERT_OK(node.publish("orders", "old" + std::to_string(i), std::to_string(i)));
  node.wait(node.shard().sleep(20ms));
  const WallTime between = WallClock().now();
  auto end = read(node, latest(), 10, 200ms);
  ASSERT_OK(end);
  EXPECT_TRUE(end->events.empty());
  for (int i = 0; i < 6; ++i) ASSERT_OK(node.publish("orders", "new" + std::to_string(i), std::to_string(i)));

  const std::multiset<std::string> fresh = {"new0", "new1", "new2", "new3", "new4", "new5"};
  EXPECT_EQ(read_all(node, earliest(), 12).size(), 12U);
  EXPECT_EQ(read_all(node, after(empty->next), 12).size(), 12U) << "without a gap behind an empty read";
  EXPECT_EQ(read_all(node, after(end->next), 6), fresh);
  EXPECT_EQ(read_all(node, at(between), 6), fresh);

  // Behind any event: each of the rest once, none before it again.
  std::vector<Event> events;
  for (From from = earliest(); events.size() < 12;) {  // a read gives what has come
    auto some = read(node, from);
    ASSERT_OK(some);
    ASSERT_FALSE(some->events.empty());
    events.insert(events.end(), some->events.begin(), some->events.end());
    from = after(some->next);
  }
  ASSERT_EQ(events.size(), 12U);
  std::multiset<std::string> rest;
  for (std::size_t i = 5; i < 12; ++i) rest.emplace(events[i].message.payload.view());
  EXPECT_EQ(read_all(node, after(events[4].position), 7), rest);

  EXPECT_EQ(read(node, after("nonsense")).error().reason(), "malformed_position");
  EXPECT_EQ(read(node, after("7:1")).error().code(), Code::invalid_argument);
  auto missing = node.wait(node.broker().read({.topic = "nobody", .from = {}}));
  EXPECT_EQ(missing.error().code(), Code::not_found);
}

TEST(Topic, AGroupKeepsItsPlaceAndCanBeMoved) {
  const std::string prefix = new_prefix();
  Node node(prefix, "&partitions=1");
  ASSERT_OK(node.backend().declare(two_groups()));
  for (int i = 0; i < 4; ++i) ASSERT_OK(node.publish("orders", std::to_string(i)));
  ASSERT_EQ(read_all(node, earliest(), 4).size(), 4U);
  Position second;
  for (const char* payload : {"0", "1"}) {
    auto events = read(node, second.empty() ? earliest() : after(second), 1);
    ASSERT_OK(events);
    ASSERT_EQ(payloads(*events), std::vector<std::string>{payload});
    second = events->events[0].position;
  }
  const Source reader{.name = "orders", .group = "reader"};
  ASSERT_OK(node.wait(node.broker().commit(reader, after(second))));
  auto place = node.wait(node.broker().checkpoint(reader));
  ASSERT_OK(place);
  EXPECT_EQ(*place, second);
  auto rest = read(node, after(*place));
  ASSERT_OK(rest);
  EXPECT_EQ(payloads(*rest).front(), "2");

  // With deliveries: while it has a member, back to the beginning.
  EXPECT_EQ(node.next(mailer), "0");
  auto lost = node.lease(mailer);
  ASSERT_EQ(lost.size(), 1U);
  ASSERT_OK(node.wait(node.broker().commit(mailer, earliest())));
  EXPECT_EQ(node.settle(mailer, lost[0]).error().reason(), "lease_lost");
  for (const char* payload : {"0", "1", "2", "3"}) EXPECT_EQ(node.next(mailer), payload);
  ASSERT_OK(node.wait(node.broker().commit(mailer, earliest())));
  ASSERT_OK(node.wait(node.broker().commit(mailer, latest())));
  EXPECT_TRUE(node.lease(mailer, 1, 700ms).empty());
  ASSERT_OK(node.publish("orders", "4"));
  EXPECT_EQ(node.next(mailer), "4");
}

TEST(Topic, EverythingThatExistsIsListed) {
  const std::string prefix = new_prefix();
  Node node(prefix);
  Declarations all = two_groups();
  all.queues = declarations({{.name = "shop.Mailer/SendMail"}}).queues;
  ASSERT_OK(node.backend().declare(all));
  Node other(prefix);
  auto list = other.backend().list();
  ASSERT_OK(list);
  for (const Source& source : {mailer, stock, queue("orders"), queue("shop.Mailer/SendMail")}) {
    EXPECT_NE(std::ranges::find(*list, source), list->end()) << source.name << " " << source.group;
  }
  EXPECT_EQ(list->size(), 4U);
}

// Two nodes in one group. What is in flight at a rebalance is finished by whoever has it; nothing is lost, nothing is
// handled twice, keys keep their order.
TEST(Rebalance, ASecondNodeTakesItsShareWhileHandlersRun) {
  const std::string prefix = new_prefix();
  const Source work = queue("a.Worker/Do");
  constexpr int keys = 8;
  constexpr int each = 6;
  Node first(prefix, "&partitions=4&drain=10m");
  ASSERT_OK(first.backend().declare(declarations({{.name = work.name, .keyed = true}})));
  int published = 0;
  const auto publish_some = [&](int count) {
    for (const int until = published + count; published < until; ++published) {
      ASSERT_OK(first.publish(work.name, std::to_string(published), std::to_string(published % keys)));
    }
  };
  publish_some(keys * each);
  std::map<std::string, std::vector<int>> handled;  // by key
  std::multiset<int> all;
  int refused = 0;
  int redelivered = 0;
  const auto handle = [&](Node& node, const Delivery& d) {
    // A commit that crosses the rebalance on its way is refused, and the message comes again: only then.
    if (auto settled = node.settle(work, d); !settled) {
      EXPECT_EQ(settled.error().reason(), "lease_lost");
      ++refused;
      return;
    }
    redelivered += d.attempt - 1;
    handled[d.message.key].push_back(std::stoi(text(d)));
    all.insert(handled[d.message.key].back());
  };
  // One of each key, and so some of each partition that has any.
  const auto in_flight = first.lease_all(work, keys);
  ASSERT_EQ(in_flight.size(), static_cast<std::size_t>(keys));
  Node second(prefix, "&drain=10m");
  EXPECT_TRUE(second.lease(work, 1, 1s).empty()) << "the first waits for its handlers";
  for (const Delivery& d : in_flight) handle(first, d);
  std::size_t by_second = 0;
  const Instant until = Clock::now() + 2 * patience;
  // It is in the group some time after it asked to be: there is work until it has its share.
  while ((all.size() < static_cast<std::size_t>(published) || by_second == 0) && Clock::now() < until) {
    if (all.size() == static_cast<std::size_t>(published)) publish_some(keys);
    for (Node* node : {&first, &second}) {
      for (const Delivery& d : node->lease(work, 3, 300ms)) {
        handle(*node, d);
        by_second += node == &second ? 1 : 0;
      }
    }
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(published));
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), all.size()) << "each once";
  EXPECT_LE(redelivered, refused);
  EXPECT_GT(by_second, 0U);
  for (const auto& [key, order] : handled) EXPECT_TRUE(std::ranges::is_sorted(order)) << key;
}

// Whichever of the two has the partition.
void all_come_again(Node& first, Node& second, const Source& source, std::set<std::string> lost,
                    const std::vector<Delivery>& came) {
  for (const Delivery& d : came) lost.erase(d.message.id);
  const Instant until = Clock::now() + patience;
  while (!lost.empty() && Clock::now() < until) {
    for (Node* node : {&first, &second}) {
      for (const Delivery& d : node->lease(source, 20, 1s)) lost.erase(d.message.id);
    }
  }
  EXPECT_TRUE(lost.empty()) << lost.size() << " did not come again";
}

TEST(Rebalance, AHandlerThatTakesLongerThanTheDrainLosesItsLease) {
  const std::string prefix = new_prefix();
  const Source work = queue("a.Worker/Do");
  Node first(prefix, "&partitions=2&drain=1s");
  ASSERT_OK(first.backend().declare(declarations({{.name = work.name}})));
  for (int i = 0; i < 21; ++i) ASSERT_OK(first.publish(work.name, std::to_string(i), std::to_string(i)));
  auto slow = first.lease_all(work, 21);
  ASSERT_EQ(slow.size(), 21U);
  // The commit that it waits for counts the attempts of all of them.
  ASSERT_OK(first.settle(work, slow.back()));
  slow.pop_back();
  Node second(prefix);
  std::vector<Delivery> moved;
  const Instant until = Clock::now() + patience;
  while (moved.empty() && Clock::now() < until) moved = second.lease(work, 20, 1s);
  ASSERT_FALSE(moved.empty());
  EXPECT_EQ(moved[0].attempt, 2);
  std::set<std::string> ids;
  for (const Delivery& d : moved) ids.insert(d.message.id);
  std::set<std::string> lost;
  for (const Delivery& d : slow) {
    auto settled = first.settle(work, d);
    if (settled) {
      EXPECT_FALSE(ids.contains(d.message.id)) << "settled by one and delivered by another";
    } else {
      EXPECT_EQ(settled.error().reason(), "lease_lost");
      lost.insert(d.message.id);
    }
  }
  EXPECT_FALSE(lost.empty());
  // The other partition stays, but where a commit crosses the rebalance on its way: then it is lost too, and comes
  // again.
  if (lost.size() == slow.size()) all_come_again(first, second, work, lost, moved);
}

}  // namespace
}  // namespace parley::queue::kafka
