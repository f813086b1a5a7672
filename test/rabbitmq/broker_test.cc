// The backend against a real RabbitMQ, which test/rabbitmq/run.py starts.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <map>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/shard.h"
#include "loop/task_group.h"
#include "queue/rabbitmq/backend.h"
#include "queue/rabbitmq/connection.h"

namespace parley::queue::rabbitmq {
namespace {

using namespace std::chrono_literals;

constexpr Duration patience = 120s;  // with what comes at once where the machine has nothing else to do

// Asks until it is so.
template <class Check>
bool eventually(Check check) {
  for (const Instant end = Clock::now() + patience; Clock::now() < end; std::this_thread::sleep_for(20ms)) {
    if (check()) return true;
  }
  return false;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Tells run.py what shall happen to the server.
void server(std::string_view command) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(variable("PARLEY_RABBITMQ_CONTROL"))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  const std::string line = std::string(command) + "\n";
  ASSERT_EQ(write(fd, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  char answer[3];
  ASSERT_EQ(read(fd, answer, sizeof answer), 3);
  close(fd);
}

// Runs the plain client; what it prints.
std::string amqplib(const std::string& arguments) {
  FILE* pipe = popen((variable("PARLEY_AMQPLIB") + " " + arguments).c_str(), "r");
  std::string out;
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << out;
  return out;
}

// A process' backend with one shard.
struct Node {
  explicit Node(const std::string& url = variable("PARLEY_RABBITMQ")) {
    auto made = make_backend(url, clock);
    if (!made) throw std::runtime_error(made.error().text());
    backend = *std::move(made);
  }
  ~Node() {
    if (broker) run_blocking(shard, broker->close());
    broker.reset();
    backend.reset();
  }
  Broker& open() {
    if (!broker) broker = backend->open(shard);
    return *broker;
  }
  template <class T>
  T run(Task<T> task) {
    return run_blocking(shard, std::move(task));
  }

  // Again as long as it is certain that it was not sent: a publisher that is not connected within 3 s says so, and on
  // a machine that stops for a while it may not be.
  Result<Receipt> publish(const std::string& to, const std::string& id, const std::string& key = "",
                          std::optional<Duration> due = {}, std::optional<Duration> expires = {}) {
    for (const Instant end = Clock::now() + patience;;) {
      auto published = publish_once(to, id, key, due, expires);
      if (published || !was_away(published.error()) || Clock::now() > end) return published;
    }
  }
  static bool was_away(const Error& error) { return error.code() == Code::unavailable && error.is_safe_to_retry(); }
  Result<Receipt> publish_once(const std::string& to, const std::string& id, const std::string& key = "",
                               std::optional<Duration> due = {}, std::optional<Duration> expires = {}) {
    Publish p;
    p.to = to;
    p.message.id = id;
    p.message.key = key;
    p.message.source = "/test";
    p.message.type = "shop.Mail";
    p.message.content_type = "application/protobuf";
    p.message.time = clock.now();
    p.message.payload = Bytes("payload of " + id);
    p.message.metadata.add("tenant", "acme");
    p.message.metadata.add("x-death", "RabbitMQ's own");
    if (due) p.due = clock.now() + std::chrono::duration_cast<std::chrono::milliseconds>(*due);
    if (expires) p.expires = clock.now() + std::chrono::duration_cast<std::chrono::milliseconds>(*expires);
    return run(open().publish(std::move(p)));
  }
  // Again while it is not connected.
  std::vector<Delivery> lease(const Source& source, int most = 10, Duration wait = patience, Duration lease = 10min) {
    for (const Instant end = Clock::now() + patience;;) {
      LeaseRequest request;
      request.source = source;
      request.max_messages = most;
      request.lease = lease;
      request.wait = Deadline::after(Clock::now(), wait);
      auto out = run(open().lease(std::move(request)));
      if (!out && was_away(out.error()) && Clock::now() < end) continue;
      EXPECT_TRUE(out.has_value()) << out.error().text();
      return out ? *std::move(out) : std::vector<Delivery>();
    }
  }
  // Leases until there are so many.
  std::vector<Delivery> lease_all(const Source& source, std::size_t count) {
    std::vector<Delivery> out;
    while (out.size() < count) {
      auto more = lease(source, static_cast<int>(count - out.size()));
      if (more.empty()) break;
      for (Delivery& d : more) out.push_back(std::move(d));
    }
    return out;
  }
  Result<void> settle(const Source& source, const Delivery& d, Settlement how = {}) {
    return run(open().settle(source, d.lease, std::move(how)));
  }
  Stats stats(const Source& source) {
    auto out = run(open().stats(source));
    EXPECT_TRUE(out.has_value()) << out.error().text();
    return out ? *out : Stats();
  }
  std::vector<Peeked> peek(const Source& source, Shelf shelf = Shelf::waiting) {
    PeekRequest request;
    request.source = source;
    request.shelf = shelf;
    auto out = run(open().peek(std::move(request)));
    EXPECT_TRUE(out.has_value()) << out.error().text();
    return out ? *std::move(out) : std::vector<Peeked>();
  }

  WallClock clock;
  Shard shard;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Broker> broker;
  bool is_connected = false;
};

// How long its end took: RabbitMQ is waited for no longer than this, and what it should have noted then may be missing.
constexpr Duration longest_stop = 5s;
Duration stop(std::optional<Node>& node) {
  const Instant began = Clock::now();
  node.reset();
  return Clock::now() - began;
}
// Of what a node that stopped gave back without having tried it.
void expect_no_attempt(const Delivery& delivery, Duration stop_took) {
  EXPECT_LE(delivery.attempt, stop_took < longest_stop ? 1 : 2) << delivery.message.id;
}

Declarations one_queue(const std::string& name, bool keyed = false) {
  Declarations out;
  QueueDeclaration q;
  q.consumer.name = name;
  q.consumer.keyed = keyed;
  out.queues.push_back(q);
  return out;
}

Declarations one_topic(const std::string& name, std::vector<std::string> groups, bool from_earliest = false) {
  Declarations out;
  TopicDeclaration t;
  t.name = name;
  for (const std::string& g : groups) {
    queue::Consumer c;
    c.name = name;
    c.group = g;
    c.from_earliest = from_earliest;
    t.groups.push_back(c);
  }
  out.topics.push_back(t);
  return out;
}

std::vector<std::string> ids(const std::vector<Delivery>& of) {
  std::vector<std::string> out;
  for (const Delivery& d : of) out.push_back(d.message.id);
  return out;
}
using Ids = std::vector<std::string>;

// And waits until it is connected for publishing, too: what is published at that moment has but 3 s to be confirmed.
void declare(Node& node, const Declarations& wanted) {
  const auto declared = node.backend->declare(wanted);
  ASSERT_TRUE(declared.has_value()) << declared.error().text();
  if (std::exchange(node.is_connected, true)) return;
  Declarations connected = one_queue("connected");
  connected.queues[0].consumer.lease = 1s;  // shorter than any consumer_timeout
  ASSERT_TRUE(node.backend->declare(connected).has_value());
  ASSERT_TRUE(eventually([&] { return node.publish("connected", "c").has_value(); }));
}

TEST(RabbitQueue, APublishedMessageIsDeliveredAsItWasAndSettledOnce) {
  Node node;
  const Source mails{"shop.Mailer/SendMail", ""};
  declare(node, one_queue(mails.name));
  const WallTime before = node.clock.now();
  ASSERT_TRUE(node.publish(mails.name, "m1", "alice").has_value());
  const WallTime after = node.clock.now();
  auto got = node.lease(mails);
  ASSERT_EQ(ids(got), Ids{"m1"});
  const Message& m = got[0].message;
  EXPECT_EQ(m.key, "alice");
  EXPECT_EQ(m.source, "/test");
  EXPECT_EQ(m.type, "shop.Mail");
  EXPECT_EQ(m.content_type, "application/protobuf");
  EXPECT_EQ(m.payload.view(), "payload of m1");
  EXPECT_EQ(m.metadata.get("tenant"), "acme");
  EXPECT_FALSE(m.metadata.has("x-death"));
  EXPECT_GE(m.time, before);
  EXPECT_LE(m.time, after);
  EXPECT_EQ(got[0].attempt, 1);
  EXPECT_EQ(node.stats(mails).leased, 1U);
  EXPECT_TRUE(node.settle(mails, got[0]).has_value());
  const auto again = node.settle(mails, got[0]);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().reason(), "lease_lost");
  EXPECT_TRUE(node.lease(mails, 1, 200ms).empty());
}

TEST(RabbitQueue, DeadLettersKeepTheirReasonAndAreRedrivenWithTheSameIdAndNoAttempts) {
  Node node;
  const Source q{"dead", ""};
  declare(node, one_queue(q.name));
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(node.publish(q.name, id).has_value());
  for (const Delivery& d : node.lease_all(q, 3)) {
    EXPECT_TRUE(node.settle(q, d, {Settlement::Kind::dead, {}, "INVALID_ARGUMENT: " + d.message.id}).has_value());
  }
  EXPECT_TRUE(eventually([&] { return node.stats(q).dead == 3; }));
  auto dead = node.peek(q, Shelf::dead);
  ASSERT_EQ(dead.size(), 3U);
  EXPECT_EQ(dead[1].message.id, "b");
  EXPECT_EQ(dead[1].reason, "INVALID_ARGUMENT: b");
  EXPECT_EQ(dead[1].attempts, 1);
  EXPECT_EQ(dead[1].message.payload.view(), "payload of b");
  EXPECT_TRUE(dead[1].since.has_value());
  auto moved = node.run(node.open().redrive(q, {dead[1].position}));
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(*moved, 1U);
  auto got = node.lease(q);
  ASSERT_EQ(ids(got), Ids{"b"});
  EXPECT_EQ(got[0].attempt, 1);
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
  EXPECT_EQ(node.run(node.open().redrive(q, {})).value_or(0), 2U);
  got = node.lease_all(q, 2);
  EXPECT_EQ(got.size(), 2U);
  for (const Delivery& d : got) EXPECT_TRUE(node.settle(q, d).has_value());
  EXPECT_TRUE(eventually([&] { return node.stats(q).dead == 0; }));
}

// Properties and headers of a message are one frame, which leaves no room for ours: neither the message nor what others
// publish over the same connection may be stuck with that.
TEST(RabbitQueue, AMessageWhoseHeadersFillTheirFrameIsBuriedWithoutTheLargest) {
  Node node;
  const Source q{"headers", ""};
  declare(node, one_queue(q.name));
  auto producer = Connection::open(*parse_address(variable("PARLEY_RABBITMQ")), "a producer", 30s);
  ASSERT_TRUE(producer.has_value()) << producer.error().text();
  ASSERT_TRUE((*producer)->open_channel(1).has_value());
  Envelope full;
  full.body = Bytes("payload");
  full.message_id = "full";
  full.set("tenant", std::string("acme"));
  full.set("blob", std::string(130'900, 'x'));
  ASSERT_TRUE((*producer)->publish(1, "", q.name, true, full).has_value());
  auto got = node.lease(q);
  ASSERT_EQ(ids(got), Ids{"full"});
  const auto retried = node.settle(q, got[0], {Settlement::Kind::retry, 1500ms, ""});
  ASSERT_TRUE(retried.has_value()) << retried.error().text();
  ASSERT_TRUE(node.publish(q.name, "other").has_value());
  got = node.lease_all(q, 2);
  ASSERT_EQ(got.size(), 2U);
  for (const Delivery& d : got) {
    const auto buried = node.settle(q, d, {Settlement::Kind::dead, {}, "INVALID_ARGUMENT: " + d.message.id});
    EXPECT_TRUE(buried.has_value()) << buried.error().text();
  }
  EXPECT_TRUE(eventually([&] { return node.stats(q).dead == 2; }));
  const auto dead = node.peek(q, Shelf::dead);
  ASSERT_EQ(dead.size(), 2U);
  const Peeked& letter = dead[dead[0].message.id == "full" ? 0 : 1];
  EXPECT_EQ(letter.reason, "INVALID_ARGUMENT: full");
  EXPECT_EQ(letter.attempts, 2);
  EXPECT_EQ(letter.message.payload.view(), "payload");
  EXPECT_EQ(letter.message.metadata.get("tenant"), "acme");
}

// RabbitMQ counts deliveries in the headers, and the frame that was full is too large then.
TEST(RabbitQueue, AMessageWithAFullFrameOfHeadersComesAgain) {
  Node node;
  const Source q{"full", ""};
  declare(node, one_queue(q.name));
  auto producer = Connection::open(*parse_address(variable("PARLEY_RABBITMQ")), "a producer", 30s);
  ASSERT_TRUE(producer.has_value()) << producer.error().text();
  ASSERT_TRUE((*producer)->open_channel(1).has_value());
  Envelope full;
  full.message_id = "full";
  full.set("blob", std::string());
  full.set("blob", std::string(131'072 - header_frame_bytes(full), 'x'));
  ASSERT_TRUE((*producer)->publish(1, "", q.name, true, full).has_value());
  auto got = node.lease(q, 1, patience, 1s);
  ASSERT_EQ(ids(got), Ids{"full"});
  got = node.lease(q, 1);  // its lease has run out
  ASSERT_EQ(ids(got), Ids{"full"});
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
}

TEST(RabbitQueue, ARetryComesAfterItsDelayWithTheNextAttempt) {
  Node node;
  const Source q{"retry", ""};
  declare(node, one_queue(q.name));
  ASSERT_TRUE(node.publish(q.name, "r").has_value());
  auto got = node.lease(q);
  ASSERT_EQ(got.size(), 1U);
  for (const auto& [delay, attempt] : {std::pair{300ms, 2}, {1500ms, 3}}) {
    const Instant start = Clock::now();
    ASSERT_TRUE(node.settle(q, got[0], {Settlement::Kind::retry, delay, ""}).has_value());
    got = node.lease(q, 1);
    ASSERT_EQ(ids(got), Ids{"r"});
    EXPECT_EQ(got[0].attempt, attempt);
    EXPECT_GE(Clock::now() - start, delay - 5ms);
    EXPECT_LE(Clock::now() - start, delay + 60s);
  }
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
}

TEST(RabbitQueue, AReleaseIsNoAttemptAndALeaseThatEndsIsOne) {
  Node node;
  const Source q{"release", ""};
  declare(node, one_queue(q.name));
  ASSERT_TRUE(node.publish(q.name, "r").has_value());
  auto got = node.lease(q);
  ASSERT_EQ(got.size(), 1U);
  ASSERT_TRUE(node.settle(q, got[0], {Settlement::Kind::release, {}, ""}).has_value());
  Instant extended;
  int attempt = 0;
  for (bool longer = false; !longer;) {
    const Instant began = Clock::now();
    got = node.lease(q, 1, patience, 2s);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].attempt, ++attempt);
    extended = Clock::now();
    longer = node.run(node.open().extend(q, got[0].lease, 3s)).has_value();
    if (!longer) ASSERT_GE(Clock::now() - began, 2s);  // the machine stopped for so long: it ran out
  }
  auto second = node.lease(q, 1);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_GE(Clock::now() - extended, 3s - 5ms);
  EXPECT_EQ(second[0].attempt, attempt + 1);
  const auto late = node.run(node.open().extend(q, got[0].lease, 1s));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().reason(), "lease_lost");
  EXPECT_TRUE(node.settle(q, second[0]).has_value());
}

TEST(RabbitQueue, AGracefulStopIsNoAttemptAndALostConnectionIsOneForWhatWasLeased) {
  const Source q{"stops", ""};
  Duration stop_took{};
  {
    std::optional<Node> node(std::in_place);
    declare(*node, one_queue(q.name));
    for (const char* id : {"1", "2"}) ASSERT_TRUE(node->publish(q.name, id).has_value());
    auto got = node->lease_all(q, 2);
    ASSERT_EQ(got.size(), 2U);
    for (const Delivery& d : got) EXPECT_TRUE(node->settle(q, d, {Settlement::Kind::release, {}, ""}).has_value());
    stop_took = stop(node);
  }
  int before = 0;
  {
    Node node;
    declare(node, one_queue(q.name));
    auto got = node.lease_all(q, 2);
    ASSERT_EQ(got.size(), 2U);
    for (const Delivery& d : got) expect_no_attempt(d, stop_took);
    before = got[0].attempt;
    EXPECT_TRUE(node.settle(q, got[1]).has_value());
  }
  Node node;
  declare(node, one_queue(q.name));
  auto got = node.lease(q);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].attempt, before + 1);
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
}

TEST(RabbitQueue, MessagesOfAKeyComeOneAtATimeInOrderAndARetryBlocksOnlyItsKey) {
  Node node;
  const Source q{"keyed", ""};
  declare(node, one_queue(q.name, true));
  for (const char* id : {"a1", "b1", "a2", "b2", "a3"}) {
    ASSERT_TRUE(node.publish(q.name, id, std::string(1, id[0])).has_value());
  }
  auto got = node.lease_all(q, 2);
  ASSERT_EQ(ids(got), (Ids{"a1", "b1"}));
  EXPECT_TRUE(node.lease(q, 5, 300ms).empty());
  const Instant start = Clock::now();
  ASSERT_TRUE(node.settle(q, got[0], {Settlement::Kind::retry, 3s, ""}).has_value());
  ASSERT_TRUE(node.settle(q, got[1]).has_value());
  auto next = node.lease(q, 5);
  // Together only where the machine stopped until it is time for "a1".
  if (ids(next) == (Ids{"b2", "a1"})) std::swap(next[0], next[1]);
  ASSERT_TRUE(ids(next) == Ids{"b2"} || (Clock::now() - start >= 2990ms && ids(next) == (Ids{"a1", "b2"})));
  ASSERT_TRUE(node.settle(q, next.back()).has_value());
  next.pop_back();
  if (next.empty()) next = node.lease(q, 5);
  ASSERT_EQ(ids(next), Ids{"a1"});
  EXPECT_EQ(next[0].attempt, 2);
  EXPECT_GE(Clock::now() - start, 2990ms);
  ASSERT_TRUE(node.settle(q, next[0], {Settlement::Kind::dead, {}, "x"}).has_value());
  for (const char* id : {"a2", "a3"}) {
    next = node.lease(q, 5);
    ASSERT_EQ(ids(next), Ids{id});
    ASSERT_TRUE(node.settle(q, next[0]).has_value());
  }
}

TEST(RabbitQueue, OnlyOneNodeHandsOutAKeyedQueueAndAnotherTakesOver) {
  const Source q{"keyed-two", ""};
  Node second;
  std::optional<Node> first(std::in_place);
  declare(*first, one_queue(q.name, true));
  declare(second, one_queue(q.name, true));
  for (const char* id : {"a1", "a2"}) ASSERT_TRUE(first->publish(q.name, id, "a").has_value());
  auto got = first->lease(q);
  ASSERT_EQ(ids(got), Ids{"a1"});
  EXPECT_TRUE(second.lease(q, 5, 500ms).empty());
  ASSERT_TRUE(first->settle(q, got[0], {Settlement::Kind::retry, 5s, ""}).has_value());
  const Duration stop_took = stop(first);
  got = second.lease(q);
  ASSERT_EQ(ids(got), Ids{"a1"});
  EXPECT_EQ(got[0].attempt, 2);
  EXPECT_TRUE(second.settle(q, got[0]).has_value());
  got = second.lease(q);
  ASSERT_EQ(ids(got), Ids{"a2"});
  expect_no_attempt(got[0], stop_took);
  EXPECT_TRUE(second.settle(q, got[0]).has_value());
}

// More messages than a node takes at once: RabbitMQ has followers of those that it gives back.
TEST(RabbitQueue, ANodeThatNobodyAsksAnyMoreGivesAKeyedQueueToTheNextInOrder) {
  const Source q{"keyed-idle", ""};
  Node first;
  Node second;
  declare(first, one_queue(q.name, true));
  declare(second, one_queue(q.name, true));
  for (int i = 0; i < 700; ++i) ASSERT_TRUE(first.publish(q.name, fmt::format("a{}", i), "a").has_value());
  auto got = first.lease(q, 1);
  ASSERT_EQ(ids(got), Ids{"a0"});
  ASSERT_TRUE(first.settle(q, got[0]).has_value());
  got = second.lease(q, 1);
  ASSERT_EQ(ids(got), Ids{"a1"});
  EXPECT_EQ(got[0].attempt, 1);
  EXPECT_TRUE(second.settle(q, got[0]).has_value());
}

TEST(RabbitQueue, AScheduledMessageWaitsAndAnExpiredOneIsDead) {
  Node node;
  const Source q{"schedule", ""};
  declare(node, one_queue(q.name));
  const Instant start = Clock::now();
  ASSERT_TRUE(node.publish(q.name, "later", "", 2200ms).has_value());
  ASSERT_TRUE(node.publish(q.name, "stale", "", {}, 200ms).has_value());
  std::this_thread::sleep_for(250ms);
  auto got = node.lease(q, 1);
  ASSERT_EQ(ids(got), Ids{"later"});
  EXPECT_GE(Clock::now() - start, 2195ms);
  EXPECT_EQ(got[0].attempt, 1);
  EXPECT_TRUE(eventually([&] { return node.stats(q).dead == 1; }));
  auto dead = node.peek(q, Shelf::dead);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].message.id, "stale");
  EXPECT_TRUE(dead[0].reason.starts_with("DEADLINE_EXCEEDED (expired)")) << dead[0].reason;
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
  EXPECT_EQ(node.run(node.open().redrive(q, {})).value_or(0), 1U);
  got = node.lease(q, 1);
  ASSERT_EQ(ids(got), Ids{"stale"});
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
}

