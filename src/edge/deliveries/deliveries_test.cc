// The delivery edge over a broker in memory, with handlers that do as the test says, on fake time.
#include "edge/deliveries/deliveries.h"

#include <deque>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/retry_info.h"
#include "contract/transcode.h"
#include "loop/run_blocking.h"
#include "queue/declarations_of.h"
#include "queue/fake_broker.h"

namespace parley::edge {
namespace {

using namespace std::chrono_literals;
using deliveries::Outcome;
using queue::Settlement;
using queue::Shelf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* shop =
    "service Mailer {"
    "rpc SendMail(Mail) returns (parley.Receipt) { option (parley.queue) = {key: \"to\" in_flight: 4 lease: \"30s\" "
    "timeout: \"5m\" retry: {attempts: 3 first: \"1s\" max: \"10s\" fatal: [NOT_FOUND]}}; }"
    "rpc OnPlaced(Placed) returns (google.protobuf.Empty) { option (parley.subscribe) = {group: \"mail\"}; }"
    "rpc OnPaid(Paid) returns (google.protobuf.Empty) { option (parley.subscribe) = {group: \"mail\"}; } }"
    "service Stock { rpc Take(Placed) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; } }"
    "message Mail { string to = 1; string text = 2; }"
    "message Placed { option (parley.event) = {topic: \"orders\" key: \"id\"}; string id = 1; }"
    "message Paid { option (parley.event) = {topic: \"orders\"}; string id = 1; }"
    "message Gone { option (parley.event) = {topic: \"orders\"}; string id = 1; }";

Error upstream_error(Code code, const char* message = "no luck") {
  return Error(code, Blame::upstream, message).with_reason("upstream_status");
}
Error nobody_there() {
  return Error(Code::unavailable, Blame::upstream, "connection refused").with_reason("connect").safe_to_retry();
}

// What handlers were asked and what they answer.
struct Service {
  struct Seen {
    std::string rpc;
    std::string request;  // JSON
    Fields metadata;
    std::string edge;
  };
  std::vector<Seen> seen;
  std::deque<std::optional<Error>> answers;  // taken in turn; then success
  bool hang = false;                         // until cancelled, or until this is false and `go_on`
  std::vector<std::string> cancelled;        // reasons
  int running = 0;
  int most_running = 0;
  Signal changed;
  void go_on() {
    hang = false;
    changed.notify();
  }
};

class ServiceHandler final : public Handler {
 public:
  explicit ServiceHandler(Service& service) : service_(service) {}
  Task<Result<void>> handle(Call& call) override {
    auto request = co_await call.requests.read();
    if (!request || !*request) co_return fail(Error(Code::internal, Blame::us, "no request"));
    std::string json;
    EXPECT_TRUE(contract::wire_to_json(*call.method().input, (*request)->view(), json));
    service_.seen.push_back({call.method().name, json, call.metadata, std::string(call.edge())});
    service_.most_running = std::max(service_.most_running, ++service_.running);
    const Call::OnCancel listener(call, [this](const Error& why) {
      service_.cancelled.emplace_back(why.reason());
      service_.changed.notify();
    });
    while (service_.hang && !call.cancelled()) co_await service_.changed.wait();
    --service_.running;
    if (call.cancelled()) co_return fail(*call.cancelled());
    (void)co_await call.replies.write(Bytes(std::string(100'000, 'x')));  // nobody reads it, and nobody waits
    if (service_.answers.empty()) co_return Result<void>();
    const auto answer = std::move(service_.answers.front());
    service_.answers.pop_front();
    if (answer) co_return fail(*answer);
    co_return Result<void>();
  }

 private:
  Service& service_;
};

class ShopFront final : public Front {
 public:
  ShopFront(contract::ContractPtr contract, Service& service)
      : contract_(std::move(contract)), handler_(std::make_shared<ServiceHandler>(service)) {}
  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method&) const override { return handler_; }
  HandlerPtr receiver(const contract::Method& method) const override {
    return not_here == method.service ? nullptr : handler_;
  }
  std::string not_here;

 private:
  contract::ContractPtr contract_;
  HandlerPtr handler_;
};

contract::ContractPtr load(const char* text) {
  contract::Loaded loaded = contract::load_text(text);
  EXPECT_NE(loaded.contract, nullptr) << contract::all_text(loaded.diagnostics);
  return loaded.contract;
}

class DeliveriesTest : public testing::Test {
 protected:
  DeliveriesTest() {
    shard.use_fake_time();
    shard.advance(1h);
  }
  ~DeliveriesTest() override {
    service.go_on();
    if (edge) drain(0s);
  }

  void start(DeliveryEdgeOptions options = {}) {
    edge.emplace(shard, broker, options);
    edge->apply(front);
    settle();
  }
  void settle() { shard.advance(Duration::zero()); }
  // In steps, so that what one timer starts the next one finds.
  void pass(Duration time) {
    for (const Instant end = shard.now() + time; shard.now() < end;)
      shard.advance(std::min<Duration>(100ms, end - shard.now()));
    settle();
  }
  void drain(Duration patience) {
    TaskGroup tasks;
    tasks.spawn(edge->drain(Deadline::after(shard.now(), patience)));
    for (int i = 0; i < 1000 && tasks.live() > 0; ++i) shard.advance(100ms);
    ASSERT_EQ(tasks.live(), 0U) << "the drain does not end";
    edge.reset();
    broker.reopen();
  }

  void publish(queue::Publish request) {
    const auto receipt = run_blocking(shard, broker.publish(std::move(request)));
    ASSERT_TRUE(receipt);
    settle();
  }
  void mail(const char* id, const char* to, std::string_view text = "hi") {
    queue::Message message{
        .id = id,
        .source = "/shop.Mailer/SendMail",
        .type = "shop.Mail",
        .key = to,
        .content_type = "application/protobuf",
        .time = {},
        .payload = wire("shop.Mail", std::string(R"({"to":")") + to + R"(","text":")" + std::string(text) + "\"}"),
        .metadata = {}};
    publish({.to = "shop.Mailer/SendMail", .message = std::move(message), .dedup = {}, .due = {}, .expires = {}});
  }
  void event(const char* id, const std::string& type, std::string_view json) {
    queue::Message message{.id = id,
                           .source = "test",
                           .type = type,
                           .key = id,
                           .content_type = "application/json",
                           .time = {},
                           .payload = Bytes::copy_of(json),
                           .metadata = {}};
    publish({.to = "orders", .message = std::move(message), .dedup = {}, .due = {}, .expires = {}});
  }
  Bytes wire(const char* type, std::string_view json) {
    std::string out;
    EXPECT_TRUE(contract::json_to_wire(*contract->tables().find(type), json, out)) << json;
    return Bytes(std::move(out));
  }

  std::vector<std::string> requests() const {
    std::vector<std::string> out;
    for (const auto& one : service.seen) out.push_back(one.rpc + " " + one.request);
    return out;
  }
  std::vector<std::string> attempts() const {
    std::vector<std::string> out;
    for (const auto& one : service.seen)
      out.push_back(std::string(one.metadata.get("parley-message-id")) + "#" +
                    std::string(one.metadata.get("parley-attempt")));
    return out;
  }
  std::vector<std::string> settled() const {
    std::vector<std::string> out;
    for (const auto& one : broker.settled) {
      constexpr std::array names = {"done", "retry", "release", "dead"};
      out.push_back(one.id + " " + names[static_cast<std::size_t>(one.how.kind)]);
    }
    return out;
  }
  std::uint64_t count(Outcome outcome) const {
    std::uint64_t sum = 0;
    for (const auto& one : edge->metrics()) sum += one.ended[static_cast<std::size_t>(outcome)];
    return sum;
  }
  std::vector<queue::Peeked> shelf(Shelf which) {
    return run_blocking(shard, broker.peek({.source = mails, .shelf = which, .after = {}})).value();
  }

  Shard shard{0};
  contract::ContractPtr contract = load(shop);
  queue::Source mails{.name = "shop.Mailer/SendMail", .group = ""};
  queue::FakeBroker broker{shard, queue::declarations_of(*contract)};
  Service service;
  ShopFront front{contract, service};
  std::optional<Deliveries> edge;
};

TEST_F(DeliveriesTest, a_message_becomes_a_call_that_knows_what_it_is) {
  queue::Message message{.id = "m 1",
                         .source = "/shop.Mailer/SendMail",
                         .type = "shop.Mail",
                         .key = "Zoë",
                         .content_type = "application/protobuf",
                         .time = {},
                         .payload = wire("shop.Mail", R"({"to":"Zoë","text":"hi"})"),
                         .metadata = {{"x-tenant", "t1"},
                                      {"parley-attempt", "99"},
                                      {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}};
  publish({.to = mails.name, .message = std::move(message), .dedup = {}, .due = {}, .expires = {}});
  start();
  ASSERT_THAT(requests(), ElementsAre(R"(SendMail {"to":"Zoë","text":"hi"})"));
  const Service::Seen& seen = service.seen[0];
  EXPECT_EQ(seen.edge, "queue");
  EXPECT_EQ(seen.metadata.get("parley-message-id"), "m 1");
  EXPECT_THAT(seen.metadata.all("parley-attempt"), ElementsAre("1")) << "what a producer claims is not believed";
  EXPECT_EQ(seen.metadata.get("parley-key"), "Zo%C3%AB");
  EXPECT_EQ(seen.metadata.get("parley-queue"), "shop.Mailer/SendMail");
  EXPECT_EQ(seen.metadata.get("x-tenant"), "t1");
  EXPECT_TRUE(seen.metadata.has("traceparent"));
  EXPECT_THAT(settled(), ElementsAre("m 1 done"));
}

TEST_F(DeliveriesTest, what_a_producer_writes_cannot_end_a_header) {
  queue::Message message{.id = "m",
                         .source = "kafka",
                         .type = "shop.Mail",
                         .key = {},
                         .content_type = "application/protobuf",
                         .time = {},
                         .payload = {},
                         .metadata = {{"x-split", "a\r\nx-forwarded-client-cert: admin"},
                                      {"x y", "no name"},
                                      {"x\r\nparley-attempt: 7", "no name"},
                                      {"ce-note", "a\nb"},
                                      {"x-raw-bin", "\r\n"},
                                      {"x-town", "Z\xc3\xbcrich"}}};
  publish({.to = "shop.Mailer/SendMail", .message = std::move(message), .dedup = {}, .due = {}, .expires = {}});
  start();
  ASSERT_EQ(service.seen.size(), 1U);
  std::string passed;
  for (const Field f : service.seen[0].metadata) {
    if (f.name.starts_with("x") || f.name.starts_with("ce-")) passed.append(f.name).append("=").append(f.value) += '|';
  }
  EXPECT_EQ(passed, "x-split=a%0D%0Ax-forwarded-client-cert: admin|ce-note=a%0Ab|x-raw-bin=\r\n|x-town=Z\xc3\xbcrich|");
}

TEST_F(DeliveriesTest, outcomes_follow_the_status) {
  const struct {
    const char* name;
    std::optional<Error> answer;
    const char* settled;
    Outcome outcome;
  } cases[] = {
      {"success", std::nullopt, "done", Outcome::done},
      {"may pass", upstream_error(Code::unavailable), "retry", Outcome::retry},
      {"can never pass", upstream_error(Code::invalid_argument), "dead", Outcome::dead},
      {"fatal by its option", upstream_error(Code::not_found), "dead", Outcome::dead},
      {"nothing was processed", nobody_there(), "release", Outcome::released},
  };
  for (const auto& c : cases) {
    broker.settled.clear();
    start();
    service.answers = {c.answer};
    mail("m", "a");
    ASSERT_THAT(settled(), ElementsAre(std::string("m ") + c.settled)) << c.name;
    EXPECT_EQ(count(c.outcome), 1U) << c.name;
    drain(0s);
    (void)run_blocking(shard, broker.purge(mails, Shelf::delayed));
    (void)run_blocking(shard, broker.purge(mails, Shelf::waiting));
    (void)run_blocking(shard, broker.purge(mails, Shelf::dead));
  }
}

TEST_F(DeliveriesTest, retries_back_off_and_end_among_the_dead_letters) {
  start();
  for (int i = 0; i < 3; ++i) service.answers.emplace_back(upstream_error(Code::unavailable, "no mail server"));
  mail("m", "a");
  EXPECT_THAT(attempts(), ElementsAre("m#1"));
  EXPECT_THAT(shelf(Shelf::delayed), testing::SizeIs(1));
  pass(400ms);
  EXPECT_EQ(service.seen.size(), 1U) << "at least half of a second";
  pass(700ms);
  EXPECT_THAT(attempts(), ElementsAre("m#1", "m#2"));
  pass(2100ms);
  EXPECT_THAT(attempts(), ElementsAre("m#1", "m#2", "m#3"));
  const auto dead = shelf(Shelf::dead);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].reason, "after 3 attempts: UNAVAILABLE (upstream_status): no mail server");
  pass(1min);
  EXPECT_EQ(service.seen.size(), 3U);
}

TEST_F(DeliveriesTest, a_long_call_does_not_keep_a_service_that_is_back_from_being_tried) {
  start();
  service.hang = true;
  mail("long", "a");
  service.hang = false;  // of those that come
  service.answers = {nobody_there(), nobody_there()};
  mail("m1", "b");
  mail("m2", "c");
  pass(2s);
  EXPECT_EQ(service.running, 1) << "the long one";
  EXPECT_THAT(settled(), ElementsAre("m1 release", "m1 release", "m1 done", "m2 done"));
}

TEST_F(DeliveriesTest, a_bug_in_a_backend_ends_no_delivering) {
  broker.bugs = 3;  // each source's first lease
  start();
  pass(1s);
  EXPECT_EQ(broker.bugs, 0);
  service.hang = true;
  mail("m", "a");
  broker.bugs = 1;
  pass(15s);
  EXPECT_EQ(broker.bugs, 0) << "an extension";
  pass(1min);
  EXPECT_EQ(service.running, 1);
  broker.bugs = 1;
  service.go_on();
  settle();
  EXPECT_EQ(broker.bugs, 0) << "the settlement";
  pass(1s);
  EXPECT_THAT(settled(), ElementsAre("m done"));
  EXPECT_EQ(edge->metrics()[2].in_flight, 0);
  mail("m2", "a");
  EXPECT_THAT(settled(), ElementsAre("m done", "m2 done"));
}

TEST_F(DeliveriesTest, a_handler_says_when_it_is_to_be_asked_again) {
  start();
  service.answers = {upstream_error(Code::resource_exhausted).with_detail(contract::retry_info(6s)),
                     upstream_error(Code::unavailable).with_detail(contract::retry_info(1h))};
  mail("m", "a");
  mail("m2", "a");
  pass(5900ms);
  EXPECT_THAT(attempts(), ElementsAre("m#1")) << "the back-off would be over after 1 s";
  pass(800ms);
  EXPECT_THAT(attempts(), ElementsAre("m#1", "m#2"));
  pass(9s);
  EXPECT_EQ(service.seen.size(), 2U);
  pass(1s);
  EXPECT_THAT(attempts(), ElementsAre("m#1", "m#2", "m#3", "m2#1")) << "`max` is 10 s";
}

TEST_F(DeliveriesTest, a_retry_holds_up_its_key_only) {
  start();
  service.answers = {upstream_error(Code::unavailable)};
  mail("a1", "a");
  mail("a2", "a");
  mail("b1", "b");
  EXPECT_THAT(attempts(), ElementsAre("a1#1", "b1#1"));
  pass(1100ms);
  EXPECT_THAT(attempts(), ElementsAre("a1#1", "b1#1", "a1#2", "a2#1"));
}

TEST_F(DeliveriesTest, no_more_are_in_flight_than_the_option_allows) {
  service.hang = true;
  start();
  for (int i = 0; i < 10; ++i) mail(("m" + std::to_string(i)).c_str(), ("k" + std::to_string(i)).c_str());
  EXPECT_EQ(service.running, 4);
  service.go_on();
  settle();
  EXPECT_EQ(service.seen.size(), 10U);
  EXPECT_EQ(service.most_running, 4);
}

TEST_F(DeliveriesTest, each_shard_takes_its_share) {
  for (const int in_flight : {0, 1, 2, 5, 64, 1000}) {
    for (const int shards : {1, 2, 3, 7}) {
      for (const std::size_t turn : {0U, 1U, 5U}) {
        int sum = 0;
        for (int i = 0; i < shards; ++i) {
          const int share = share_of(in_flight, i, shards, turn);
          EXPECT_GE(share, in_flight / shards);
          EXPECT_LE(share, in_flight / shards + 1);
          sum += share;
        }
        EXPECT_EQ(sum, in_flight) << shards;
      }
    }
  }
}

TEST_F(DeliveriesTest, a_shard_without_a_share_leases_nothing) {
  DeliveryEdgeOptions options;
  options.shards = 64;
  int leasing = 0;
  for (options.shard = 0; options.shard < 64; ++options.shard) {
    broker.leases.clear();
    start(options);
    for (const auto& lease : broker.leases) leasing += lease.source == mails ? lease.max_messages : 0;
    drain(0s);
  }
  EXPECT_EQ(leasing, 4);
}

TEST_F(DeliveriesTest, the_lease_is_kept_while_the_handler_works) {
  service.hang = true;
  start();
  mail("m", "a");
  pass(2min);
  EXPECT_EQ(service.seen.size(), 1U) << "nobody else was given the message";
  EXPECT_GE(broker.extended, 8);
  EXPECT_LE(broker.extended, 13);
  service.go_on();
  settle();
  EXPECT_THAT(settled(), ElementsAre("m done"));
}

TEST_F(DeliveriesTest, a_lost_lease_ends_the_call_and_settles_nothing) {
  service.hang = true;
  start();
  mail("m", "a");
  broker.fail_extend = Error(Code::failed_precondition, Blame::caller, "gone").with_reason("lease_lost");
  pass(16s);
  EXPECT_THAT(service.cancelled, ElementsAre("lease_lost"));
  EXPECT_THAT(settled(), IsEmpty());
  EXPECT_EQ(count(Outcome::lease_lost), 1U);
}

TEST_F(DeliveriesTest, a_handler_that_takes_too_long_has_failed) {
  service.hang = true;
  start();
  mail("m", "a");
  pass(5min + 1s);
  EXPECT_THAT(service.cancelled, ElementsAre("deadline_exceeded"));
  ASSERT_THAT(settled(), ElementsAre("m retry"));
  EXPECT_THAT(broker.settled[0].how.reason, HasSubstr("longer than the timeout"));
}

TEST_F(DeliveriesTest, what_cannot_be_read_goes_to_the_dead_letters_as_it_came) {
  const struct {
    const char* name;
    const char* type;
    const char* content_type;
    std::string payload;
    const char* reason;
  } cases[] = {
      {"not Protobuf", "shop.Mail", "application/protobuf", "\x0a\x05x", "$: malformed Protobuf"},
      {"not JSON", "shop.Mail", "application/json", "{", "malformed_message"},
      {"JSON of another shape", "", "application/json", R"({"to":[1]})", "$.to"},
      {"another type", "shop.Paid", "application/protobuf", "", "it is a shop.Paid, and shop.Mail is expected"},
      {"an event whose envelope is broken", "", "application/cloudevents+json", R"({"specversion":"1.0"})",
       "CloudEvent attribute `id`: it is missing"},
      {"an event in a form we do not read", "", "application/cloudevents+avro", "x",
       "read as application/cloudevents+json"},
      {"another form", "shop.Mail", "text/csv", "a,b", "its content type is text/csv"},
  };
  start();
  for (const auto& c : cases) {
    publish({.to = mails.name,
             .message = {.id = c.name,
                         .source = {},
                         .type = c.type,
                         .key = {},
                         .content_type = c.content_type,
                         .time = {},
                         .payload = Bytes(c.payload),
                         .metadata = {}},
             .dedup = {},
             .due = {},
             .expires = {}});
    const auto dead = shelf(Shelf::dead);
    ASSERT_FALSE(dead.empty()) << c.name;
    EXPECT_EQ(dead.back().message.id, c.name);
    EXPECT_EQ(dead.back().message.payload.view(), c.payload) << c.name;
    EXPECT_THAT(dead.back().reason, HasSubstr(c.reason)) << c.name;
    EXPECT_THAT(dead.back().reason, HasSubstr("INVALID_ARGUMENT")) << c.name;
  }
  EXPECT_THAT(service.seen, IsEmpty());
}

TEST_F(DeliveriesTest, plain_producers_may_write_json_and_leave_the_type_out) {
  start();
  publish({.to = mails.name,
           .message = {.id = "j",
                       .source = {},
                       .type = {},
                       .key = {},
                       .content_type = "application/json; charset=utf-8",
                       .time = {},
                       .payload = Bytes(std::string(R"({"to":"a","newer_field":1})")),
                       .metadata = {}},
           .dedup = {},
           .due = {},
           .expires = {}});
  EXPECT_THAT(requests(), ElementsAre(R"(SendMail {"to":"a"})"));
}

TEST_F(DeliveriesTest, events_go_to_each_group_and_in_it_to_the_rpc_of_their_type) {
  start();
  event("e1", "shop.Placed", R"({"id":"o1"})");
  event("e2", "shop.Paid", R"({"id":"o1"})");
  event("e3", "shop.Gone", R"({"id":"o1"})");
  std::vector<std::string> got = requests();
  std::ranges::sort(got);
  EXPECT_THAT(got, ElementsAre(R"(OnPaid {"id":"o1"})", R"(OnPlaced {"id":"o1"})", R"(Take {"id":"o1"})"));
  EXPECT_EQ(count(Outcome::done), 3U);
  EXPECT_EQ(count(Outcome::skipped), 3U) << "Gone twice, and Paid in the group of Stock";
  EXPECT_EQ(service.seen[0].edge, "topic");
  EXPECT_EQ(service.seen[0].metadata.get("parley-topic"), "orders");
  EXPECT_NE(service.seen[0].metadata.get("parley-group"), "");
  EXPECT_FALSE(service.seen[0].metadata.has("parley-queue"));
}

TEST_F(DeliveriesTest, what_is_not_served_here_is_left_to_others) {
  front.not_here = "shop.Mailer";
  start();
  mail("m", "a");
  event("e1", "shop.Placed", R"({"id":"o1"})");
  EXPECT_THAT(requests(), ElementsAre(R"(Take {"id":"o1"})"));
  for (const auto& lease : broker.leases) EXPECT_EQ(lease.source.group, "shop.Stock");
}

TEST_F(DeliveriesTest, a_service_that_is_down_costs_no_attempts_and_is_asked_less_and_less) {
  start();
  for (int i = 0; i < 1000; ++i) service.answers.emplace_back(nobody_there());
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) mail(key, key);
  pass(2min);
  const std::size_t asked = service.seen.size();
  EXPECT_GT(asked, 8U);
  EXPECT_LT(asked, 70U) << "and not 6 messages every 100 ms";
  EXPECT_THAT(shelf(Shelf::dead), IsEmpty());
  service.answers.clear();
  service.seen.clear();
  pass(6s);
  EXPECT_EQ(service.seen.size(), 6U) << "all of them, once it is back";
  for (const auto& one : service.seen) EXPECT_EQ(one.metadata.get("parley-attempt"), "1");
}

TEST_F(DeliveriesTest, a_broker_that_fails_is_asked_again) {
  broker.fail_lease = Error(Code::unavailable, Blame::us, "no broker");
  start();
  mail("m", "a");
  pass(1s);
  EXPECT_THAT(attempts(), ElementsAre("m#1"));
}

TEST_F(DeliveriesTest, a_settlement_is_tried_again_while_the_lease_holds) {
  start();
  broker.fail_settle = Error(Code::unavailable, Blame::us, "no broker");
  mail("m", "a");
  EXPECT_THAT(settled(), IsEmpty());
  pass(1s);
  EXPECT_THAT(settled(), ElementsAre("m done"));
  EXPECT_THAT(attempts(), ElementsAre("m#1"));
}

TEST_F(DeliveriesTest, a_drain_lets_handlers_finish) {
  service.hang = true;
  start();
  mail("m", "a");
  TaskGroup tasks;
  tasks.spawn(edge->drain(Deadline::after(shard.now(), 10s)));
  settle();
  EXPECT_EQ(tasks.live(), 1U);
  mail("late", "b");
  EXPECT_EQ(service.seen.size(), 1U) << "nothing more is taken";
  pass(5s);
  service.go_on();
  settle();
  EXPECT_EQ(tasks.live(), 0U);
  EXPECT_THAT(settled(), ElementsAre("m done"));
  edge.reset();
}

TEST_F(DeliveriesTest, a_drain_that_runs_out_of_patience_releases) {
  service.hang = true;
  start();
  mail("m", "a");
  drain(10s);
  EXPECT_THAT(service.cancelled, ElementsAre("draining"));
  EXPECT_THAT(settled(), ElementsAre("m release"));
  const auto waiting = shelf(Shelf::waiting);
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].attempts, 0) << "a stop is no attempt";
}

