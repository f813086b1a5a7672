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

}  // namespace
}  // namespace parley::edge::topics