TEST(RabbitQueue, AMessageThatExpiresInElevenYearsIsTakenAndDisturbsNobody) {
  Node node;
  const Source q{"expires-late", ""};
  declare(node, one_queue(q.name));
  const auto late = node.publish(q.name, "late", "", {}, 24h * 365 * 11);
  EXPECT_TRUE(late.has_value()) << late.error().text();
  EXPECT_EQ(node.lease_all(q, 1).size(), 1U);
}

TEST(RabbitQueue, PeekingShowsWhatWaitsAndIsNoAttempt) {
  Node node;
  const Source plain{"peek", ""};
  const Source keyed{"peek-keyed", ""};
  declare(node, one_queue(plain.name));
  declare(node, one_queue(keyed.name, true));
  for (const Source& q : {plain, keyed}) {
    for (const char* id : {"1", "2", "3"}) ASSERT_TRUE(node.publish(q.name, id).has_value());
    std::vector<Peeked> seen;
    ASSERT_TRUE(eventually([&] { return (seen = node.peek(q)).size() == 3; })) << q.name << ": " << seen.size();
    EXPECT_EQ(seen[0].message.id, "1");
    EXPECT_EQ(seen[2].message.id, "3");
    EXPECT_EQ(seen[0].attempts, 0);
    auto got = node.lease_all(q, 3);
    ASSERT_EQ(ids(got), (Ids{"1", "2", "3"})) << q.name;
    for (const Delivery& d : got) {
      EXPECT_EQ(d.attempt, 1) << q.name;
      EXPECT_TRUE(node.settle(q, d).has_value());
    }
  }
}

