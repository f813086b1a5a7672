#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/transcode.h"
#include "contract/transcode_fixture.h"

namespace parley::contract {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const MessageTable& all() { return codec_types()["t.All"]; }

TEST(TextToField, EncodesOneVariable) {
  const struct {
    const char* path;
    std::string text;
    std::string wire;
  } cases[] = {
      {"int32Value", "-1", Wire().varint(1, ~0ULL)},
      {"int32_value", "0", Wire().varint(1, 0)},  // a zero overrides what stands before it
      {"doubleValue", "1e2", Wire().fixed64(12, 0x4059000000000000U)},
      {"floatValue", "NaN", Wire().fixed32(11, 0x7fc00000U)},
      {"boolValue", "true", Wire().varint(13, 1)},
      {"stringValue", "", Wire().text(14, "")},
      {"stringValue", "a b/ü", Wire().text(14, "a b/ü")},
      {"bytesValue", "-_8", Wire().text(15, "\xfb\xff")},
      {"color", "BLUE", Wire().varint(16, 2)},
      {"color", "77", Wire().varint(16, 77)},
      {"item.sku", "x", Wire().part(17, Wire().text(1, "x"))},
      {"item.inner.quantity", "5", Wire().part(17, Wire().part(3, Wire().varint(2, 5)))},
      {"item.sizes", "5", Wire().part(17, Wire().varint(4, 5))},
      {"ints", "7", Wire().varint(21, 7)},
      {"words", "w", Wire().text(23, "w")},
      {"labels[a.b]", "v", Wire().part(31, Wire().text(1, "a.b").text(2, "v"))},
      {"labels.a.b", "v", Wire().part(31, Wire().text(1, "a.b").text(2, "v"))},
      {"byFlag[true]", "RED", Wire().part(33, Wire().varint(1, 1).varint(2, 1))},
      {"rates.7", "0.5", Wire().part(34, Wire().varint(1, 7).fixed64(2, 0x3fe0000000000000U))},
      {"at", "1970-01-01T00:00:00Z", Wire().part(51, Wire().varint(1, 0).varint(2, 0))},
      {"wait", "1.5s", Wire().part(52, Wire().varint(1, 1).varint(2, 500000000))},
      {"mask", "userName,b", Wire().part(53, Wire().text(1, "user_name").text(1, "b"))},
      {"big", "5", Wire().part(61, Wire().varint(1, 5))},
      {"text", "x", Wire().part(62, Wire().text(1, "x"))},
      {"anyJson", "[1]", Wire().part(55, Wire().part(6, Wire().part(1, Wire().fixed64(2, 0x3ff0000000000000U))))},
      {"times", "1970-01-01T00:00:01Z", Wire().part(72, Wire().varint(1, 1).varint(2, 0))},
  };
  for (const auto& c : cases) {
    std::string wire = "kept";
    const Result<void> result = text_to_field(all(), c.path, c.text, wire);
    ASSERT_TRUE(result) << c.path << ": " << result.error().message();
    EXPECT_EQ(wire, "kept" + c.wire) << c.path;
  }
}

TEST(TextToField, GroupsAndExtensions) {
  std::string wire;
  ASSERT_TRUE(text_to_field(codec_types()["old.Old"], "data.x", "1", wire));
  EXPECT_EQ(wire, std::string(Wire().open_group(4).varint(5, 1).close_group(4)));
  wire.clear();
  ASSERT_TRUE(text_to_field(codec_types()["old.Old"], "[old.note]", "n", wire));
  EXPECT_EQ(wire, std::string(Wire().text(100, "n")));
}

TEST(TextToField, SaysWhatIsWrong) {
  const struct {
    const char* path;
    const char* text;
    const char* message;
  } cases[] = {
      {"", "1", "has no field \"\""},
      {"int32Valeu", "1", "\"int32Valeu\": t.All has no field \"int32Valeu\": did you mean \"int32Value\"?"},
      {"int32Value", "x", "expected an int32, got \"x\""},
      {"int32Value", "4294967296", "out of range"},
      {"boolValue", "1", "expected true or false"},
      {"color", "PINK", "no value \"PINK\" in t.Color"},
      {"bytesValue", "$", "not base64"},
      {"stringValue", "\xff", "UTF-8"},
      {"item", "x", "\"item\" is a t.Item: name one of its fields"},
      {"item.nope", "x", "t.Item has no field \"nope\""},
      {"item.", "x", "has no field \"\""},
      {"items.sku", "x", "repeated"},
      {"int32Value.x", "1", "has no fields to name"},
      {"at.seconds", "1", "has no fields to name"},
      {"ints[0]", "1", "not a map"},
      {"labels", "x", "is a map: name a key, labels[key]"},
      {"byNumber.7", "x", "is a t.Item"},
      {"byFlag.maybe", "RED", "expected true or false"},
      {"at", "yesterday", "timestamp"},
      {"any", "{}", "is a google.protobuf.Any"},
      {"data", "[]", "expected an object"},
  };
  for (const auto& c : cases) {
    std::string wire = "kept";
    const Result<void> result = text_to_field(all(), c.path, c.text, wire);
    ASSERT_FALSE(result) << c.path;
    EXPECT_EQ(result.error().code(), Code::invalid_argument);
    EXPECT_THAT(result.error().message(), HasSubstr(c.message)) << c.path;
    EXPECT_EQ(wire, "kept");
  }
}

TEST(JsonToField, EncodesABodyThatIsOneField) {
  const struct {
    const char* path;
    const char* json;
    std::string wire;
  } cases[] = {
      {"item", R"({"sku":"a"})", Wire().part(17, Wire().text(1, "a"))},
      {"items", R"([{},{}])", Wire().text(24, "").text(24, "")},
      {"words", R"(["a"])", Wire().text(23, "a")},
      {"item.inner", R"({"quantity":1})", Wire().part(17, Wire().part(3, Wire().varint(2, 1)))},
      {"stringValue", R"("a")", Wire().text(14, "a")},
      {"labels", R"({"a":"b"})", Wire().part(31, Wire().text(1, "a").text(2, "b"))},
      {"item", "null", ""},
      {"anyJson", "null", Wire().part(55, Wire().varint(1, 0))},
  };
  for (const auto& c : cases) {
    std::string wire;
    const Result<void> result = json_to_field(all(), c.path, c.json, wire);
    ASSERT_TRUE(result) << c.path << ": " << result.error().message();
    EXPECT_EQ(wire, c.wire) << c.path;
  }
  std::string wire;
  EXPECT_THAT(json_to_field(all(), "item", R"({"sku":1})", wire).error().message(),
              HasSubstr("$.item.sku: expected a string"));
  EXPECT_THAT(json_to_field(all(), "nope", "1", wire).error().message(), HasSubstr("no field \"nope\""));
  EXPECT_THAT(json_to_field(all(), "items.sku", "1", wire).error().message(), HasSubstr("has no fields"));
  EXPECT_FALSE(json_to_field(all(), "item", "{} x", wire));
  EXPECT_EQ(wire, "");
}

TEST(FieldToJson, ShowsOneFieldAlone) {
  const std::string wire = Wire()
                               .text(23, "a")
                               .varint(1, 7)
                               .part(17, Wire().part(3, Wire().text(1, "x")))
                               .text(23, "b")
                               .part(17, Wire().part(3, Wire().varint(2, 2)));
  const std::pair<const char*, const char*> cases[] = {
      {"words", R"(["a","b"])"},
      {"int32Value", "7"},
      {"item.inner", R"({"sku":"x","quantity":2})"},
      {"item.inner.sku", R"("x")"},
      {"items", "[]"},
      {"labels", "{}"},
      {"self", "null"},
      {"stringValue", R"("")"},
      {"self.item.sku", R"("")"},
      {"int64Value", R"("0")"},
  };
  for (const auto& [path, expected] : cases) {
    std::string json;
    const Result<void> result = field_to_json(all(), path, wire, json);
    ASSERT_TRUE(result) << path << ": " << result.error().message();
    EXPECT_EQ(json, expected) << path;
  }
  std::string json;
  EXPECT_FALSE(field_to_json(all(), "nope", wire, json));
  ASSERT_TRUE(field_to_json(codec_types()["old.Old"], "count", "", json));
  EXPECT_EQ(json, "7") << "proto2's default";
}

TEST(FindField, FollowsAPath) {
  ASSERT_NE(find_field(all(), "item.inner.sku"), nullptr);
  EXPECT_EQ(find_field(all(), "item.inner.sku")->number, 1U);
  EXPECT_EQ(find_field(all(), "items.sku"), nullptr);
  EXPECT_EQ(find_field(all(), ""), nullptr);
}

TEST(JsonFieldPaths, NamesWhatAPatchSets) {
  const auto paths = json_field_paths(all(), R"({"int32Value":1,"item":{"sku":"a","inner":{"quantity":2,"sizes":[1]}},
      "items":[{"sku":"x"}],"labels":{"a":"b"},"at":"1970-01-01T00:00:00Z","data":{"k":1},"renamed":null,"self":{},"nope":{"a":1}})");
  ASSERT_TRUE(paths);
  EXPECT_THAT(*paths, ElementsAre("int32_value", "item.sku", "item.inner.quantity", "item.inner.sizes", "items",
                                  "labels", "at", "data", "other_name", "self"));
  EXPECT_FALSE(json_field_paths(all(), "[]"));
  EXPECT_FALSE(json_field_paths(all(), R"({"int32Value":})"));
}

}  // namespace
}  // namespace parley::contract