TEST_F(DeliveriesTest, a_reload_goes_on_with_what_is_still_there) {
  service.hang = true;
  start();
  mail("m", "a");
  const auto without = load(
      "service Stock { rpc Take(Placed) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; } }"
      "message Placed { option (parley.event) = {topic: \"orders\" key: \"id\"}; string id = 1; }");
  const ShopFront after(without, service);
  edge->apply(after);
  service.go_on();
  pass(6s);
  EXPECT_THAT(settled(), ElementsAre("m done")) << "what was under way finishes";
  mail("m2", "a");
  pass(6s);
  EXPECT_EQ(service.seen.size(), 1U);
  event("e1", "shop.Placed", R"({"id":"o1"})");
  EXPECT_EQ(service.seen.back().rpc, "Take");
  edge->apply(front);
  settle();
  EXPECT_EQ(service.seen.size(), 4U) << "and what came back is taken again, OnPlaced too";
}

TEST_F(DeliveriesTest, leases_of_before_and_after_a_reload_are_kept) {
  const auto with_lease = [](const char* lease) {
    std::string text(shop);
    return load(text.replace(text.find("30s"), 3, lease).c_str());
  };
  service.hang = true;
  start();
  mail("m1", "a");  // 30 s
  const ShopFront longer(with_lease("1h"), service);
  edge->apply(longer);
  mail("m2", "b");
  pass(90s);
  const ShopFront shorter(with_lease("2s"), service);
  edge->apply(shorter);
  mail("m3", "c");
  pass(90s);
  EXPECT_THAT(attempts(), ElementsAre("m1#1", "m2#1", "m3#1")) << "nobody else was given one";
  EXPECT_THAT(service.cancelled, IsEmpty());
  service.go_on();
  pass(1s);
  EXPECT_THAT(settled(), UnorderedElementsAre("m1 done", "m2 done", "m3 done"));
}

}  // namespace
}  // namespace parley::edge