TEST(RabbitQueue, APauseStopsLeasingAndOutlivesTheNode) {
  const Source q{"pause", ""};
  {
    Node node;
    declare(node, one_queue(q.name));
    ASSERT_TRUE(node.run(node.open().pause(q, true)).has_value());
    ASSERT_TRUE(node.publish(q.name, "p").has_value());
    EXPECT_TRUE(node.lease(q, 1, 500ms).empty());
  }
  Node node;
  declare(node, one_queue(q.name));
  EXPECT_TRUE(node.stats(q).paused);
  EXPECT_TRUE(eventually([&] { return node.stats(q).waiting == 1; }));
  EXPECT_TRUE(node.lease(q, 1, 500ms).empty());
  ASSERT_TRUE(node.run(node.open().pause(q, false)).has_value());
  auto got = node.lease(q);
  ASSERT_EQ(ids(got), Ids{"p"});
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
  ASSERT_TRUE(node.publish(q.name, "x").has_value());
  EXPECT_EQ(node.run(node.open().purge(q, Shelf::waiting)).value_or(0), 1U);
  EXPECT_TRUE(node.lease(q, 1, 300ms).empty());
}

TEST(RabbitQueue, WhatDoesNotExistIsNotFoundAndWhatCannotBeIsRefused) {
  Node node;
  declare(node, one_queue("exists"));
  EXPECT_EQ(node.publish("nowhere", "x").error().code(), Code::not_found);
  LeaseRequest request;
  request.source = {"nowhere", ""};
  auto leased = node.run(node.open().lease(std::move(request)));
  ASSERT_FALSE(leased.has_value());
  EXPECT_EQ(leased.error().code(), Code::not_found);
  EXPECT_EQ(node.run(node.open().stats({"nowhere", ""})).error().code(), Code::not_found);
  Declarations dedup = one_queue("dedup");
  dedup.queues[0].dedup_window = 1h;
  const auto refused = node.backend->declare(dedup);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason(), "not_by_this_backend");
  const auto changed = node.backend->declare(one_queue("exists", true));
  ASSERT_FALSE(changed.has_value());
  EXPECT_EQ(changed.error().code(), Code::failed_precondition);
  EXPECT_EQ(node.publish("exists", "still works").has_value(), true);
}

