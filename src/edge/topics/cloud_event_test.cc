#include "edge/topics/cloud_event.h"

#include <gtest/gtest.h>

#include "contract/load.h"
#include "queue/cloud_event.h"

namespace parley::edge::topics {
namespace {

using queue::api::Message;

TEST(CloudEvent, to_json) {
  const auto loaded =
      contract::load_texts({{"a.proto", "syntax=\"proto3\"; package shop; message A { string x = 1; int64 n = 2; }"}});
  const contract::Contract& contract = *loaded.contract;
  Message message{.id = "1", .source = "/s", .type = "shop.A", .key = "k", .content_type = "application/protobuf"};
  message.time = queue::parse_time("2026-01-31T08:00:00.250Z");
  message.payload = Bytes(std::string("\x0a\x01y\x10\x07"));
  message.metadata = {{"ce-subject", "s"}, {"authorization", "secret"}};
  std::string json;
  put_event(message, contract, json);
  EXPECT_EQ(json, R"({"specversion":"1.0","id":"1","source":"/s","type":"shop.A","time":"2026-01-31T08:00:00.250Z",)"
                  R"("partitionkey":"k","subject":"s","datacontenttype":"application/json","data":{"x":"y","n":"7"}})");
  message.type = "shop.Unknown";
  json.clear();
  put_event(message, contract, json);
  EXPECT_TRUE(json.ends_with(R"("datacontenttype":"application/protobuf","data_base64":"CgF5EAc="})")) << json;
  message.content_type = "application/json";
  message.payload = Bytes(std::string("{\n \"a\": 1 }"));
  json.clear();
  put_event(message, contract, json);
  EXPECT_TRUE(json.ends_with(R"("data":{"a":1}})")) << json;
  const auto back = queue::event_from_json(json);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->time, message.time);
}

// A plain producer on the broker writes what it likes; a reader's event stream must not take it for its own lines.
TEST(CloudEvent, what_a_producer_wrote_is_data_and_nothing_else) {
  const auto loaded =
      contract::load_texts({{"a.proto", "syntax=\"proto3\"; package shop; message A { string x = 1; }"}});
  for (const std::string_view payload :
       {"{\"a\":\"\n\nid: 99\ndata: forged\n\n\"}", "{\"a\":1},\"id\":\"2\"", "{\"a\":", "]", "{\"a\":1}}", "nul"}) {
    Message message{.id = "1", .source = "/s", .content_type = "application/json"};
    message.payload = Bytes::copy_of(payload);
    std::string json;
    put_event(message, *loaded.contract, json);
    EXPECT_EQ(json.find('\n'), std::string::npos) << json;
    EXPECT_NE(json.find("\"datacontenttype\":\"application/json\",\"data_base64\":\""), std::string::npos) << json;
  }
  Message message{.id = "1", .source = "/s", .type = "t", .content_type = "application/json"};
  message.payload = Bytes::copy_of("1");
  message.metadata = {
      {"ce-a\n\nid: 99\n\n", "v"}, {"ce-\"", "v"}, {"ce-", "v"}, {"ce-id", "2"}, {"ce-data", "v"}, {"ce-ok1", "\n"}};
  std::string json;
  put_event(message, *loaded.contract, json);
  EXPECT_EQ(json,
            R"({"specversion":"1.0","id":"1","source":"/s","type":"t","ok1":"\n","datacontenttype":"application/json",)"
            R"("data":1})");
}

}  // namespace
}  // namespace parley::edge::topics
