// Queues, subscriptions and events as a contract says them, and keys as they are read from messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/transcode.h"

namespace parley::contract {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

ContractPtr contract_of(std::string_view body) {
  Loaded loaded = load_text(body);
  EXPECT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  return loaded.contract;
}

TEST(MessageOptions, AQueueThatSaysNothingHasTheDefaults) {
  const auto contract =
      contract_of("service S { rpc Q(A) returns (parley.Receipt) { option (parley.queue) = {}; } } message A {}");
  const auto& queue = contract->find("/shop.S/Q")->queue;
  ASSERT_TRUE(queue);
  EXPECT_FALSE(queue->key.is_set());
  EXPECT_FALSE(queue->dedup.is_set());
  EXPECT_EQ(queue->delivery, DeliveryOptions());
  EXPECT_EQ(queue->delivery.retry.attempts, 8);
  EXPECT_FALSE(queue->delivery.retry.followers_wait);
  EXPECT_EQ(queue->delivery.lease, 30s);
  EXPECT_EQ(queue->dedup_window, 0s);
  EXPECT_EQ(queue->ttl, 0s);
}

TEST(MessageOptions, AQueueThatSaysEverything) {
  const auto contract = contract_of(
      "service S { rpc Q(A) returns (parley.Receipt) { option (parley.queue) = {key: \"b.id\" dedup: {field: \"r\"} "
      "retry: {attempts: 3 first: \"250ms\" max: \"1.5m\" fatal: [NOT_FOUND, ABORTED] followers: WAIT} lease: \"45s\" "
      "in_flight: 7 "
      "ttl: \"72h\" timeout: \"2m\"}; } } message A { B b = 1; string r = 2; } message B { string id = 1; }");
  const auto& queue = contract->find("/shop.S/Q")->queue;
  ASSERT_TRUE(queue);
  EXPECT_EQ(queue->key.path(), "b.id");
  EXPECT_EQ(queue->dedup.path(), "r");
  EXPECT_EQ(queue->dedup_window, 24h);
  EXPECT_EQ(queue->ttl, 72h);
  EXPECT_EQ(queue->delivery.retry.attempts, 3);
  EXPECT_EQ(queue->delivery.retry.first, 250ms);
  EXPECT_EQ(queue->delivery.retry.max, 90s);
  EXPECT_THAT(queue->delivery.retry.fatal, ElementsAre(Code::not_found, Code::aborted));
  EXPECT_TRUE(queue->delivery.retry.followers_wait);
  EXPECT_EQ(queue->delivery.lease, 45s);
  EXPECT_EQ(queue->delivery.timeout, 2min);
  EXPECT_EQ(queue->delivery.in_flight, 7);
}

TEST(MessageOptions, EventsAreFoundByTypeAndSubscriptionsKnowTheirTopic) {
  const auto contract = contract_of(
      "message Z { option (parley.event) = {topic: \"a\" key: \"k\" keep: \"1d\"}; int64 k = 1; }"
      "message Y { option (parley.event) = {topic: \"b\"}; }"
      "message X { message E { option (parley.event) = {topic: \"b\" keep: \"0s\"}; } }"
      "service S { rpc R(Z) returns (google.protobuf.Empty) { option (parley.subscribe) = {start: EARLIEST}; } "
      "rpc T(Y) returns (google.protobuf.Empty) { option (parley.subscribe) = {group: \"g\" in_flight: 2}; } }");
  std::vector<std::string> names;
  for (const EventType& event : contract->events()) names.push_back(event.topic + ":" + event.type);
  EXPECT_THAT(names, ElementsAre("a:shop.Z", "b:shop.X.E", "b:shop.Y"));
  const EventType* event = contract->find_event("shop.Z");
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->table->full_name(), "shop.Z");
  EXPECT_EQ(event->key.path(), "k");
  EXPECT_EQ(event->keep, 24h);
  EXPECT_EQ(contract->find_event("shop.X.E")->keep, 0s);
  EXPECT_EQ(contract->find_event("shop.Y")->keep, 24h * 7);
  EXPECT_EQ(contract->find_event("shop.X"), nullptr);

  const auto& whole = contract->find("/shop.S/R")->subscribe;
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->topic, "a");
  EXPECT_EQ(whole->group, "shop.S");
  EXPECT_TRUE(whole->from_earliest);
  const auto& named = contract->find("/shop.S/T")->subscribe;
  ASSERT_TRUE(named);
  EXPECT_EQ(named->group, "g");
  EXPECT_FALSE(named->from_earliest);
  EXPECT_EQ(named->delivery.in_flight, 2);
}