TEST(RabbitTopic, EveryGroupGetsEveryEventAndReadersReplayFromAnywhere) {
  Node node;
  declare(node, one_topic("orders", {"mailer", "stock"}));
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(node.publish("orders", fmt::format("o{}", i)).has_value());
  for (const char* group : {"mailer", "stock"}) {
    const Source source{"orders", group};
    auto got = node.lease_all(source, 5);
    ASSERT_EQ(ids(got), (Ids{"o1", "o2", "o3", "o4", "o5"})) << group;
    for (const Delivery& d : got) EXPECT_TRUE(node.settle(source, d).has_value());
  }
  ReadRequest request;
  request.topic = "orders";
  request.max_messages = 2;
  Ids seen;
  std::vector<Position> positions;
  const auto read = [&](std::size_t count) {  // a read gives what has come
    for (seen.clear(); seen.size() < count;) {
      request.wait = Deadline::after(Clock::now(), patience);
      auto events = node.run(node.open().read(request));
      ASSERT_TRUE(events.has_value()) << events.error().text();
      ASSERT_FALSE(events->events.empty());
      for (const Event& e : events->events) {
        seen.push_back(e.message.id);
        positions.push_back(e.position);
      }
      request.from = {From::Kind::after, {}, events->next};
    }
  };
  read(5);
  EXPECT_EQ(seen, (Ids{"o1", "o2", "o3", "o4", "o5"}));
  request.from = {From::Kind::after, {}, positions[2]};
  request.max_messages = 10;
  read(2);
  EXPECT_EQ(seen, (Ids{"o4", "o5"}));
  // From the latest on: nothing yet, then what comes.
  request.from = {From::Kind::latest, {}, {}};
  request.wait = Deadline::after(Clock::now(), 300ms);
  auto events = node.run(node.open().read(request));
  ASSERT_TRUE(events.has_value()) << events.error().text();
  EXPECT_TRUE(events->events.empty()) << events->events[0].message.id << " at " << events->events[0].position;
  ASSERT_TRUE(node.publish("orders", "o6").has_value());
  request.from = {From::Kind::after, {}, events->next};
  request.wait = Deadline::after(Clock::now(), patience);
  events = node.run(node.open().read(request));
  ASSERT_TRUE(events.has_value());
  ASSERT_EQ(events->events.size(), 1U);
  EXPECT_EQ(events->events[0].message.id, "o6");
  // A group that reads by itself keeps its place.
  const Source self{"orders", "reader"};
  EXPECT_EQ(node.run(node.open().checkpoint(self)).error().code(), Code::not_found);
  ASSERT_TRUE(node.run(node.open().commit(self, {From::Kind::after, {}, events->next})).has_value());
  ASSERT_TRUE(node.run(node.open().commit(self, {From::Kind::after, {}, positions[4]})).has_value());
  EXPECT_EQ(node.run(node.open().checkpoint(self)).value_or("?"), positions[4]);
  request.from = {From::Kind::time, node.clock.now() - 1h, {}};
  read(6);
  EXPECT_EQ(seen, (Ids{"o1", "o2", "o3", "o4", "o5", "o6"}));
}

