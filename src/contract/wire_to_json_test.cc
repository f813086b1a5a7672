#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/transcode.h"
#include "contract/transcode_fixture.h"

namespace parley::contract {
namespace {

using testing::HasSubstr;

struct Good {
  const char* name;
  const char* type;
  std::string wire;
  std::string json;
  JsonOptions options = {};
};

void expect_json(const Good& c) {
  std::string json = "kept";
  const Result<void> result = wire_to_json(codec_types()[c.type], c.wire, json, c.options);
  ASSERT_TRUE(result) << c.name << ": " << result.error().message();
  EXPECT_EQ(json, "kept" + c.json) << c.name;
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

TEST(WireToJson, ScalarsAreAsTheMappingSays) {
  const Good cases[] = {
      {"nothing", "t.All", "", "{}"},
      {"int32", "t.All", Wire().varint(1, ~0ULL), R"({"int32Value":-1})"},
      {"64 bits in quotes", "t.All", Wire().varint(2, 1ULL << 63U).varint(4, ~0ULL),
       R"({"int64Value":"-9223372036854775808","uint64Value":"18446744073709551615"})"},
      {"zigzag", "t.All", Wire().varint(5, 1).varint(6, ~0ULL),
       R"({"sint32Value":-1,"sint64Value":"-9223372036854775808"})"},
      {"fixed", "t.All", Wire().fixed32(7, ~0U).fixed64(8, 5).fixed32(9, ~0U).fixed64(10, ~0ULL),
       R"({"fixed32Value":4294967295,"fixed64Value":"5","sfixed32Value":-1,"sfixed64Value":"-1"})"},
      {"floats", "t.All", Wire().fixed32(11, 0x3dcccccdU).fixed64(12, bits(-1e-7)),
       R"({"floatValue":0.1,"doubleValue":-1e-7})"},
      {"not a number", "t.All", Wire().fixed32(11, 0x7fc00000U).fixed64(12, bits(-INFINITY)),
       R"({"floatValue":"NaN","doubleValue":"-Infinity"})"},
      {"any varint but 0 is true", "t.All", Wire().varint(13, 2), R"({"boolValue":true})"},
      {"string", "t.All", Wire().text(14, "a\"\\/\b\f\n\r\t\x01é😀"), R"({"stringValue":"a\"\\/\b\f\n\r\t\u0001é😀"})"},
      {"bytes", "t.All", Wire().text(15, "\xfb\xff"), R"({"bytesValue":"+/8="})"},
      {"enum", "t.All", Wire().varint(16, 2), R"({"color":"BLUE"})"},
      {"negative enum", "t.All", Wire().varint(16, static_cast<std::uint64_t>(-5)), R"({"color":"NAVY"})"},
      {"enum far from the others", "t.All", Wire().varint(16, 1000), R"({"color":"FAR"})"},
      {"unknown enum number", "t.All", Wire().varint(16, 77), R"({"color":77})"},
      {"a zero that was sent is shown", "t.All", Wire().varint(1, 0), R"({"int32Value":0})"},
      {"unknown fields are dropped", "t.All",
       Wire().varint(2000, 1).fixed32(2001, 1).text(2002, "x").open_group(2003).varint(1, 1).close_group(2003).varint(
           18, 1),
       R"({"maybe":1})"},
      {"another wire type is an unknown field", "t.All", Wire().text(1, "x").varint(14, 1), "{}"},
      {"proto names",
       "t.All",
       Wire().varint(1, 1).text(19, "x"),
       R"({"int32_value":1,"other_name":"x"})",
       {.use_proto_names = true}},
      {"enums as numbers", "t.All", Wire().varint(16, 2), R"({"color":2})", {.enums_as_numbers = true}},
  };
  for (const Good& c : cases) expect_json(c);
}

TEST(WireToJson, NestsAndRepeats) {
  const Good cases[] = {
      {"message", "t.All", Wire().part(17, Wire().text(1, "a").text(3, "")), R"({"item":{"sku":"a","inner":{}}})"},
      {"packed", "t.All", Wire().part(21, Wire().raw(1).raw(~0ULL)), R"({"ints":[1,-1]})"},
      {"packed where the contract does not pack", "t.All", Wire().part(26, Wire().raw(1).raw(2)),
       R"({"unpacked":[1,2]})"},
      {"unpacked where it does", "t.All", Wire().varint(21, 1).varint(21, 2), R"({"ints":[1,2]})"},
      {"both", "t.All", Wire().varint(21, 1).part(21, Wire().raw(2).raw(3)).varint(21, 4), R"({"ints":[1,2,3,4]})"},
      {"empty packed record", "t.All", Wire().text(21, ""), R"({"ints":[]})"},
      {"strings", "t.All", Wire().text(23, "a").text(23, ""), R"({"words":["a",""]})"},
      {"map", "t.All", Wire().part(31, Wire().text(1, "a").text(2, "b")).part(31, Wire().text(1, "c")),
       R"({"labels":{"a":"b","c":""}})"},
      {"map entry with its value first", "t.All", Wire().part(31, Wire().text(2, "b").text(1, "a")),
       R"({"labels":{"a":"b"}})"},
      {"map keys are strings", "t.All",
       Wire()
           .part(32, Wire().varint(1, ~0ULL))
           .part(33, Wire().varint(1, 1).varint(2, 1))
           .part(34, Wire().varint(1, 7)),
       R"({"byNumber":{"-1":{}},"byFlag":{"true":"RED"},"rates":{"7":0}})"},
      {"group", "old.Old", Wire().open_group(4).varint(5, 1).close_group(4), R"({"data":{"x":1}})"},
      {"groups", "old.Old", Wire().open_group(7).close_group(7).open_group(7).varint(8, 2).close_group(7),
       R"({"row":[{},{"z":2}]})"},
      {"extension", "old.Old", Wire().text(100, "n").varint(101, 1), R"({"[old.note]":"n","[old.more]":[1]})"},
      {"closed enums drop what they do not know", "old.Old",
       Wire()
           .varint(2, 9)
           .varint(3, 1)
           .varint(3, 9)
           .part(3, Wire().raw(9).raw(2))
           .part(9, Wire().text(1, "a").varint(2, 9)),
       R"({"sizes":["SMALL","LARGE"],"byName":{}})"},
  };
  for (const Good& c : cases) expect_json(c);
}

TEST(WireToJson, WellKnownTypesHaveTheirOwnForms) {
  const Good cases[] = {
      {"timestamp", "t.All", Wire().part(51, Wire().varint(1, 1).varint(2, 500000000)),
       R"({"at":"1970-01-01T00:00:01.500Z"})"},
      {"first timestamp", "google.protobuf.Timestamp", Wire().varint(1, static_cast<std::uint64_t>(-62135596800)),
       R"("0001-01-01T00:00:00Z")"},
      {"last timestamp", "google.protobuf.Timestamp", Wire().varint(1, 253402300799).varint(2, 999999999),
       R"("9999-12-31T23:59:59.999999999Z")"},
      {"duration", "t.All", Wire().part(52, Wire().varint(2, static_cast<std::uint64_t>(-1000))),
       R"({"wait":"-0.000001s"})"},
      {"field mask", "t.All", Wire().part(53, Wire().text(1, "user_name").text(1, "a.b_c")),
       R"({"mask":"userName,a.bC"})"},
      {"wrappers", "t.All",
       Wire().part(61, Wire().varint(1, 5)).text(63, "").part(64, Wire().text(1, "a")).text(65, ""),
       R"({"big":"5","flag":false,"blob":"YQ==","rate":0})"},
      {"wrappers in an array", "t.All", Wire().text(66, "").part(66, Wire().varint(1, 1)), R"({"bigs":[0,1]})"},
      {"value", "t.All",
       Wire().part(55, Wire().part(6, Wire().part(1, Wire().varint(1, 0)).part(1, Wire().varint(4, 1)))),
       R"({"anyJson":[null,true]})"},
      {"struct", "t.All", Wire().part(54, Wire().part(1, Wire().text(1, "k").part(2, Wire().text(3, "v")))),
       R"({"data":{"k":"v"}})"},
      {"empty struct and list", "t.All", Wire().text(54, "").text(56, ""), R"({"data":{},"list":[]})"},
      {"null value", "t.All", Wire().varint(58, 0), R"({"nullValue":null})"},
      {"any", "t.All", Wire().part(57, Wire().text(1, "x/t.Item").part(2, Wire().text(1, "a"))),
       R"({"any":{"@type":"x/t.Item","sku":"a"}})"},
      {"any of an empty message", "t.All", Wire().part(57, Wire().text(1, "x/t.Item")),
       R"({"any":{"@type":"x/t.Item"}})"},
      {"any of a well-known type", "t.All", Wire().part(57, Wire().text(1, "x/google.protobuf.Duration").text(2, "")),
       R"({"any":{"@type":"x/google.protobuf.Duration","value":"0s"}})"},
      {"any of nothing", "t.All", Wire().text(57, ""), R"({"any":{}})"},
  };
  for (const Good& c : cases) expect_json(c);
}

TEST(WireToJson, RecordsInUnusualOrderAreMerged) {
  const Good cases[] = {
      {"the last scalar wins", "t.All", Wire().varint(1, 1).varint(1, 2), R"({"int32Value":2})"},
      {"repeated records apart", "t.All", Wire().text(23, "a").varint(1, 1).text(23, "b"),
       R"({"int32Value":1,"words":["a","b"]})"},
      {"packed apart", "t.All", Wire().varint(21, 1).varint(1, 5).part(21, Wire().raw(2)),
       R"({"int32Value":5,"ints":[1,2]})"},
      {"a message in two parts", "t.All",
       Wire().part(17, Wire().text(1, "a").varint(2, 1)).part(17, Wire().varint(2, 2)),
       R"({"item":{"sku":"a","quantity":2}})"},
      {"repeated fields of a message in two parts", "t.All",
       Wire().part(17, Wire().varint(4, 1)).part(17, Wire().varint(4, 2)), R"({"item":{"sizes":[1,2]}})"},
      {"parts within parts", "t.All",
       Wire().part(17, Wire().part(3, Wire().text(1, "a"))).varint(1, 1).part(17, Wire().part(3, Wire().varint(2, 3))),
       R"({"int32Value":1,"item":{"inner":{"sku":"a","quantity":3}}})"},
      {"the last of a oneof stays", "t.All", Wire().text(41, "a").varint(42, 1), R"({"right":1})"},
      {"a oneof message between others starts anew", "t.All",
       Wire().part(43, Wire().text(1, "a")).varint(42, 1).part(43, Wire().varint(2, 2)), R"({"both":{"quantity":2}})"},
      {"a map key twice", "t.All",
       Wire()
           .part(31, Wire().text(1, "a").text(2, "1"))
           .part(31, Wire().text(1, "b"))
           .part(31, Wire().text(1, "a").text(2, "2")),
       R"({"labels":{"a":"2","b":""}})"},
      {"a map value in two parts", "t.All",
       Wire().part(32, Wire().varint(1, 1).part(2, Wire().text(1, "a")).part(2, Wire().varint(2, 2))),
       R"({"byNumber":{"1":{"sku":"a","quantity":2}}})"},
      {"a group in two parts", "old.Old",
       Wire().open_group(4).varint(5, 1).close_group(4).open_group(4).text(6, "y").close_group(4),
       R"({"data":{"x":1,"y":"y"}})"},
      {"a timestamp in two parts", "t.All", Wire().part(51, Wire().varint(1, 1)).part(51, Wire().varint(2, 1000000)),
       R"({"at":"1970-01-01T00:00:01.001Z"})"},
      {"a value set twice", "google.protobuf.Value", Wire().fixed64(2, bits(1)).text(3, "a"), R"("a")"},
      {"a struct key twice", "google.protobuf.Struct",
       Wire()
           .part(1, Wire().text(1, "k").part(2, Wire().varint(4, 0)))
           .part(1, Wire().text(1, "k").part(2, Wire().varint(4, 1))),
       R"({"k":true})"},
      {"a wrapper set twice", "google.protobuf.Int64Value", Wire().varint(1, 1).varint(1, 2), R"("2")"},
      {"a required field in the second part", "old.Old",
       Wire().part(11, Wire().part(2, Wire().text(1, "b"))).part(11, Wire().text(1, "a")),
       R"({"need":{"name":"a","inner":{"name":"b"}}})"},
      {"a closed enum keeps the last it knows", "old.Old", Wire().varint(2, 1).varint(2, 9), R"({"size":"SMALL"})"},
      {"a closed enum in a map entry: the last decides", "old.Old",
       Wire().part(9, Wire().text(1, "a").varint(2, 9).varint(2, 1)), R"({"byName":{"a":"SMALL"}})"},
  };
  for (const Good& c : cases) expect_json(c);
}

TEST(WireToJson, DefaultsAreShownOnRequest) {
  expect_json({"item", "t.Item", "", R"({"sku":"","quantity":0,"sizes":[]})", {.emit_defaults = true}});
  expect_json({"item in two parts",
               "t.Item",
               Wire().varint(2, 1).varint(2, 2),
               R"({"quantity":2,"sku":"","sizes":[]})",
               {.emit_defaults = true}});
  expect_json({"proto2 has presence",
               "old.Old",
               "",
               R"({"sizes":[],"row":[],"byName":{},"plain":[]})",
               {.emit_defaults = true}});
  std::string json;
  ASSERT_TRUE(wire_to_json(codec_types()["t.All"], "", json, {.emit_defaults = true, .use_proto_names = true}));
  EXPECT_THAT(json, HasSubstr(R"("int64_value":"0","uint32_value":0)"));
  EXPECT_THAT(json, HasSubstr(R"("color":"COLOR_UNSPECIFIED","other_name":"")"));
  EXPECT_THAT(json, HasSubstr(R"("labels":{},)"));
  EXPECT_THAT(json, HasSubstr(R"("null_value":null,)"));
  EXPECT_THAT(json, testing::Not(HasSubstr("maybe")));
  EXPECT_THAT(json, testing::Not(HasSubstr("\"item\"")));
}

struct Bad {
  const char* name;
  const char* type;
  std::string wire;
  const char* message;
};

std::string nested_self(int levels) {
  std::string wire;
  for (int i = 0; i < levels; ++i) wire = Wire().text(100, wire);
  return wire;
}

std::string nested_group(int levels) {
  Wire wire;
  for (int i = 0; i < levels; ++i) wire.open_group(3000);
  for (int i = 0; i < levels; ++i) wire.close_group(3000);
  return wire;
}

TEST(WireToJson, MalformedMessagesAreRefused) {
  const Bad cases[] = {
      {"tag cut off", "t.All", "\x80", "bad tag"},
      {"field number 0", "t.All", std::string("\0\0", 2), "bad tag"},
      {"wire type 7", "t.All", "\x0f", "bad tag"},
      {"varint cut off", "t.All", "\x08\x80", "field 1 is cut off"},
      {"varint of eleven bytes", "t.All", "\x08" + std::string(10, '\x80') + "\x01", "field 1 is cut off"},
      {"length beyond the end", "t.All", "\x72\x05xx", "field 14 is cut off"},
      {"length beyond the sub-message", "t.All", Wire().text(17, "\x0a\x05").text(14, "xxxxx"), "$.item: malformed"},
      {"fixed cut off", "t.All", "\x5dxxx", "field 11 is cut off"},
      {"group without end", "t.All", Wire().open_group(3000).varint(1, 1), "field 3000"},
      {"end of a group without a start", "t.All", Wire().close_group(1), "field 1 is cut off"},
      {"end of another group", "t.All", Wire().open_group(3000).close_group(3001), "field 3000"},
      {"packed array cut off", "t.All", Wire().text(21, "\x80"), "$.ints: malformed"},
      {"packed doubles cut off", "t.All", Wire().text(22, "1234567"), "$.doubles: malformed"},
      {"bad UTF-8 in a map's key that a second one overwrites", "t.All",
       Wire().part(31, Wire().text(1, "\xff").text(1, "a")), "not valid UTF-8"},
      {"bad UTF-8", "t.All", Wire().part(17, Wire().text(1, "\xff")), "$.item.sku: a string is not valid UTF-8"},
      {"messages too deep", "t.All", nested_self(101), "nested too deeply"},
      {"groups too deep", "t.All", nested_group(100000), "nested too deeply"},
      {"timestamp out of range", "t.All", Wire().part(51, Wire().varint(1, 253402300800)),
       "$.at: a google.protobuf.Timestamp is out"},
      {"timestamp with negative nanos", "t.All", Wire().part(51, Wire().varint(2, ~0ULL)), "out of range"},
      {"duration with two signs", "t.All", Wire().part(52, Wire().varint(1, 1).varint(2, ~0ULL)), "out of range"},
      {"field mask with a comma in a path", "t.All", Wire().part(53, Wire().text(1, "a,b")), "FieldMask"},
      {"field mask that does not come back", "t.All", Wire().part(53, Wire().text(1, "user_3")), "FieldMask"},
      {"value with NaN", "t.All", Wire().part(55, Wire().fixed64(2, bits(NAN))), "NaN"},
      {"value of nothing", "t.All", Wire().text(55, ""), "holds nothing"},
      {"any of an unknown type", "t.All", Wire().part(57, Wire().text(1, "x/t.None")), "no type"},
      {"any with a value and no type", "t.All", Wire().part(57, Wire().text(2, "x")), "no type"},
      {"message set", "old.Old", Wire().text(13, ""), "$.set: old.Set is a message set"},
      {"missing required field", "old.Old", Wire().text(11, ""), "required field \"name\" is missing"},
  };
  for (const Bad& c : cases) {
    for (const char* prefix : {"", "twice"}) {  // the straight way, then the merging way
      std::string wire = c.wire;
      if (*prefix != 0 && c.type == std::string_view("t.All"))
        wire = std::string(Wire().varint(1, 1).varint(1, 1)) + wire;
      std::string json = "kept";
      const Result<void> result = wire_to_json(codec_types()[c.type], wire, json);
      ASSERT_FALSE(result) << c.name << ": " << json;
      EXPECT_EQ(result.error().code(), Code::invalid_argument) << c.name;
      EXPECT_THAT(result.error().message(), HasSubstr(c.message)) << c.name << prefix;
      EXPECT_EQ(json, "kept") << c.name;
    }
  }
}

TEST(WireToJson, HostileNestingCostsNoMoreThanItsSize) {
  // Each level conflicts after its child was written: converting the child again each time would take 2^90 steps.
  std::string wire;
  for (int i = 0; i < 90; ++i) wire = std::string(Wire().text(100, wire).varint(1, 1).varint(1, 2));
  std::string json;
  EXPECT_TRUE(wire_to_json(codec_types()["t.All"], wire, json));
}

TEST(WireToJson, OutputIsLimited) {
  Wire wire;
  for (int i = 0; i < 1000; ++i) wire.text(24, "");
  std::string json;
  const Result<void> result =
      wire_to_json(codec_types()["t.All"], std::string(wire), json, {.emit_defaults = true, .max_bytes = 10000});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::resource_exhausted);
  EXPECT_EQ(json, "");
}

TEST(ValidateWire, FindsWhatIsMalformedAndBadText) {
  const MessageTable& all = codec_types()["t.All"];
  EXPECT_TRUE(validate_wire(all, ""));
  EXPECT_TRUE(
      validate_wire(all, std::string(Wire().text(14, "é").part(17, Wire().text(1, "x")).part(21, Wire().raw(1)))));
  EXPECT_TRUE(validate_wire(codec_types()["old.Old"], std::string(Wire().text(10, "\xff"))))
      << "proto2 does not promise UTF-8";
  EXPECT_TRUE(validate_wire(codec_types()["old.Old"], std::string(Wire().open_group(4).varint(5, 1).close_group(4))));
  EXPECT_TRUE(validate_wire(codec_types()["old.Old"], std::string(Wire().text(7, "\xff"))))
      << "not a group: an unknown field";
  const std::pair<std::string, const char*> cases[] = {
      {"\x08", "field 1 is cut off"},
      {Wire().part(17, Wire().text(1, "\xff")), "$.item.sku: a string is not valid UTF-8"},
      {Wire().text(21, "\x80"), "$.ints: malformed"},
      {Wire().part(31, Wire().text(1, "\xff")), "$.labels.key: a string"},
      {nested_self(101), "nested too deeply"},
  };
  for (const auto& [wire, message] : cases) {
    const Result<void> result = validate_wire(all, wire);
    ASSERT_FALSE(result) << message;
    EXPECT_THAT(result.error().message(), HasSubstr(message));
  }
}

}  // namespace
}  // namespace parley::contract
