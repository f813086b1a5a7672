#include "queue/sqs/envelope.h"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace parley::queue::sqs {
namespace {

using std::chrono::milliseconds;

Message message() {
  Message out;
  out.id = "m-1";
  out.source = "/shop.Mailer/SendMail";
  out.type = "shop.Mail";
  out.key = "c7";
  out.content_type = "application/protobuf";
  out.time = WallTime(milliseconds(1767323045678));
  out.payload = Bytes::literal("\x0a\x02hi");
  return out;
}

// What SQS would give back of an entry that was sent.
Received round(const Envelope& envelope) {
  simdjson::dom::parser parser;
  const std::string json = "{" + encode(envelope).members + "}";
  const simdjson::dom::element root = parser.parse(json);
  Received out{.message_id = "sqs-1", .receipt = "r", .body = std::string(std::string_view(root["MessageBody"]))};
  for (const auto field : simdjson::dom::object(root["MessageAttributes"])) {
    out.attributes.push_back({.name = std::string(field.key),
                              .type = std::string(std::string_view(field.value["DataType"])),
                              .value = std::string(std::string_view(field.value["StringValue"]))});
  }
  EXPECT_LE(out.attributes.size(), 10U) << "SQS takes no more";
  EXPECT_TRUE(is_sqs_text(out.body));
  for (const Attribute& each : out.attributes) EXPECT_TRUE(is_sqs_text(each.value)) << each.name;
  return out;
}

void expect_same(const Message& got, const Message& want) {
  EXPECT_EQ(got.id, want.id);
  EXPECT_EQ(got.source, want.source);
  EXPECT_EQ(got.type, want.type);
  EXPECT_EQ(got.key, want.key);
  EXPECT_EQ(got.content_type, want.content_type);
  EXPECT_EQ(got.time, want.time);
  EXPECT_EQ(got.payload.view(), want.payload.view());
  ASSERT_EQ(got.metadata.size(), want.metadata.size());
  for (std::size_t i = 0; i < want.metadata.size(); ++i) {
    EXPECT_EQ(got.metadata[i].name, want.metadata[i].name);
    EXPECT_EQ(got.metadata[i].value, want.metadata[i].value);
  }
}

TEST(Envelope, EverythingComesBack) {
  struct Case {
    std::string_view name;
    void (*change)(Message&);
  };
  const Case cases[] = {
      {"as it is", [](Message&) {}},
      {"an empty payload", [](Message& m) { m.payload = Bytes(); }},
      {"an empty text", [](Message& m) { m.payload = Bytes(), m.content_type = "text/plain"; }},
      {"text",
       [](Message& m) { m.payload = Bytes::literal("{\"a\":\"\xc3\xa9\"}"), m.content_type = "application/json"; }},
      {"text that looks empty",
       [](Message& m) { m.payload = Bytes::literal("(empty)"), m.content_type = "text/plain"; }},
      {"text with NUL", [](Message& m) { m.payload = Bytes(std::string("a\0b", 3)), m.content_type = "text/plain"; }},
      {"text with U+FFFF",
       [](Message& m) { m.payload = Bytes::literal("\xef\xbf\xbf"), m.content_type = "text/plain"; }},
      {"a surrogate in UTF-8",
       [](Message& m) { m.payload = Bytes::literal("\xed\xa0\x80"), m.content_type = "text/plain"; }},
      {"an overlong form", [](Message& m) { m.payload = Bytes::literal("\xc0\xaf"), m.content_type = "text/plain"; }},
      {"control characters in attributes", [](Message& m) { m.key = "\x01", m.id = "\x02", m.type = "\x1f"; }},
      {"NUL in attributes", [](Message& m) { m.key = std::string("a\0", 2); }},
      {"attributes that are not UTF-8", [](Message& m) { m.key = "\xff", m.source = "\xfe"; }},
      {"beyond the first plane",
       [](Message& m) { m.key = "\xf0\x9f\x98\x80", m.metadata.add("x", "\xf0\x9f\x98\x80\x01"); }},
      {"no key, no type", [](Message& m) { m.key.clear(), m.type.clear(), m.source.clear(); }},
      {"metadata",
       [](Message& m) { m.metadata = {{"x-a", "1"}, {"x-a", "\"\\"}, {"x-bin", "\xff\x01"}, {"x-e", ""}}; }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Envelope envelope;
    envelope.message = message();
    c.change(envelope.message);
    const Decoded got = decode(round(envelope));
    EXPECT_FALSE(got.malformed.has_value());
    expect_same(got.envelope.message, envelope.message);
  }
}

TEST(Envelope, StateTravelsWithIt) {
  Envelope envelope;
  envelope.message = message();
  envelope.message.metadata.add("x-a", "1");
  envelope.due = WallTime(milliseconds(5));
  envelope.expires = WallTime(milliseconds(6));
  envelope.attempts = 3;
  envelope.since = WallTime(milliseconds(7));
  envelope.reason = "INVALID_ARGUMENT: \x01 \"no\"";
  const Envelope got = decode(round(envelope)).envelope;
  EXPECT_EQ(got.due, envelope.due);
  EXPECT_EQ(got.expires, envelope.expires);
  EXPECT_EQ(got.attempts, 3);
  EXPECT_EQ(got.since, envelope.since);
  EXPECT_EQ(got.reason, envelope.reason);
}

TEST(Envelope, SizeIsWhatSqsCounts) {
  Envelope envelope;
  envelope.message = message();
  const Received sent = round(envelope);
  std::size_t bytes = sent.body.size();
  for (const Attribute& each : sent.attributes) bytes += each.name.size() + each.type.size() + each.value.size();
  EXPECT_EQ(encode(envelope).bytes, bytes);
}

TEST(Envelope, PlainProducers) {
  Received plain{.message_id = "sqs-1", .receipt = "r", .body = "{}", .system = {{"SentTimestamp", "1500"}}};
  Message got = decode(plain).envelope.message;
  EXPECT_EQ(got.id + " " + got.content_type + " " + got.key, "sqs-1 application/json ");
  EXPECT_EQ(got.time, WallTime(milliseconds(1500)));
  plain.system["MessageGroupId"] = "g";
  EXPECT_EQ(decode(plain).envelope.message.key, "g");
  plain.attributes = {{.name = "ce_id", .type = "String", .value = "e"},
                      {.name = "ce_time", .type = "String", .value = "2026-01-02T03:04:05.5Z"},
                      {.name = "Content-Type", .type = "String", .value = "application/protobuf"},
                      {.name = "Tenant", .type = "String", .value = "eu"},
                      {.name = "raw", .type = "Binary", .value = "\xff"}};
  plain.body = "CgJoaQ==";
  got = decode(plain).envelope.message;
  EXPECT_EQ(got.id + " " + got.content_type + " " + got.key, "e application/protobuf g");
  EXPECT_EQ(got.time, WallTime(milliseconds(1767323045500)));
  EXPECT_EQ(got.payload.view(), "\x0a\x02hi");
  EXPECT_EQ(got.metadata.get("tenant"), "eu");
  EXPECT_EQ(got.metadata.get("raw"), "\xff");
}

TEST(Envelope, AnEventInStructuredModeIsUnpacked) {
  Received plain{
      .message_id = "sqs-1",
      .receipt = "r",
      .body =
          R"({"specversion":"1.0","id":"7","source":"/py","type":"shop.Mail","partitionkey":"p","data":{"to":"a"}})",
      .system = {{"SentTimestamp", "1500"}, {"MessageGroupId", "g"}},
      .attributes = {{.name = "Content-Type", .type = "String", .value = "application/cloudevents+json"}}};
  const Decoded got = decode(plain);
  EXPECT_FALSE(got.malformed.has_value());
  const Message& message = got.envelope.message;
  EXPECT_EQ(message.id + " " + message.source + " " + message.type, "7 /py shop.Mail");
  EXPECT_EQ(message.key, "g") << "what SQS ordered it by";
  EXPECT_EQ(message.content_type, "application/json");
  EXPECT_EQ(message.time, WallTime(milliseconds(1500)));
  EXPECT_EQ(message.payload.view(), R"({"to":"a"})");
  plain.body = "{}";
  EXPECT_TRUE(decode(plain).malformed.has_value());
  EXPECT_EQ(decode(plain).envelope.message.payload.view(), "{}");
}

TEST(Envelope, AGroupForWantOfAKeyIsNoKey) {
  Envelope envelope;
  envelope.message = message();
  envelope.message.key.clear();
  Received received = round(envelope);
  received.system["MessageGroupId"] = group_id("", envelope.message.id);
  EXPECT_EQ(decode(received).envelope.message.key, "");
}

TEST(Envelope, WhatDoesNotFitTogetherIsMalformedAndKept) {
  struct Case {
    std::string_view name;
    Attribute attribute;
  };
  const Case cases[] = {
      {"not base64", {.name = "parley_encoding", .type = "String", .value = "base64"}},
      {"not JSON", {.name = "parley_metadata", .type = "String", .value = "{"}},
      {"state that is no object", {.name = "parley_state", .type = "String", .value = "7"}},
  };
  for (const Case& c : cases) {
    const Decoded got =
        decode({.message_id = "sqs-1", .receipt = "r", .body = "***", .system = {}, .attributes = {c.attribute}});
    EXPECT_TRUE(got.malformed.has_value()) << c.name;
    EXPECT_EQ(got.envelope.message.payload.view(), "***") << c.name;
  }
}

TEST(Envelope, Groups) {
  EXPECT_EQ(group_id("c7", "m"), "c7");
  EXPECT_EQ(group_id("", "m"), "m");
  EXPECT_EQ(group_id(std::string(128, 'x'), "m"), std::string(128, 'x'));
  for (const std::string& key : {std::string(129, 'x'), std::string("a b"), std::string("\xc3\xa9")}) {
    EXPECT_TRUE(group_id(key, "m").starts_with("sha256:"));
    EXPECT_LE(group_id(key, "m").size(), 128U);
  }
  EXPECT_NE(group_id("a b", "m"), group_id("a c", "m"));
}

}  // namespace
}  // namespace parley::queue::sqs