TEST(RabbitTopic, ANewGroupBeginsAtTheEarliestIfItAsksForIt) {
  Node node;
  declare(node, one_topic("history", {"first"}));
  for (int i = 1; i <= 300; ++i) ASSERT_TRUE(node.publish("history", fmt::format("h{}", i)).has_value());
  declare(node, one_topic("history", {"second"}, true));
  declare(node, one_topic("history", {"third"}));
  ASSERT_TRUE(node.publish("history", "new").has_value());
  const Source second{"history", "second"};
  auto got = node.lease_all(second, 64);
  ASSERT_EQ(got.size(), 64U);
  EXPECT_EQ(got[0].message.id, "h1");
  EXPECT_EQ(got[63].message.id, "h64");
  EXPECT_TRUE(eventually([&] { return node.stats(second).waiting == 237; })) << node.stats(second).waiting;
  EXPECT_EQ(ids(node.lease({"history", "third"})), Ids{"new"});
  // Seeking moves the group.
  for (const Delivery& d : got) EXPECT_TRUE(node.settle(second, d).has_value());
  ASSERT_TRUE(node.run(node.open().commit(second, {From::Kind::latest, {}, {}})).has_value());
  EXPECT_EQ(node.stats(second).waiting, 0U);
  // Also while it is consumed.
  EXPECT_TRUE(node.lease(second, 1, 200ms).empty());
  ASSERT_TRUE(node.run(node.open().commit(second, {From::Kind::earliest, {}, {}})).has_value());
  got = node.lease_all(second, 64);
  ASSERT_EQ(got.size(), 64U);
  EXPECT_EQ(got[0].message.id, "h1");
  const auto known = node.backend->list();
  ASSERT_TRUE(known.has_value());
  EXPECT_NE(std::ranges::find(*known, second), known->end());
}

