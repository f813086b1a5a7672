// What needs no server: addresses, envelopes, attempts, and which message is handed out when.
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/rabbitmq/address.h"
#include "queue/rabbitmq/attempts.h"
#include "queue/rabbitmq/consumer.h"
#include "queue/rabbitmq/holdings.h"
#include "queue/rabbitmq/shard_broker.h"

namespace parley::queue::rabbitmq {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(RabbitAddress, IsReadAsUsersWriteIt) {
  struct Case {
    const char* url;
    const char* text;
    const char* user;
    const char* password;
  };
  const Case cases[] = {
      {"rabbitmq://", "rabbitmq://127.0.0.1:5672/", "guest", "guest"},
      {"rabbitmq://broker", "rabbitmq://broker:5672/", "guest", "guest"},
      {"rabbitmq://u:p@broker:1234", "rabbitmq://broker:1234/", "u", "p"},
      {"rabbitmq://u%40x:p%3A%2f@broker/", "rabbitmq://broker:5672/", "u@x", "p:/"},
      {"rabbitmq://u:p@broker/%2F", "rabbitmq://broker:5672/", "u", "p"},
      {"rabbitmq://u:p@broker/shop", "rabbitmq://broker:5672/shop", "u", "p"},
      {"rabbitmqs://u:p@broker/shop?ca=ca.pem&heartbeat=5s", "rabbitmqs://broker:5671/shop", "u", "p"},
      {"rabbitmq://[::1]:99/", "rabbitmq://::1:99/", "guest", "guest"},
  };
  for (const Case& c : cases) {
    const auto a = parse_address(c.url);
    ASSERT_TRUE(a.has_value()) << c.url << ": " << a.error().text();
    EXPECT_EQ(a->text(), c.text) << c.url;
    EXPECT_EQ(a->user, c.user) << c.url;
    EXPECT_EQ(a->password, c.password) << c.url;
  }
}

TEST(RabbitAddress, ErrorsNameTheFaultAndNotThePassword) {
  const std::pair<const char*, const char*> cases[] = {
      {"amqp://u:secret@h", "no rabbitmq:// address"},
      {"rabbitmq://u:secret@h:0", "the port"},
      {"rabbitmq://u:secret@h:70000", "the port"},
      {"rabbitmq://u:secret%@h", "escape"},
      {"rabbitmq://u:secret@h/a/b", "the vhost"},
      {"rabbitmq://u:secret@h?ca=x", "rabbitmqs://"},
      {"rabbitmqs://u:secret@h?cert=x", "go together"},
      {"rabbitmqs://u:secret@h?dedup=yes", "dedup"},
      {"rabbitmqs://u:secret@h?heartbeat=1ms", "heartbeat"},
      {"rabbitmqs://u:secret@h?colour=red", "no option \"colour\""},
      {"rabbitmq://u:12/secret@h", "the vhost is not escaped"},
      {"rabbitmq://u:12?secret@h", "%3F"},
  };
  for (const auto& [url, part] : cases) {
    const auto a = parse_address(url);
    ASSERT_FALSE(a.has_value()) << url;
    EXPECT_THAT(a.error().message(), HasSubstr(part)) << url;
    EXPECT_THAT(a.error().message(), Not(HasSubstr("secret"))) << url;
  }
}

TEST(RabbitEnvelope, AMessageComesBackAsItWas) {
  Message m;
  m.id = "1";
  m.source = "/s";
  m.type = "a.B";
  m.key = "k";
  m.content_type = "application/json";
  m.time = WallTime(1700000000123ms);
  m.payload = Bytes("{}");
  m.metadata = {{"ce-tenant", "acme"}, {"with-dash", "1"}, {"x-user", "u"}};
  const Envelope e = envelope_of(m);
  EXPECT_EQ(e.text("cloudEvents:tenant"), "acme");
  EXPECT_EQ(e.text("cloudEvents:time"), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(e.text("with-dash"), "1");
  const Envelope wire = read_envelope(EncodedProperties(e).properties(), e.body);
  const Message back = message_of(wire);
  EXPECT_EQ(back.id, m.id);
  EXPECT_EQ(back.source, m.source);
  EXPECT_EQ(back.type, m.type);
  EXPECT_EQ(back.key, m.key);
  EXPECT_EQ(back.content_type, m.content_type);
  EXPECT_EQ(back.time, m.time);
  EXPECT_EQ(back.payload, m.payload);
  EXPECT_EQ(back.metadata.get("ce-tenant"), "acme");
  EXPECT_EQ(back.metadata.get("x-user"), "u");
  EXPECT_EQ(back.metadata.get("with-dash"), "1");
  EXPECT_EQ(back.metadata.size(), 3U);
}

TEST(RabbitEnvelope, APlainMessageGetsAnIdThatStays) {
  Envelope e;
  e.body = Bytes("x");
  EXPECT_EQ(message_of(e).id, message_of(e).id);
  EXPECT_EQ(message_of(e).content_type, "application/protobuf");
  Envelope other = e;
  other.body = Bytes("y");
  EXPECT_NE(message_of(e).id, message_of(other).id);
}

TEST(RabbitEnvelope, AnEventInStructuredModeIsUnpacked) {
  Envelope e;
  e.content_type = "application/cloudevents+json";
  e.message_id = "outer";
  e.body =
      Bytes(R"({"specversion":"1.0","id":"7","source":"/py","type":"shop.Mail","partitionkey":"k","data":{"to":"a"}})");
  e.headers = {{"x-user", std::string("u")}};
  const Message m = message_of(e);
  EXPECT_EQ(m.id, "7");
  EXPECT_EQ(m.source, "/py");
  EXPECT_EQ(m.type, "shop.Mail");
  EXPECT_EQ(m.key, "k");
  EXPECT_EQ(m.content_type, "application/json");
  EXPECT_EQ(m.payload.view(), R"({"to":"a"})");
  EXPECT_EQ(m.metadata.get("x-user"), "u");
  e.body = Bytes("{");
  EXPECT_EQ(message_of(e).id, "outer");
  EXPECT_EQ(message_of(e).content_type, "application/cloudevents+json");
}

TEST(RabbitEnvelope, TimesAreReadAsRfc3339HasThem) {
  EXPECT_EQ(parse_time("2023-11-14T22:13:20Z"), WallTime(1700000000s));
  EXPECT_EQ(parse_time("2023-11-14T23:13:20.5+01:00"), WallTime(1700000000500ms));
  EXPECT_EQ(parse_time("2023-11-14T22:13:20.123456Z"), WallTime(1700000000123ms));
  EXPECT_EQ(parse_time("2023-02-30T00:00:00Z"), std::nullopt);
  EXPECT_EQ(parse_time("yesterday"), std::nullopt);
}

Envelope counted(std::int64_t deliveries, std::optional<std::int64_t> attempts = {}) {
  Envelope e;
  if (deliveries > 0) e.set(headers::delivery_count, deliveries);
  if (attempts) e.set(headers::attempts, *attempts);
  return e;
}

struct Hands {
  explicit Hands(bool keyed) : holdings(keyed, "l") {}
  void add(const std::string& id, const std::string& key = "") {
    auto m = std::make_unique<Held>();
    m->message.id = id;
    m->message.key = key;
    m->message.payload = Bytes(std::string(10, 'x'));
    m->ready = now;
    holdings.add(std::move(m));
  }
  std::vector<std::string> take(int most = 100, std::size_t bytes = 1000) {
    LeaseRequest r;
    r.max_messages = most;
    r.max_bytes = bytes;
    std::vector<std::string> out;
    for (Delivery& d : holdings.take(now, r, 100)) {
      leases[d.message.id] = d.lease;
      attempts[d.message.id] = d.attempt;
      out.push_back(d.message.id);
    }
    return out;
  }
  Held& held(const std::string& id) { return *holdings.leased(leases[id]); }
  Instant now = Instant() + 1000s;
  Holdings holdings;
  std::map<std::string, std::string> leases;
  std::map<std::string, int> attempts;
};

AttemptKey key_for(const std::string& id, const Envelope& e = {}, const char* queue = "q") { return {queue, id, e}; }

TEST(RabbitAttempts, CountWhatEndedAndNotWhatWasGivenBack) {
  Attempts a;
  const AttemptKey m = key_for("m");
  const auto finished = [&](const Envelope& e) { return a.known(m, e, false).finished; };
  EXPECT_EQ(finished(counted(0)), 0);
  EXPECT_EQ(finished(counted(0, 3)), 3);
  EXPECT_EQ(finished(counted(1)), 1);                   // one crash: perhaps in somebody's hands
  EXPECT_EQ(finished(counted(7)), 1);                   // the second time somebody had it would have been written down
  EXPECT_EQ(a.known(m, counted(1), true).finished, 0);  // as here the first time, too
  EXPECT_EQ(finished(counted(2, 3)), 3);                // and that of one that was tried before
  a.note(m, {.at = 1, .finished = 0, .held = false});   // given back at its first delivery
  EXPECT_EQ(finished(counted(1)), 0);
  EXPECT_EQ(finished(counted(2)), 0);
  a.note(m, {.at = 3, .finished = 1, .held = true});  // handed out, and nothing was heard of it
  EXPECT_EQ(finished(counted(3)), 1);
  EXPECT_EQ(finished(counted(5)), 1);
  EXPECT_TRUE(a.known(m, counted(5), false).held);
  EXPECT_EQ(finished(counted(0, 2)), 2);  // published anew
}

TEST(RabbitAttempts, AreOfOneQueueAndOfOneTimeThatItWasPublished) {
  Attempts a;
  Envelope again = counted(4);
  again.set(headers::due, std::int64_t{1000});
  a.note(key_for("m"), {.at = 3, .finished = 3, .held = true});
  EXPECT_EQ(a.known(key_for("m"), counted(4), false).finished, 3);
  EXPECT_EQ(a.known(key_for("m", again), again, false).finished, 1);
  EXPECT_EQ(a.known(key_for("m", {}, "other"), counted(4), false).finished, 1);
}

TEST(RabbitAttempts, AreReadFromRecordsByTheNextNode) {
  Attempts a;
  std::string record;
  a.write_record(key_for("id with blanks"), {.at = 4, .finished = 7, .held = true}, record);
  a.write_record(key_for("m"), {.at = 2, .finished = 3, .held = true}, record);
  a.write_record(key_for("m"), {.at = 2, .finished = 2, .held = false}, record);  // released after all
  a.write_record(key_for("m"), {.at = 1, .finished = 9, .held = false}, record);
  Attempts other;
  other.read_records("q", record + "rubbish\n1 x y\n1 2 3 4\n");
  EXPECT_EQ(other.known(key_for("id with blanks"), counted(4), false).finished, 7);
  EXPECT_TRUE(other.known(key_for("id with blanks"), counted(4), false).held);
  EXPECT_EQ(other.known(key_for("m"), counted(2), false).finished, 2);  // the last of that delivery
  EXPECT_FALSE(other.known(key_for("m"), counted(2), false).held);
  EXPECT_TRUE(other.knows(key_for("m"), 2));
  EXPECT_FALSE(other.knows(key_for("m"), 3));
}

TEST(RabbitAttempts, AreWrittenDownWhateverTheIdIs) {
  Attempts a;
  std::string record;
  a.write_record(key_for("two\nlines"), {.at = 2, .finished = 2, .held = true}, record);
  a.write_record(key_for("two\nwords"), {.at = 2, .finished = 3, .held = true}, record);
  Attempts other;
  other.read_records("q", record);
  EXPECT_EQ(other.known(key_for("two\nlines"), counted(2), false).finished, 2);
  EXPECT_EQ(other.known(key_for("two\nwords"), counted(2), false).finished, 3);
}

TEST(RabbitAttempts, OfAProducerThatWritesNonsenseAreUsedUp) {
  Attempts a;
  for (const std::int64_t nonsense : {std::int64_t{1} << 31, std::numeric_limits<std::int64_t>::max()}) {
    Hands h(false);
    h.add("m");
    h.holdings.each([&](Held& m) { m.finished = a.known(key_for("m"), counted(0, nonsense), false).finished; });
    h.take();
    EXPECT_GT(h.attempts["m"], 1000) << nonsense;
  }
}

TEST(RabbitEnvelope, GivesUpTheLargestHeadersWhereTheyDoNotFit) {
  Envelope e;
  e.message_id = "m";
  e.set("tenant", std::string("acme"));
  e.set("blob", std::string(70'000, 'x'));
  e.set(headers::reason, std::string(1000, 'x'));
  e.set("blot", std::string(60'000, 'x'));
  Envelope small = e;
  fit_headers(small, 131'150);
  EXPECT_EQ(small.headers.size(), 4U);
  fit_headers(e, 120'000);
  EXPECT_EQ(e.find("blob"), nullptr);
  EXPECT_EQ(e.headers.size(), 3U);
  fit_headers(e, 10);
  ASSERT_EQ(e.headers.size(), 1U);
  EXPECT_EQ(e.headers[0].name, headers::reason);
}

TEST(RabbitAttempts, ForgetTheOldestFirst) {
  Attempts a(2);
  for (const char* id : {"1", "2", "3"}) a.note(key_for(id), {.at = 1, .finished = 0});
  EXPECT_FALSE(a.knows(key_for("1"), 1));
  EXPECT_TRUE(a.knows(key_for("3"), 1));
}

TEST(RabbitHoldings, WithoutKeysAllAreHandedOutWithinTheLimits) {
  Hands h(false);
  for (const char* id : {"1", "2", "3", "4"}) h.add(id, "k");
  EXPECT_THAT(h.take(1), ElementsAre("1"));
  EXPECT_THAT(h.take(10, 25), ElementsAre("2", "3"));
  EXPECT_THAT(h.take(10, 1), ElementsAre("4"));  // one always fits
  h.holdings.release(h.held("2"));
  EXPECT_THAT(h.take(), ElementsAre("2"));
  EXPECT_EQ(h.attempts["2"], 1);
}

TEST(RabbitHoldings, AKeyIsHandedOutOneAtATimeInOrder) {
  Hands h(true);
  for (const auto& [id, key] : {std::pair{"a1", "a"}, {"b1", "b"}, {"a2", "a"}, {"x", ""}, {"y", ""}}) h.add(id, key);
  EXPECT_THAT(h.take(), ElementsAre("a1", "b1", "x", "y"));
  EXPECT_THAT(h.take(), ElementsAre());
  h.holdings.retry(h.held("a1"), h.now + 5s);
  EXPECT_THAT(h.take(), ElementsAre());  // a2 waits behind a1's back-off
  EXPECT_EQ(h.holdings.next_change(h.now), h.now + 5s);
  h.now += 5s;
  EXPECT_THAT(h.take(), ElementsAre("a1"));
  EXPECT_EQ(h.attempts["a1"], 2);
  h.holdings.remove(h.held("a1"));
  EXPECT_THAT(h.take(), ElementsAre("a2"));
}

TEST(RabbitHoldings, WhatGoesBackToComeAgainKeepsItsPlaceAndBlocksItsKey) {
  Hands h(true);
  for (const char* id : {"a1", "a2"}) h.add(id, "a");
  ASSERT_THAT(h.take(1), ElementsAre("a1"));
  h.holdings.send_back(h.held("a1"), h.now + 1s, h.now);
  EXPECT_THAT(h.take(), ElementsAre());
  h.add("a1", "a");
  EXPECT_THAT(h.take(), ElementsAre());
  h.now += 1s;
  EXPECT_THAT(h.take(), ElementsAre("a1"));
  h.holdings.send_back(h.held("a1"), h.now, h.now);
  h.holdings.forget_comebacks(h.now + 1s);  // it expired on the way
  EXPECT_THAT(h.take(), ElementsAre("a2"));
}

TEST(RabbitHoldings, PositionsAreIdsWhereTheseDo) {
  EXPECT_EQ(position_of("abc-1"), "abc-1");
  EXPECT_THAT(position_of("with blank"), HasSubstr("digest-"));
  EXPECT_THAT(position_of(std::string(200, 'x')), HasSubstr("digest-"));
  EXPECT_THAT(position_of("\xff"), HasSubstr("digest-")) << "no UTF-8: no text of Protobuf or JSON";
}

TEST(RabbitPublish, GoesWhereItIsDue) {
  const WallTime now(1000s);
  struct Case {
    std::optional<Duration> due;
    std::optional<Duration> expires;
    Duration ttl;
    const char* exchange;
    const char* expiration;
  };
  const Case cases[] = {
      {{}, {}, {}, "", ""},
      {{}, 5s, {}, "", "5000"},
      {{}, {}, 7s, "", "7000"},
      {{}, 5s, 7s, "", "5000"},
      {-1s, {}, {}, "", ""},
      {500ms, {}, {}, "", ""},
      {1s, {}, {}, "parley.delay.0", ""},
      {3999ms, {}, {}, "parley.delay.0", ""},
      {4s, 9s, {}, "parley.delay.1", ""},
      {24h * 365, {}, {}, "parley.delay.9", ""},
      {{}, 24h * 3650, {}, "", "315360000000"},
      {{}, 24h * 3651, {}, "", ""},  // more than RabbitMQ takes: it would close the channel
      {{}, {}, 24h * 3651, "", ""},
  };
  for (const Case& c : cases) {
    Publish p;
    p.to = "q";
    if (c.due) p.due = now + std::chrono::floor<std::chrono::milliseconds>(*c.due);
    if (c.expires) p.expires = now + std::chrono::floor<std::chrono::milliseconds>(*c.expires);
    const auto out = outgoing_of(p, Known::Kind::queue, c.ttl, now);
    ASSERT_TRUE(out.has_value());
    EXPECT_EQ(out->exchange, c.exchange);
    EXPECT_EQ(out->routing_key, "q");
    EXPECT_EQ(out->message.expiration, c.expiration);
    EXPECT_EQ(out->message.number(headers::due).has_value(), c.due.has_value() && *c.due > 0s);
  }
  Publish far;
  far.to = "q";
  far.due = WallTime(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31));
  EXPECT_EQ(outgoing_of(far, Known::Kind::queue, {}, now)->exchange, "parley.delay.9");
  Publish event;
  event.to = "t";
  event.message.type = "a.B";
  const auto out = outgoing_of(event, Known::Kind::topic, {}, now);
  EXPECT_EQ(out->exchange, "t");
  EXPECT_EQ(out->routing_key, "a.B");
  event.due = now + 1s;
  EXPECT_EQ(outgoing_of(event, Known::Kind::topic, {}, now).error().reason(), "not_by_this_backend");
}

TEST(RabbitRefusals, NameEachQueueAndTheReason) {
  Declarations d;
  d.queues.resize(3);
  d.queues[0].consumer.name = "a";
  d.queues[0].dedup_window = 1h;
  d.queues[1].consumer.name = "amq.b";
  d.queues[2].consumer.name = "c";
  d.queues[2].consumer.lease = 31min;
  const std::string why = refusals(d, Address());
  EXPECT_THAT(why, HasSubstr("a: RabbitMQ has no deduplication"));
  EXPECT_THAT(why, HasSubstr("amq.b: "));
  EXPECT_THAT(why, HasSubstr("c: a lease must be shorter"));
  Address fine;
  fine.dedup_in_process = true;
  fine.consumer_timeout = 1h;
  d.queues.erase(d.queues.begin() + 1);
  EXPECT_EQ(refusals(d, fine), "");
}

}  // namespace
}  // namespace parley::queue::rabbitmq
