// What is read and written as text: addresses, names, positions, records.
#include <gtest/gtest.h>

#include "queue/kafka/error.h"
#include "queue/kafka/names.h"
#include "queue/kafka/position.h"
#include "queue/kafka/record.h"
#include "queue/kafka/settings.h"

namespace parley::queue::kafka {
namespace {

using namespace std::chrono_literals;

TEST(Settings, AreInTheAddress) {
  auto s = parse_url(
      "kafkas://me:p%40ss%2F@h1,h2:9093/?sasl=scram-sha-512&ca=%2Fca.pem&partitions=3&timeout=2s&dedup=process");
  ASSERT_TRUE(s.has_value()) << s.error().text();
  EXPECT_EQ(s->brokers, "h1:9092,h2:9093");
  EXPECT_TRUE(s->tls);
  EXPECT_EQ(s->user, "me");
  EXPECT_EQ(s->password, "p@ss/");
  EXPECT_EQ(s->mechanism, "SCRAM-SHA-512");
  EXPECT_EQ(s->ca, "/ca.pem");
  EXPECT_EQ(s->partitions, 3);
  EXPECT_EQ(s->timeout, 2s);
  EXPECT_TRUE(s->dedup_in_process);
  EXPECT_EQ(s->text(), "kafkas://h1:9092,h2:9093");
  EXPECT_EQ(parse_url("kafka://[::1]:9092")->brokers, "[::1]:9092");
  EXPECT_EQ(parse_url("kafka://[::1]")->brokers, "[::1]:9092");
}

TEST(Settings, MistakesAreSaidWithoutThePassword) {
  struct Case {
    const char* url;
    const char* says;
  };
  const Case cases[] = {
      {"kafka://", "host:port"},
      {"kafka://a,,b", "host:port"},
      {"kafka://hunter2@h", "no password"},
      {"kafka://u:hunter2%@h", "malformed"},
      {"kafka://u:hunter2@h?partitons=3", "no option \"partitons\""},
      {"kafka://u:hunter2@h?partitions=0", "a number from 1 on"},
      {"kafka://u:hunter2@h?timeout=soon", "a duration"},
      {"kafka://u:hunter2@h?sasl=gssapi", "scram-sha-256"},
      {"kafka://u:hunter2@h?dedup=yes", "process"},
      {"kafka://u:12?hunter2@h", "%3F"},
      {"kafka://u:12?hunter2=3@h", "%3F"},
      {"kafka://u:12/hunter2", "no path"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.url);
    auto s = parse_url(c.url);
    ASSERT_FALSE(s.has_value());
    EXPECT_NE(s.error().message().find(c.says), std::string::npos) << s.error().message();
    EXPECT_EQ(s.error().message().find("hunter2"), std::string::npos) << s.error().message();
  }
}

TEST(Names, OfQueuesAndGroups) {
  const Names queue = names_of("dev.", {.name = "shop.Mailer/SendMail", .group = ""});
  EXPECT_EQ(queue.log, "dev.shop.Mailer.SendMail");
  EXPECT_EQ(queue.group, "dev.shop.Mailer.SendMail");
  EXPECT_EQ(queue.dead, "dev.shop.Mailer.SendMail.dead");
  EXPECT_EQ(queue.retry, "");
  const Names group = names_of("", {.name = "orders", .group = "mailer"});
  EXPECT_EQ(group.log, "orders");
  EXPECT_EQ(group.group, "orders.mailer");
  EXPECT_EQ(group.retry, "orders.mailer.retry");
  EXPECT_EQ(group.dead, "orders.mailer.dead");
  EXPECT_EQ(notes_topic("dev."), "dev.parley.notes");
}

TEST(Positions, OfOneRecordAndOfAReader) {
  EXPECT_EQ(to_position(Place{.in_retry = false, .partition = 3, .offset = 17}), "3:17");
  EXPECT_EQ(to_position(Place{.in_retry = true, .partition = 0, .offset = 0}), "r0:0");
  EXPECT_EQ(*parse_place("r2:5"), (Place{.in_retry = true, .partition = 2, .offset = 5}));
  EXPECT_EQ(*to_position(Places{{0, 13}, {1, 0}, {2, 41}}), "0:12,2:40");
  EXPECT_EQ(*parse_places("0:12,2:40"), (Places{{0, 13}, {2, 41}}));
  EXPECT_EQ(*parse_places(""), Places{});
  for (const char* bad : {"x", "1", "1:", ":1", "1:-1", "1:1,", "r1:1", "1:1 ", "~*"}) {
    EXPECT_FALSE(parse_places(bad).has_value()) << bad;
  }
}

TEST(Positions, OfManyPartitionsArePackedAndOfTooManyRefused) {
  Places places;
  for (std::int32_t p = 0; p < 18; ++p) places[p] = 1'000'000'000 + p;
  places.erase(4);
  auto position = to_position(places);
  ASSERT_TRUE(position.has_value());
  EXPECT_LE(position->size(), 128U);
  EXPECT_EQ(*parse_places(*position), places);
  for (std::int32_t p = 0; p < 200; ++p) places[p] = 1'000'000'000;
  EXPECT_EQ(to_position(places).error().reason(), "not_by_this_backend");
}

Record plain(std::string value, std::vector<Header> headers = {}) {
  Record record;
  record.offset = 9;
  record.time = 1'700'000'000'000;
  record.value = Bytes(std::move(value));
  record.headers = std::move(headers);
  return record;
}

TEST(Records, OfPlainProducersAreMessages) {
  struct Case {
    const char* name;
    Record record;
    const char* id;
    const char* type;
    const char* content_type;
  };
  const Case cases[] = {
      {"nothing but JSON", plain("{\"a\":1}"), "t-2-9", "", "application/json"},
      {"nothing but Protobuf", plain("\x0a\x01k"), "t-2-9", "", "application/protobuf"},
      {"nothing at all", plain(""), "t-2-9", "", "application/protobuf"},
      {"a content type", plain("[1]", {{"content-type", "text/plain"}}), "t-2-9", "", "text/plain"},
      {"CloudEvents", plain("{}", {{"ce_id", "7"}, {"ce_type", "shop.Mail"}, {"content-type", "application/json"}}),
       "7", "shop.Mail", "application/json"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Message m = to_message(c.record, "t", 2);
    EXPECT_EQ(m.id, c.id);
    EXPECT_EQ(m.type, c.type);
    EXPECT_EQ(m.content_type, c.content_type);
    EXPECT_EQ(m.source, "kafka:t");
    EXPECT_EQ(m.time, WallTime(1'700'000'000'000ms));
    EXPECT_TRUE(m.metadata.empty());
  }
}

// Kafka deletes by the records' times: one with the time of what it tells of would be gone before it is delivered.
TEST(Records, AnEventOfLongAgoIsKeptAsLongAsAnyOther) {
  Publish publish;
  publish.message.id = "1";
  publish.message.time = WallTime(std::chrono::sys_days(std::chrono::year(1999) / 12 / 31));
  const Record record = to_record(publish);
  EXPECT_EQ(record.time, 0) << "that is now, to the producer";
  EXPECT_EQ(to_message(record, "t", 0).time, publish.message.time);
}

TEST(Records, AnEventInStructuredModeIsUnpacked) {
  const char* event =
      R"({"specversion":"1.0","id":"7","source":"/py","type":"shop.Mail","subject":"s","partitionkey":"p",)"
      R"("time":"2023-11-14T22:13:20Z","data":{"to":"a"}})";
  Record record = plain(event, {{"content-type", "application/cloudevents+json; charset=UTF-8"},
                                {"ce_id", "7"},
                                {"ce_subject", "s"},
                                {"X-Tenant", "t1"}});
  record.key = "k";
  const Message m = to_message(record, "t", 2);
  EXPECT_EQ(m.id, "7");
  EXPECT_EQ(m.source, "/py");
  EXPECT_EQ(m.type, "shop.Mail");
  EXPECT_EQ(m.key, "k") << "what Kafka ordered it by";
  EXPECT_EQ(m.content_type, "application/json");
  EXPECT_EQ(m.time, WallTime(1'700'000'000'000ms));
  EXPECT_EQ(m.payload.view(), R"({"to":"a"})");
  EXPECT_EQ(m.metadata.all("ce-subject"), std::vector<std::string_view>{"s"}) << "not twice";
  EXPECT_EQ(m.metadata.get("x-tenant"), "t1");
  EXPECT_EQ(m.metadata.size(), 2U);

  const Message bad = to_message(plain("{}", {{"content-type", "application/cloudevents+json"}}), "t", 2);
  EXPECT_EQ(bad.id, "t-2-9");
  EXPECT_EQ(bad.content_type, "application/cloudevents+json");
  EXPECT_EQ(bad.payload.view(), "{}");
}

TEST(Records, ADeadLetterIsTheRecordAsItWas) {
  const Record record = plain("\xff\x00 raw", {{"X-Odd", "v"}, {"ce_id", "1"}, {"X-Odd", "w"}});
  const Record dead =
      bury(record, {.reason = "why", .attempts = 3, .log = "t", .partition = 2, .offset = 9, .since = WallTime(5ms)});
  const DeadLetter letter = read_letter(dead);
  EXPECT_EQ(letter.reason, "why");
  EXPECT_EQ(letter.attempts, 3);
  EXPECT_EQ(letter.log, "t");
  EXPECT_EQ(letter.partition, 2);
  EXPECT_EQ(letter.offset, 9);
  EXPECT_EQ(letter.since, WallTime(5ms));
  const Record again = exhume(dead);
  EXPECT_EQ(again.value, record.value);
  ASSERT_EQ(again.headers.size(), 3U);
  EXPECT_EQ(again.headers[0].name, "X-Odd");
  EXPECT_EQ(again.headers[2].value, "w");
}

TEST(Records, ATimeToLiveIsTheRecordsOwnOrTheQueues) {
  EXPECT_EQ(expiry(plain("x"), {}), std::nullopt);
  EXPECT_EQ(expiry(plain("x"), 1s), WallTime(1'700'000'001'000ms));
  EXPECT_EQ(expiry(plain("x", {{"parley-expires", "77"}}), 1s), WallTime(77ms));
}

TEST(Errors, HaveCanonicalCodes) {
  struct Case {
    rd_kafka_resp_err_t error;
    Code code;
    const char* reason;
  };
  const Case cases[] = {
      {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, Code::unavailable, "kafka_unreachable"},
      {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, Code::unavailable, "kafka_unreachable"},
      {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, Code::invalid_argument, "message_too_large"},
      {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, Code::not_found, "no_such_topic"},
      {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, Code::permission_denied, "kafka_refused"},
      {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, Code::unauthenticated, "kafka_refused"},
      {RD_KAFKA_RESP_ERR__QUEUE_FULL, Code::resource_exhausted, "too_many_unconfirmed"},
      {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, Code::failed_precondition, "lease_lost"},
      {RD_KAFKA_RESP_ERR_INVALID_MSG, Code::internal, "kafka"},
  };
  for (const Case& c : cases) {
    const Error error = to_error(c.error, "publishing to orders");
    SCOPED_TRACE(error.message());
    EXPECT_EQ(error.code(), c.code);
    EXPECT_EQ(error.reason(), c.reason);
    EXPECT_TRUE(error.message().starts_with("publishing to orders: "));
  }
}

}  // namespace
}  // namespace parley::queue::kafka