// What is settled makes room for more, which is on its way to us while the group is moved.
TEST(RabbitTopic, SeekingDropsWhatIsOnItsWayToTheConsumer) {
  Node node;
  const Source group{"moved", "group"};
  declare(node, one_topic("moved", {"group"}));
  for (int i = 1; i <= 200; ++i) ASSERT_TRUE(node.publish("moved", fmt::format("m{}", i)).has_value());
  for (int round = 0; round < 8; ++round) {
    const auto got = node.lease_all(group, 64);
    ASSERT_EQ(got.size(), 64U);
    EXPECT_EQ(got[0].message.id, "m1");
    for (const Delivery& d : got) EXPECT_TRUE(node.settle(group, d).has_value());
    ASSERT_TRUE(node.run(node.open().commit(group, {From::Kind::latest, {}, {}})).has_value());
    EXPECT_EQ(node.stats(group).waiting, 0U) << round;
    ASSERT_TRUE(node.run(node.open().commit(group, {From::Kind::earliest, {}, {}})).has_value());
  }
}

TEST(RabbitClients, APlainProducerFeedsAQueueAndAPlainConsumerReadsIt) {
  Node node;
  const Source q{"plain", ""};
  declare(node, one_queue(q.name));
  ASSERT_TRUE(node.publish(q.name, "for-js", "k").has_value());
  const std::string seen = amqplib("get plain");
  for (const char* part :
       {R"("body":"payload of for-js")", R"("contentType":"application/protobuf")", R"("messageId":"for-js")",
        R"("type":"shop.Mail")", R"("cloudEvents:id":"for-js")", R"("cloudEvents:specversion":"1.0")",
        R"("cloudEvents:partitionkey":"k")", R"("deliveryMode":2)"}) {
    EXPECT_NE(seen.find(part), std::string::npos) << part << " in " << seen;
  }
  amqplib(
      R"(publish '' plain '{"contentType":"application/json","messageId":"p-1","type":"shop.Mail","timestamp":1700000000,)"
      R"("headers":{"partitionkey":"bob","tenant":"acme","level":3}}' '{"to":"bob"}')");
  amqplib(
      R"(publish '' plain '{"headers":{"cloudEvents:id":"c-1","cloudEvents:source":"/js","cloudEvents:type":"shop.Mail",)"
      R"("cloudEvents:time":"2023-11-14T22:13:20.5Z","cloudEvents:trace":"t"}}' 'bytes')");
  amqplib(R"(publish '' plain '{"contentType":"application/cloudevents+json"}' )"
          R"('{"specversion":"1.0","id":"s-1","source":"/js","type":"shop.Mail","subject":"s","data":{"to":"eve"}}')");
  auto got = node.lease_all(q, 3);
  ASSERT_EQ(ids(got), (Ids{"p-1", "c-1", "s-1"}));
  EXPECT_EQ(got[0].message.content_type, "application/json");
  EXPECT_EQ(got[0].message.payload.view(), R"({"to":"bob"})");
  EXPECT_EQ(got[0].message.key, "bob");
  EXPECT_EQ(got[0].message.type, "shop.Mail");
  EXPECT_EQ(got[0].message.metadata.get("tenant"), "acme");
  EXPECT_EQ(got[0].message.metadata.get("level"), "3");
  EXPECT_EQ(got[0].message.time, WallTime(1700000000s));
  EXPECT_EQ(got[1].message.source, "/js");
  EXPECT_EQ(got[1].message.time, WallTime(1700000000500ms));
  EXPECT_EQ(got[1].message.metadata.get("ce-trace"), "t");
  EXPECT_EQ(got[2].message.type, "shop.Mail");
  EXPECT_EQ(got[2].message.content_type, "application/json");
  EXPECT_EQ(got[2].message.payload.view(), R"({"to":"eve"})");
  EXPECT_EQ(got[2].message.metadata.get("ce-subject"), "s");
  for (const Delivery& d : got) EXPECT_TRUE(node.settle(q, d).has_value());
}

TEST(RabbitClients, APlainConsumerBindsItsQueueToATopic) {
  Node node;
  declare(node, one_topic("plain-topic", {}));
  std::string seen;
  std::atomic<bool> has_one = false;
  std::thread client([&] {
    seen = amqplib("bind plain-topic shop.Mail");
    has_one = true;
  });
  EXPECT_TRUE(eventually([&] {
    EXPECT_TRUE(node.publish("plain-topic", "e").has_value());
    return has_one.load();
  }));
  client.join();
  EXPECT_NE(seen.find(R"("messageId":"e")"), std::string::npos) << seen;
  EXPECT_NE(seen.find(R"("routingKey":"shop.Mail")"), std::string::npos) << seen;
}

