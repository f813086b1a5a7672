#include "queue/cloud_event.h"

#include <gtest/gtest.h>

namespace parley::queue {
namespace {

std::string described(const Result<Message>& message) {
  if (!message) return message.error().message();
  std::string out = message->id + "|" + message->source + "|" + message->type + "|" + message->key + "|" +
                    message->content_type + "|" + std::string(message->payload.view());
  for (const Field field : message->metadata) out.append("|").append(field.name).append("=").append(field.value);
  return out;
}

TEST(CloudEvent, structured) {
  const struct {
    const char* what;
    std::string json;
    std::string message;
  } cases[] = {
      {"JSON data",
       R"({"specversion":"1.0","id":"1","source":"/s","type":"shop.A","data":{"x": [1, 2.50]},"partitionkey":"k"})",
       R"(1|/s|shop.A|k|application/json|{"x": [1, 2.50]})"},
      {"data before its content type",
       R"({"data":"a<b/>","specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/xml"})",
       "1|/s|t||application/xml|a<b/>"},
      {"base64",
       R"({"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/protobuf","data_base64":"CgF4"})",
       "1|/s|t||application/protobuf|\n\1x"},
      {"no data", R"({"specversion":"1.0","id":"1","source":"/s","type":"t"})", "1|/s|t|||"},
      {"extensions",
       R"({"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"a b","n":5,"flag":true,"none":null})",
       "1|/s|t||||ce-subject=a b|ce-n=5|ce-flag=true"},
      {"a large number keeps its digits",
       R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":9007199254740993}})",
       R"(1|/s|t||application/json|{"n":9007199254740993})"},
      {"no id", R"({"specversion":"1.0","source":"/s","type":"t"})", "CloudEvent attribute `id`: it is missing"},
      {"empty id", R"({"specversion":"1.0","id":"","source":"/s","type":"t"})",
       "CloudEvent attribute `id`: it is empty"},
      {"no version", R"({"id":"1","source":"/s","type":"t"})", "CloudEvent attribute `specversion`: it is missing"},
      {"other version", R"({"specversion":"0.3","id":"1","source":"/s","type":"t"})",
       "CloudEvent attribute `specversion`: \"0.3\" is not supported; 1.0 is"},
      {"a name", R"({"specversion":"1.0","id":"1","source":"/s","type":"t","myExt":"x"})",
       "CloudEvent attribute `myExt`: a name has lower-case letters and digits only"},
      {"an object", R"({"specversion":"1.0","id":"1","source":"/s","type":"t","ext":{}})",
       "CloudEvent attribute `ext`: it is no text, number or boolean"},
      {"an end of a line", R"({"specversion":"1.0","id":"1","source":"/s","type":"t","ext":"a\r\nb: c"})",
       "CloudEvent attribute `ext`: it has control characters"},
      {"a time", R"({"specversion":"1.0","id":"1","source":"/s","type":"t","time":"yesterday"})",
       "CloudEvent attribute `time`: \"yesterday\" is no RFC 3339 time"},
      {"bad base64", R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"?"})",
       "CloudEvent attribute `data_base64`: it is not base64"},
  };
  for (const auto& c : cases) EXPECT_EQ(described(event_from_json(c.json)), c.message) << c.what;
  for (const char* bad : {"", "[]", "{", R"({"id":"1"} x)", "1"}) {
    const auto message = event_from_json(bad);
    ASSERT_FALSE(message) << bad;
    EXPECT_EQ(message.error().reason(), "malformed_event") << bad;
  }
}