TEST(ScalarPath, ReadsWhatAParserWouldHold) {
  const auto contract = contract_of(
      "message M { string s = 1; int32 i = 2; uint64 u = 3; sint64 z = 4; bool b = 5; E e = 6; bytes y = 7; double d = "
      "8; M m = 9; optional string o = 10; fixed32 f = 11; sfixed64 g = 12; oneof one { string p = 13; string q = 14; "
      "} "
      "float h = 15; } enum E { NONE = 0; SOME = 1; }");
  const MessageTable& table = *contract->tables().find("shop.M");
  const struct {
    const char* name;
    const char* path;
    std::vector<const char*> parts;  // JSON; their wire bytes follow one another, as merged messages do
    std::optional<std::string> want;
  } cases[] = {
      {"a text", "s", {R"({"s":"ä b"})"}, "ä b"},
      {"the last value wins", "s", {R"({"s":"a"})", R"({"s":"b"})"}, "b"},
      {"a negative int32", "i", {R"({"i":-5})"}, "-5"},
      {"the largest uint64", "u", {R"({"u":"18446744073709551615"})"}, "18446744073709551615"},
      {"zigzag", "z", {R"({"z":"-7"})"}, "-7"},
      {"a bool", "b", {R"({"b":true})"}, "true"},
      {"an enum's name", "e", {R"({"e":"SOME"})"}, "SOME"},
      {"an enum's unknown number", "e", {R"({"e":9})"}, "9"},
      {"bytes", "y", {R"({"y":"aGk="})"}, "aGk="},
      {"a double", "d", {R"({"d":0.1})"}, "0.1"},
      {"a float", "h", {R"({"h":1.5})"}, "1.5"},
      {"fixed32", "f", {R"({"f":4000000000})"}, "4000000000"},
      {"sfixed64", "g", {R"({"g":"-1"})"}, "-1"},
      {"within messages, by JSON names too", "m.m.s", {R"({"m":{"m":{"s":"x"}}})"}, "x"},
      {"a message in two parts", "m.s", {R"({"m":{"s":"x"}})", R"({"m":{"i":1}})"}, "x"},
      {"the later part wins", "m.m.s", {R"({"m":{"m":{"s":"x"}}})", R"({"m":{"m":{"s":"y"}}})"}, "y"},
      {"absent, no presence: the default", "i", {"{}"}, "0"},
      {"absent text", "s", {"{}"}, ""},
      {"absent enum", "e", {"{}"}, "NONE"},
      {"absent, with presence", "o", {"{}"}, std::nullopt},
      {"empty, with presence", "o", {R"({"o":""})"}, ""},
      {"of a message that is absent", "m.s", {"{}"}, std::nullopt},
      {"of a oneof", "p", {R"({"p":"x"})"}, "x"},
      {"of a oneof whose other member came later", "p", {R"({"p":"x"})", R"({"q":"y"})"}, std::nullopt},
  };
  for (const auto& c : cases) {
    std::string wire;
    for (const char* part : c.parts) ASSERT_TRUE(json_to_wire(table, part, wire)) << c.name;
    const auto path = ScalarPath::of(table, c.path);
    ASSERT_TRUE(path) << c.name;
    EXPECT_EQ(path->read(wire), c.want) << c.name;
  }
}

TEST(ScalarPath, DefaultsAreKnown) {
  const auto contract = contract_of("message M { string s = 1; int32 i = 2; }");
  const MessageTable& table = *contract->tables().find("shop.M");
  EXPECT_TRUE(ScalarPath::of(table, "s")->is_default(""));
  EXPECT_TRUE(ScalarPath::of(table, "i")->is_default("0"));
  EXPECT_FALSE(ScalarPath::of(table, "i")->is_default("1"));
  EXPECT_FALSE(ScalarPath().is_default(""));
}

TEST(ScalarPath, RefusesWhatIsNoScalar) {
  const auto contract = contract_of("message M { repeated string s = 1; M m = 2; map<string, string> p = 3; }");
  const MessageTable& table = *contract->tables().find("shop.M");
  for (const char* path : {"s", "m", "p", "x", "m.x", ""}) EXPECT_FALSE(ScalarPath::of(table, path)) << path;
}

}  // namespace
}  // namespace parley::contract