TEST(RabbitTls, TheServerIsVerifiedByItsCaAndTheClientMayHaveACertificate) {
  const std::string tls = variable("PARLEY_RABBITMQ_TLS");
  const std::string base = fmt::format("rabbitmqs://guest:guest@localhost:{}/", variable("PARLEY_RABBITMQ_TLS_PORT"));
  for (const std::string& options :
       {fmt::format("?ca={}/ca.pem", tls), fmt::format("?ca={0}/ca.pem&cert={0}/client.pem&key={0}/client.key", tls)}) {
    Node node(base + options);
    const Source q{"tls", ""};
    declare(node, one_queue(q.name));
    ASSERT_TRUE(node.publish(q.name, "t").has_value());
    auto got = node.lease(q);
    ASSERT_EQ(ids(got), Ids{"t"});
    EXPECT_TRUE(node.settle(q, got[0]).has_value());
  }
  Node stranger(base);
  const auto refused = stranger.backend->declare(one_queue("tls"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("rabbitmqs://localhost"), std::string::npos) << refused.error().text();
  EXPECT_EQ(refused.error().message().find("guest"), std::string::npos);
}

TEST(RabbitLogin, AWrongPasswordFailsAtOnce) {
  std::string url = variable("PARLEY_RABBITMQ");
  url.replace(url.find("guest:guest"), 11, "guest:secret");
  Node node(url);
  const Instant start = Clock::now();
  const auto refused = node.backend->declare(one_queue("x"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::unauthenticated) << refused.error().text();
  EXPECT_EQ(refused.error().text().find("secret"), std::string::npos);
  EXPECT_LT(Clock::now() - start, 25s) << "it waits 30 s for a server that is not there yet";
}

// ---- many at once

Task<void> publish_many(Node* node, std::string to, int first, int count, bool keyed, int* failed) {
  for (int i = first; i < first + count; ++i) {
    Publish p;
    p.to = to;
    p.message.id = fmt::to_string(i);
    p.message.key = !keyed ? "" : fmt::format("k{}", first);
    p.message.type = "shop.Mail";
    p.message.time = node->clock.now();
    p.message.payload = Bytes(std::string(1024, 'x'));
    if (!co_await node->open().publish(std::move(p))) ++*failed;
  }
}

struct Handled {
  std::map<std::string, int> last;  // by key
  int count = 0;
  int out_of_order = 0;
};

Task<void> handle_many(Node* node, Source source, int until, Handled* handled) {
  for (const Instant end = Clock::now() + patience; handled->count < until && Clock::now() < end;) {
    LeaseRequest request;
    request.source = source;
    request.max_messages = 8;
    request.lease = 10min;
    request.wait = Deadline::after(Clock::now(), 500ms);
    auto got = co_await node->open().lease(std::move(request));
    if (!got && Node::was_away(got.error())) continue;
    if (!got) break;
    for (const Delivery& d : *got) {
      int& last = handled->last[d.message.key];
      const int number = std::stoi(d.message.id);
      if (!d.message.key.empty() && number < last) ++handled->out_of_order;
      last = number;
      if (co_await node->open().settle(source, d.lease, {})) ++handled->count;
    }
  }
}

TEST(RabbitLoad, ManyProducersAndConsumersLoseNothingAndKeepTheOrderOfKeys) {
  constexpr int producers = 64;
  constexpr int each = 100;
  for (const bool keyed : {false, true}) {
    Node node;
    const Source q{keyed ? "load-keyed" : "load", ""};
    declare(node, one_queue(q.name, keyed));
    int failed = 0;
    Instant start = Clock::now();
    {
      TaskGroup group;
      for (int i = 0; i < producers; ++i) {
        group.spawn(publish_many(&node, q.name, i * each, each, keyed, &failed));
      }
      node.shard.run_until([&] { return group.live() == 0; });
    }
    const auto per_second = [&](Instant from) {
      return static_cast<int>(producers * each / std::chrono::duration<double>(Clock::now() - from).count());
    };
    EXPECT_EQ(failed, 0);
    const int published = per_second(start);
    start = Clock::now();
    Handled handled;
    TaskGroup group;
    for (int i = 0; i < 16; ++i) group.spawn(handle_many(&node, q, producers * each, &handled));
    node.shard.run_until([&] { return group.live() == 0; });
    EXPECT_EQ(handled.count, producers * each);
    EXPECT_EQ(handled.out_of_order, 0);
    fmt::print("{}: published {}/s, handled {}/s\n", q.name, published, per_second(start));
    EXPECT_EQ(node.stats(q).waiting, 0U);
  }
}

TEST(RabbitQueue, WhatWaitsLongerThanTheConsumerTimeoutKeepsItsPlace) {
  Node node(variable("PARLEY_RABBITMQ") + "?consumer_timeout=20s");
  const Source q{"long", ""};
  Declarations wanted = one_queue(q.name, true);
  wanted.queues[0].consumer.lease = 15s;
  declare(node, wanted);
  for (const char* id : {"a1", "a2", "a3", "b1"}) {
    ASSERT_TRUE(node.publish(q.name, id, std::string(1, id[0])).has_value());
  }
  auto got = node.lease(q, 1, patience, 15s);
  ASSERT_EQ(ids(got), Ids{"a1"});
  const auto far = node.run(node.open().extend(q, got[0].lease, 25s));
  ASSERT_FALSE(far.has_value());
  EXPECT_EQ(far.error().reason(), "rabbitmq_consumer_timeout");
  const Instant start = Clock::now();
  ASSERT_TRUE(node.settle(q, got[0], {Settlement::Kind::retry, 25s, ""}).has_value());
  got = node.lease(q, 1, patience, 15s);
  ASSERT_EQ(ids(got), Ids{"b1"});
  ASSERT_TRUE(node.settle(q, got[0]).has_value());
  for (const auto& [id, attempt] : {std::pair{"a1", 2}, {"a2", 1}, {"a3", 1}}) {
    got = node.lease(q, 5, patience, 15s);
    ASSERT_EQ(ids(got), Ids{id});
    EXPECT_EQ(got[0].attempt, attempt) << id;
    EXPECT_GE(Clock::now() - start, 25s - 10ms);
    ASSERT_TRUE(node.settle(q, got[0]).has_value());
  }
}

TEST(RabbitQueue, DrainingEndsWaitingLeasesAndDedupRemembersIfAsked) {
  Node node(variable("PARLEY_RABBITMQ") + "?dedup=process");
  const Source q{"drain", ""};
  Declarations wanted = one_queue(q.name);
  wanted.queues[0].dedup_window = 1h;
  declare(node, wanted);
  for (const bool duplicate : {false, true}) {
    Publish p;
    p.to = q.name;
    p.message.id = duplicate ? "second" : "first";
    p.dedup = "same";
    const auto receipt = node.run(node.open().publish(std::move(p)));
    ASSERT_TRUE(receipt.has_value());
    EXPECT_EQ(receipt->id, "first");
    EXPECT_EQ(receipt->duplicate, duplicate);
  }
  auto got = node.lease(q);
  ASSERT_EQ(ids(got), Ids{"first"});
  LeaseRequest request;
  request.source = q;
  TaskGroup group;
  bool empty = false;
  const auto wait = [](Broker* broker, LeaseRequest r, bool* out) -> Task<void> {
    auto leased = co_await broker->lease(std::move(r));
    *out = leased.has_value() && leased->empty();
  };
  group.spawn(wait(&node.open(), std::move(request), &empty));
  EXPECT_EQ(group.live(), 1U);
  node.open().stop_leasing();
  node.shard.run_until([&] { return group.live() == 0; });
  EXPECT_TRUE(empty);
  EXPECT_TRUE(node.run(node.open().extend(q, got[0].lease, 10s)).has_value());
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
}

TEST(RabbitServerBlocks, PublishingIsRefusedClearlyAndHandlingGoesOn) {
  Node node;
  const Source q{"blocked", ""};
  declare(node, one_queue(q.name));
  for (const char* id : {"1", "2"}) ASSERT_TRUE(node.publish(q.name, id).has_value());
  auto got = node.lease_all(q, 2);
  ASSERT_EQ(got.size(), 2U);
  server("block");
  // RabbitMQ tells us when we publish, and not before its connections have heard of it: those until then are taken, or
  // wait for their confirm.
  Result<Receipt> refused;
  EXPECT_TRUE(eventually([&] {
    refused = node.publish(q.name, "3");
    return !refused && refused.error().code() != Code::deadline_exceeded;
  }));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::resource_exhausted) << refused.error().text();
  EXPECT_EQ(refused.error().reason(), "rabbitmq_blocked");
  EXPECT_TRUE(node.settle(q, got[0]).has_value());
  server("unblock");
  EXPECT_TRUE(eventually([&] { return node.publish(q.name, "4").has_value(); }));
  EXPECT_TRUE(node.settle(q, got[1], {Settlement::Kind::dead, {}, "x"}).has_value());
}

TEST(RabbitServerBlocks, WhatCannotBePublishedIsTriedNowAndThenAndNotWithoutPause) {
  Node node;
  const Source q{"blocked-keyed", ""};
  declare(node, one_queue(q.name, true));
  ASSERT_TRUE(node.publish(q.name, "1", "k").has_value());
  const auto leased = node.lease(q, 1);
  ASSERT_EQ(leased.size(), 1U);
  server("block");
  (void)node.publish(q.name, "the one that makes it tell us");
  // The lease runs out, and the record of the attempt cannot be written.
  ASSERT_TRUE(node.run(node.open().extend(q, leased[0].lease, 300ms)).has_value());
  std::this_thread::sleep_for(800ms);
  const std::clock_t before = std::clock();
  const Instant began = Clock::now();
  std::this_thread::sleep_for(1s);
  const double busy = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  const double share = busy / std::chrono::duration<double>(Clock::now() - began).count();
  server("unblock");
  EXPECT_LT(share, 0.3) << "of a core";
  const auto both = node.lease_all(q, 2);
  ASSERT_EQ(both.size(), 2U);
  for (const Delivery& d : both) EXPECT_EQ(d.attempt, d.message.id == "1" ? 2 : 1) << d.message.id;
}

TEST(RabbitServerHangs, APublishOfUnknownOutcomeSaysSo) {
  Node node(variable("PARLEY_RABBITMQ") + "?heartbeat=2s");
  const Source q{"hangs", ""};
  declare(node, one_queue(q.name));
  ASSERT_TRUE(node.publish(q.name, "before").has_value());
  Result<Receipt> unknown;
  // Where the machine stopped before it was sent, the connection is known to be gone by then, and nothing unknown.
  do {
    server("stop");
    unknown = node.publish_once(q.name, "h");
    server("continue");
    ASSERT_FALSE(unknown.has_value());
    if (Node::was_away(unknown.error())) ASSERT_TRUE(node.publish(q.name, "again").has_value());
  } while (Node::was_away(unknown.error()));
  EXPECT_EQ(unknown.error().code(), Code::unavailable);
  EXPECT_EQ(unknown.error().reason(), "rabbitmq_unconfirmed");
  EXPECT_FALSE(unknown.error().is_safe_to_retry());
  EXPECT_TRUE(eventually([&] { return node.publish(q.name, "h").has_value(); }));
}

// The last: the server goes and comes.
TEST(RabbitServerDies, NothingAcknowledgedIsLostAndLeasesAre) {
  Node node;
  const Source q{"dies", ""};
  declare(node, one_queue(q.name));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(node.publish(q.name, fmt::format("d{}", i)).has_value());
  auto got = node.lease(q, 1);
  ASSERT_EQ(got.size(), 1U);
  const Source keyed{"dies-keyed", ""};
  declare(node, one_queue(keyed.name, true));
  for (const char* id : {"k1", "k2", "k3"}) ASSERT_TRUE(node.publish(keyed.name, id, "k").has_value());
  auto first_of_key = node.lease(keyed, 1);
  ASSERT_EQ(ids(first_of_key), Ids{"k1"});
  ASSERT_TRUE(node.settle(keyed, first_of_key[0], {Settlement::Kind::retry, 60s, ""}).has_value());
  server("kill");
  // RabbitMQ does not answer an acknowledgement, so settling fails only once the node knows that the server is gone.
  ASSERT_TRUE(eventually([&] {
    const auto extended = node.run(node.open().extend(q, got[0].lease, 60s));
    return !extended && extended.error().reason() == "lease_lost";
  })) << "nobody noticed";
  const auto lost = node.settle(q, got[0]);
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().reason(), "lease_lost");
  const auto refused = node.publish_once(q.name, "while away");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::unavailable);
  {
    Node early;
    const auto down = early.backend->declare(one_queue(q.name));
    ASSERT_FALSE(down.has_value());
    EXPECT_EQ(down.error().code(), Code::unavailable) << down.error().text();
  }
  std::thread starter([] { server("start"); });
  auto again = node.lease(q, 20, 2 * patience);
  starter.join();
  while (again.size() < 20) {
    auto more = node.lease(q, 20);
    if (more.empty()) break;
    for (Delivery& d : more) again.push_back(std::move(d));
  }
  ASSERT_EQ(again.size(), 20U);
  const auto first = std::ranges::find(again, "d0", [](const Delivery& d) { return d.message.id; });
  ASSERT_NE(first, again.end());
  EXPECT_EQ(first->attempt, 2);
  for (const Delivery& d : again) {
    if (d.message.id != "d0") EXPECT_EQ(d.attempt, 1) << d.message.id;
    EXPECT_TRUE(node.settle(q, d).has_value());
  }
  ASSERT_TRUE(node.publish(q.name, "after").has_value());
  for (const auto& [id, attempt] : {std::pair{"k1", 2}, {"k2", 1}, {"k3", 1}}) {
    auto next = node.lease(keyed, 5);
    ASSERT_EQ(ids(next), Ids{id});
    EXPECT_EQ(next[0].attempt, attempt) << id;
    ASSERT_TRUE(node.settle(keyed, next[0]).has_value());
  }
}

}  // namespace
}  // namespace parley::queue::rabbitmq