TEST(CloudEvent, structured_within_a_message) {
  const auto message = [](std::string_view content_type, std::string_view payload) {
    return Message{.id = "t-2-9",
                   .source = "kafka:t",
                   .type = {},
                   .key = "k",
                   .content_type = std::string(content_type),
                   .time = WallTime(std::chrono::milliseconds(5)),
                   .payload = Bytes::copy_of(payload),
                   .metadata = {{"x-tenant", "t1"}, {"ce-subject", "beside"}}};
  };
  constexpr std::string_view json = "application/cloudevents+json; charset=utf-8";
  Message event = message(
      json,
      R"({"specversion":"1.0","id":"1","source":"/s","type":"t.A","subject":"s","partitionkey":"p","data":{"x":1}})");
  ASSERT_TRUE(is_structured(event.content_type));
  ASSERT_TRUE(unpack_structured(event));
  EXPECT_EQ(described(event), R"(1|/s|t.A|k|application/json|{"x":1}|ce-subject=s|x-tenant=t1)");
  EXPECT_EQ(event.time, WallTime(std::chrono::milliseconds(5)));

  Message own = message(
      json,
      R"({"specversion":"1.0","id":"1","source":"/s","type":"t.A","partitionkey":"p","time":"2026-11-22T16:07:00Z","data_base64":"CgF4"})");
  own.key.clear();
  ASSERT_TRUE(unpack_structured(own));
  EXPECT_EQ(described(own), "1|/s|t.A|p|application/protobuf|\n\1x|x-tenant=t1");
  EXPECT_EQ(format_time(own.time), "2026-11-22T16:07:00.000Z");

  for (const auto& [content_type, payload] : {std::pair(json, R"({"specversion":"1.0","id":"1"})"),
                                              {json, "{"},
                                              {"application/cloudevents+avro", "x"},
                                              {"application/cloudevents-batch+json", "[]"}}) {
    Message bad = message(content_type, payload);
    EXPECT_TRUE(is_structured(content_type)) << content_type;
    EXPECT_EQ(unpack_structured(bad).error().reason(), "malformed_event") << content_type;
    EXPECT_EQ(described(bad), described(message(content_type, payload))) << "as it was";
  }
  for (const char* other : {"application/json", "application/protobuf", "", "application/vnd.cloudevents"})
    EXPECT_FALSE(is_structured(other)) << other;
}

TEST(CloudEvent, batch) {
  const std::string one = R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":[1]})";
  EXPECT_EQ(events_from_json("[]")->size(), 0U);
  const auto two = events_from_json("[" + one + " , " + one + "]");
  ASSERT_TRUE(two);
  ASSERT_EQ(two->size(), 2U);
  EXPECT_EQ(two->at(1).payload.view(), "[1]");
  EXPECT_TRUE(events_from_json("[" + one + R"(,{"id":"2"}])").error().message().starts_with("event 2 of the batch"));
  EXPECT_EQ(events_from_json(one).error().message(),
            "a batch of events is a JSON array; one alone is application/cloudevents+json");
  EXPECT_EQ(event_from_json("[" + one + "]").error().message(), "an event is a JSON object");
}

TEST(CloudEvent, binary) {
  const Fields fields = {{"content-type", "application/json"},
                         {"ce-specversion", "1.0"},
                         {"ce-id", "a%20b"},
                         {"ce-source", "/s"},
                         {"ce-type", "shop.A"},
                         {"ce-partitionkey", "Zo%C3%AB"},
                         {"ce-trace", "\"quoted\""},
                         {"x-other", "no"}};
  EXPECT_EQ(described(event_from_headers(fields, Bytes(std::string("{}")))),
            "a b|/s|shop.A|Zo\xc3\xab|application/json|{}|ce-trace=quoted");
  EXPECT_EQ(described(event_from_headers({{"content-type", "application/json"}}, Bytes())),
            "CloudEvent attribute `specversion`: it is missing");
}

TEST(CloudEvent, times) {
  const struct {
    const char* text;
    const char* utc;  // null: malformed
  } cases[] = {
      {"2026-11-22T16:07:00Z", "2026-11-22T16:07:00.000Z"},
      {"2026-11-22t16:07:00.5z", "2026-11-22T16:07:00.500Z"},
      {"2026-11-22T16:07:00.123456789Z", "2026-11-22T16:07:00.123Z"},
      {"2026-11-22T01:07:00+02:30", "2026-11-21T22:37:00.000Z"},
      {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
      {"2026-02-29T00:00:00Z", nullptr},
      {"2026-11-22T16:07:00", nullptr},
      {"2026-11-22 16:07:00Z", nullptr},
      {"2026-11-22T16:07:00.Z", nullptr},
      {"2026-11-22T16:07:00+0200", nullptr},
      {"2026-11-22T24:00:00Z", nullptr},
      {"", nullptr},
  };
  for (const auto& c : cases) {
    const auto time = parse_time(c.text);
    EXPECT_EQ(time.has_value(), c.utc != nullptr) << c.text;
    if (time && c.utc != nullptr) EXPECT_EQ(format_time(*time), c.utc);
  }
}

}  // namespace
}  // namespace parley::queue
