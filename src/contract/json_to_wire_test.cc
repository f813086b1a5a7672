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
  std::string json;
  std::string wire;
};

void expect_wire(const Good& c) {
  std::string wire = "kept";
  const Result<void> result = json_to_wire(codec_types()[c.type], c.json, wire);
  ASSERT_TRUE(result) << c.name << ": " << result.error().message();
  EXPECT_EQ(wire, "kept" + c.wire) << c.name;
}

TEST(JsonToWire, ScalarsTakeEverySpellingThatMeansTheirValue) {
  const Good cases[] = {
      {"empty object", "t.All", " { } ", ""},
      {"zero without presence is left out", "t.All", R"({"int32Value":0,"stringValue":"","boolValue":false})", ""},
      {"zero with presence is written", "t.All", R"({"maybe":0})", Wire().varint(18, 0)},
      {"int32", "t.All", R"({"int32Value":-2147483648})", Wire().varint(1, 0xffffffff80000000U)},
      {"quoted int32", "t.All", R"({"int32Value":"12"})", Wire().varint(1, 12)},
      {"exponent", "t.All", R"({"int32Value":1e5})", Wire().varint(1, 100000)},
      {"fraction of zeros", "t.All", R"({"int32Value":100.00})", Wire().varint(1, 100)},
      {"negative exponent", "t.All", R"({"int32Value":"12000e-3"})", Wire().varint(1, 12)},
      {"escaped digits in quotes", "t.All", R"({"int32Value":"\u0031\u0032"})", Wire().varint(1, 12)},
      {"largest uint64", "t.All", R"({"uint64Value":"18446744073709551615"})", Wire().varint(4, ~0ULL)},
      {"smallest int64", "t.All", R"({"int64Value":-9223372036854775808})", Wire().varint(2, 1ULL << 63U)},
      {"zigzag", "t.All", R"({"sint32Value":-1,"sint64Value":"1"})", Wire().varint(5, 1).varint(6, 2)},
      {"fixed", "t.All", R"({"fixed32Value":1,"sfixed64Value":-1})", Wire().fixed32(7, 1).fixed64(10, ~0ULL)},
      {"double", "t.All", R"({"doubleValue":1.5})", Wire().fixed64(12, 0x3ff8000000000000U)},
      {"minus zero is not the default", "t.All", R"({"doubleValue":-0.0})", Wire().fixed64(12, 1ULL << 63U)},
      {"quoted double", "t.All", R"({"doubleValue":"1.5"})", Wire().fixed64(12, 0x3ff8000000000000U)},
      {"infinity", "t.All", R"({"floatValue":"-Infinity"})", Wire().fixed32(11, 0xff800000U)},
      {"bool", "t.All", R"({"boolValue":true})", Wire().varint(13, 1)},
      {"escapes", "t.All", R"({"stringValue":"a\n\"\\\/\u00e9\ud83d\ude00"})", Wire().text(14, "a\n\"\\/é😀")},
      {"UTF-8", "t.All", R"({"stringValue":"Grüße, 世界"})", Wire().text(14, "Grüße, 世界")},
      {"base64", "t.All", R"({"bytesValue":"+/8="})", Wire().text(15, "\xfb\xff")},
      {"URL-safe base64 without padding", "t.All", R"({"bytesValue":"-_8"})", Wire().text(15, "\xfb\xff")},
      {"enum by name", "t.All", R"({"color":"BLUE"})", Wire().varint(16, 2)},
      {"enum by number", "t.All", R"({"color":2})", Wire().varint(16, 2)},
      {"unknown enum number survives", "t.All", R"({"color":77})", Wire().varint(16, 77)},
      {"negative enum", "t.All", R"({"color":"NAVY"})", Wire().varint(16, static_cast<std::uint64_t>(-5))},
      {"null is absent", "t.All", R"({"int32Value":null,"item":null,"ints":null,"labels":null,"at":null})", ""},
  };
  for (const Good& c : cases) expect_wire(c);
}

TEST(JsonToWire, NamesAreJsonOrProtoNames) {
  const Good cases[] = {
      {"proto name", "t.All", R"({"int32_value":1})", Wire().varint(1, 1)},
      {"json_name option", "t.All", R"({"renamed":"x"})", Wire().text(19, "x")},
      {"proto name beside json_name", "t.All", R"({"other_name":"x"})", Wire().text(19, "x")},
      {"escaped name", "t.All", R"({"\u0069nt32Value":1})", Wire().varint(1, 1)},
      {"white space everywhere", "t.All", "\n{\t\"int32Value\" :\r1 , \"int64Value\" : 2 } ",
       Wire().varint(1, 1).varint(2, 2)},
      {"order of the text", "t.All", R"({"int64Value":2,"int32Value":1})", Wire().varint(2, 2).varint(1, 1)},
      {"largest field number", "t.All", R"({"farField":"x"})", Wire().text(536870911, "x")},
      {"extension", "old.Old", R"({"[old.note]":"n","[old.more]":[1]})", Wire().text(100, "n").varint(101, 1)},
  };
  for (const Good& c : cases) expect_wire(c);
}

TEST(JsonToWire, NestsAndRepeats) {
  const std::string long_text(300, 'x');
  const Good cases[] = {
      {"message", "t.All", R"({"item":{"sku":"a","inner":{}}})", Wire().part(17, Wire().text(1, "a").text(3, ""))},
      {"long message: two bytes of length", "t.All", R"({"item":{"inner":{"sku":")" + long_text + R"("}}})",
       Wire().part(17, Wire().part(3, Wire().text(1, long_text)))},
      {"packed", "t.All", R"({"ints":[1,-1,300]})", Wire().part(21, Wire().raw(1).raw(~0ULL).raw(300))},
      {"empty array", "t.All", R"({"ints":[],"words":[ ]})", ""},
      {"unpacked", "t.All", R"({"unpacked":[1,0]})", Wire().varint(26, 1).varint(26, 0)},
      {"strings", "t.All", R"({"words":["a","",  "b\n"]})", Wire().text(23, "a").text(23, "").text(23, "b\n")},
      {"enums", "t.All", R"({"colors":["RED",2]})", Wire().part(25, Wire().raw(1).raw(2))},
      {"messages", "t.All", R"({"items":[{},{"quantity":1}]})", Wire().text(24, "").part(24, Wire().varint(2, 1))},
      {"map", "t.All", R"({"labels":{"a":"b","":""}})",
       Wire().part(31, Wire().text(1, "a").text(2, "b")).part(31, Wire().text(1, "").text(2, ""))},
      {"map of messages", "t.All", R"({"byNumber":{"-1":{}}})", Wire().part(32, Wire().varint(1, ~0ULL).text(2, ""))},
      {"map with bool keys", "t.All", R"({"byFlag":{"true":"RED"}})",
       Wire().part(33, Wire().varint(1, 1).varint(2, 1))},
      {"oneof", "t.All", R"({"left":null,"right":0})", Wire().varint(42, 0)},
      {"null value in a oneof", "t.All", R"({"nothing":null})", Wire().varint(44, 0)},
      {"group", "old.Old", R"({"data":{"x":1}})", Wire().open_group(4).varint(5, 1).close_group(4)},
      {"repeated group", "old.Old", R"({"row":[{},{"z":2}]})",
       Wire().open_group(7).close_group(7).open_group(7).varint(8, 2).close_group(7)},
      {"proto2 does not pack", "old.Old", R"({"plain":[1,2]})", Wire().varint(12, 1).varint(12, 2)},
  };
  for (const Good& c : cases) expect_wire(c);
}

TEST(JsonToWire, WellKnownTypesHaveTheirOwnForms) {
  const Good cases[] = {
      {"timestamp", "t.All", R"({"at":"1970-01-01T00:00:01.5Z"})",
       Wire().part(51, Wire().varint(1, 1).varint(2, 500000000))},
      {"timestamp with an offset", "t.All", R"({"at":"1970-01-01T01:00:00+01:00"})", Wire().text(51, "")},
      {"leap day", "t.All", R"({"at":"2024-02-29T00:00:00Z"})", Wire().part(51, Wire().varint(1, 1709164800))},
      {"duration", "t.All", R"({"wait":"-1.000000001s"})", Wire().part(52, Wire().varint(1, ~0ULL).varint(2, ~0ULL))},
      {"field mask", "t.All", R"({"mask":"userName,item.skuCode"})",
       Wire().part(53, Wire().text(1, "user_name").text(1, "item.sku_code"))},
      {"wrapper", "t.All", R"({"big":"5","flag":false})", Wire().part(61, Wire().varint(1, 5)).text(63, "")},
      {"wrapped string", "t.All", R"({"text":"x"})", Wire().part(62, Wire().text(1, "x"))},
      {"value: null", "t.All", R"({"anyJson":null})", Wire().part(55, Wire().varint(1, 0))},
      {"value: number", "t.All", R"({"anyJson":1.5})", Wire().part(55, Wire().fixed64(2, 0x3ff8000000000000U))},
      {"value: list", "t.All", R"({"anyJson":[true]})",
       Wire().part(55, Wire().part(6, Wire().part(1, Wire().varint(4, 1))))},
      {"values with null", "t.All", R"({"values":[null,"a"]})",
       Wire().part(71, Wire().varint(1, 0)).part(71, Wire().text(3, "a"))},
      {"struct", "t.All", R"({"data":{"k":"v"}})",
       Wire().part(54, Wire().part(1, Wire().text(1, "k").part(2, Wire().text(3, "v"))))},
      {"any", "t.All", R"({"any":{"@type":"x.y/t.Item","sku":"a"}})",
       Wire().part(57, Wire().text(1, "x.y/t.Item").part(2, Wire().text(1, "a")))},
      {"any with its type last", "t.All", R"({"any":{"sku":"a","@type":"x.y/t.Item"}})",
       Wire().part(57, Wire().text(1, "x.y/t.Item").part(2, Wire().text(1, "a")))},
      {"any of a well-known type", "t.All", R"({"any":{"@type":"x/google.protobuf.Duration","value":"1s"}})",
       Wire().part(57, Wire().text(1, "x/google.protobuf.Duration").part(2, Wire().varint(1, 1)))},
      {"any of nothing", "t.All", R"({"any":{}})", Wire().text(57, "")},
      {"at the top", "google.protobuf.Timestamp", R"("1970-01-01T00:00:01Z")", Wire().varint(1, 1)},
      {"null at the top", "google.protobuf.Value", "null", Wire().varint(1, 0)},
  };
  for (const Good& c : cases) expect_wire(c);
}

struct Bad {
  const char* name;
  const char* type;
  std::string json;
  const char* message;
};

void expect_error(const Bad& c) {
  std::string wire = "kept";
  const Result<void> result = json_to_wire(codec_types()[c.type], c.json, wire);
  ASSERT_FALSE(result) << c.name;
  EXPECT_EQ(result.error().code(), Code::invalid_argument) << c.name;
  EXPECT_EQ(result.error().blame(), Blame::caller) << c.name;
  EXPECT_THAT(result.error().message(), HasSubstr(c.message)) << c.name;
  EXPECT_EQ(wire, "kept") << c.name;
}

TEST(JsonToWire, SyntaxErrorsAreRefusedWithTheirPlace) {
  const Bad cases[] = {
      {"nothing", "t.All", "", "expected an object, got the end of the text (line 1, column 1)"},
      {"trailing comma in an object", "t.All", R"({"int32Value":1,})", "expected the name of a field in quotes, got }"},
      {"trailing comma in an array", "t.All", R"({"ints":[1,]})", "$.ints[1]: expected an int32, got ]"},
      {"text after the value", "t.All", "{} {}", "expected nothing after the value, got an object"},
      {"no closing brace", "t.All", R"({"int32Value":1)", "expected ',' or '}', got the end"},
      {"single quotes", "t.All", "{'int32Value':1}", "expected the name of a field"},
      {"comment", "t.All", "{/**/}", "expected the name of a field"},
      {"control character", "t.All", "{\"stringValue\":\"a\nb\"}", "(line 1, column 18)"},
      {"no end of a string", "t.All", R"({"stringValue":"a)", "this string has no end"},
      {"unknown escape", "t.All", R"({"stringValue":"\x41"})", "unknown escape"},
      {"half a surrogate pair", "t.All", R"({"stringValue":"\ud83d"})", "surrogate"},
      {"low surrogate first", "t.All", R"({"stringValue":"\ude00\ud83d"})", "surrogate"},
      {"bad UTF-8", "t.All", "{\"stringValue\":\"\xc3(\"}", "UTF-8"},
      {"overlong UTF-8", "t.All", "{\"stringValue\":\"\xc0\xaf\"}", "UTF-8"},
      {"leading zero", "t.All", R"({"int32Value":01})", "expected an int32, got 01"},
      {"plus sign", "t.All", R"({"int32Value":+1})", "expected an int32, got +1"},
      {"bare fraction", "t.All", R"({"doubleValue":.5})", "expected a double, got .5"},
      {"bare NaN", "t.All", R"({"doubleValue":NaN})", "expected a double, got NaN"},
      {"second line", "t.All", "{\n  \"int32Value\": x}", "(line 2, column 17)"},
      {"missing comma", "t.All", R"({"ints":[1 2]})", "expected ',' or ']', got 2"},
  };
  for (const Bad& c : cases) expect_error(c);
}

TEST(JsonToWire, ValuesThatDoNotFitAreRefusedWithTheirPath) {
  const Bad cases[] = {
      {"path", "t.All", R"({"items":[{},{"inner":{"quantity":"x"}}]})",
       "$.items[1].inner.quantity: expected an int32, got \"x\""},
      {"path in a map", "t.All", R"({"byNumber":{"7":{"quantity":true}}})",
       "$.byNumber[\"7\"].quantity: expected an int32"},
      {"unknown field, with a likely name", "t.All", R"({"int32Valu":1})", "did you mean \"int32Value\"?"},
      {"duplicate field", "t.All", R"({"int32Value":1,"int32_value":1})", "set twice"},
      {"duplicate null", "t.All", R"({"item":null,"item":{}})", "set twice"},
      {"oneof set twice", "t.All", R"({"left":"a","right":1})", "another field of the same oneof"},
      {"duplicate map key", "t.All", R"({"labels":{"a":"","\u0061":""}})", "this key is there twice"},
      {"duplicate struct key", "t.All", R"({"data":{"a":1,"a":2}})", "this key is there twice"},
      {"int32 too large", "t.All", R"({"int32Value":2147483648})", "2147483648 is out of range for int32"},
      {"int32 too small", "t.All", R"({"int32Value":-2147483649})", "out of range"},
      {"negative uint32", "t.All", R"({"uint32Value":-1})", "out of range"},
      {"uint64 too large", "t.All", R"({"uint64Value":18446744073709551616})", "out of range"},
      {"fraction", "t.All", R"({"int32Value":1.5})", "expected an int32"},
      {"space in a quoted number", "t.All", R"({"int32Value":" 1"})", "expected an int32"},
      {"empty quoted number", "t.All", R"({"int32Value":""})", "expected an int32"},
      {"double too large", "t.All", R"({"doubleValue":1e309})", "out of range"},
      {"float too large", "t.All", R"({"floatValue":3.5e38})", "out of range"},
      {"string for a bool", "t.All", R"({"boolValue":"true"})", "expected true or false"},
      {"number for a string", "t.All", R"({"stringValue":1})", "expected a string, got 1"},
      {"bad base64", "t.All", R"({"bytesValue":"a$bc"})", "not base64"},
      {"base64 of one character", "t.All", R"({"bytesValue":"abcde"})", "not base64"},
      {"unknown enum name", "t.All", R"({"color":"PINK"})",
       "no value \"PINK\" in t.Color: expected one of COLOR_UNSPECIFIED"},
      {"enum beyond 32 bits", "t.All", R"({"color":2147483648})", "out of range"},
      {"unknown number of a closed enum", "old.Old", R"({"size":3})", "closed"},
      {"null in an array", "t.All", R"({"ints":[null]})", "$.ints[0]: expected an int32"},
      {"null in an array of messages", "t.All", R"({"items":[null]})", "expected a t.Item"},
      {"null in a map", "t.All", R"({"labels":{"a":null}})", "expected a string"},
      {"object for an array", "t.All", R"({"ints":{}})", "expected an array, got an object"},
      {"array for a message", "t.All", R"({"item":[]})", "expected an object, got an array"},
      {"message set", "old.Old", R"({"set":{}})", "$.set: old.Set is a message set, which has no JSON form"},
      {"missing required field", "old.Old", R"({"need":{}})", "the required field \"name\" is missing"},
      {"February 29 of a plain year", "t.All", R"({"at":"2023-02-29T00:00:00Z"})", "exist"},
      {"hour 24", "t.All", R"({"at":"2023-02-28T24:00:00Z"})", "exist"},
      {"offset of 24 hours", "t.All", R"({"at":"2023-02-28T00:00:00+24:00"})", "timestamp"},
      {"no offset", "t.All", R"({"at":"2023-02-28T00:00:00"})", "timestamp"},
      {"lower-case t", "t.All", R"({"at":"2023-02-28t00:00:00Z"})", "timestamp"},
      {"before year 1", "t.All", R"({"at":"0000-12-31T23:59:59Z"})", "year"},
      {"year 10000 by offset", "t.All", R"({"at":"9999-12-31T23:59:59-00:01"})", "year"},
      {"duration without s", "t.All", R"({"wait":"1"})", "duration"},
      {"duration too long", "t.All", R"({"wait":"315576000001s"})", "duration"},
      {"ten digits of a second", "t.All", R"({"wait":"0.1234567890s"})", "duration"},
      {"field mask with underscores", "t.All", R"({"mask":"user_name"})", "field mask"},
      {"field mask with an empty path", "t.All", R"({"mask":"a,"})", "field mask"},
      {"any without a type", "t.All", R"({"any":{"sku":"a"}})", "needs \"@type\""},
      {"any of an unknown type", "t.All", R"({"any":{"@type":"x/t.None"}})", "no type \"t.None\""},
      {"any without a URL", "t.All", R"({"any":{"@type":"t.Item"}})", "URL"},
      {"any with two types", "t.All", R"({"any":{"@type":"x/t.Item","@type":"x/t.Item"}})", "set twice"},
      {"any of a well-known type without value", "t.All", R"({"any":{"@type":"x/google.protobuf.Duration"}})",
       "needs \"value\""},
      {"value out of range", "t.All", R"({"anyJson":1e400})", "out of range"},
  };
  for (const Bad& c : cases) expect_error(c);
}

std::string nested(int levels, std::string_view open, std::string_view middle, std::string_view close) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += open;
  text += middle;
  for (int i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(JsonToWire, DepthIsLimited) {
  expect_wire({"99 levels", "google.protobuf.Value", nested(3, "[", "", "]"),
               Wire().part(6, Wire().part(1, Wire().part(6, Wire().part(1, Wire().text(6, "")))))});
  const Bad cases[] = {
      {"messages", "t.All", nested(100, R"({"self":)", "{}", "}"), "nested too deeply"},
      {"value arrays", "google.protobuf.Value", nested(100000, "[", "", "]"), "nested too deeply"},
      {"value objects", "google.protobuf.Value", nested(100000, R"({"a":)", "1", "}"), "nested too deeply"},
      {"anys", "google.protobuf.Any", nested(200, R"({"@type":"x/google.protobuf.Any","value":)", "{}", "}"),
       "nested too deeply"},
  };
  for (const Bad& c : cases) expect_error(c);
  std::string wire;
  EXPECT_TRUE(json_to_wire(codec_types()["t.All"], nested(99, R"({"self":)", "{}", "}"), wire));
}

TEST(JsonToWire, OutputIsLimited) {
  std::string wire;
  const Result<void> result =
      json_to_wire(codec_types()["t.All"], R"({"words":["aaaaaaaaaa","aaaaaaaaaa","b"]})", wire, {.max_bytes = 20});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::resource_exhausted);
}

TEST(JsonToWire, UnknownNamesAreSkippedIfTheOptionsSaySo) {
  const JsonOptions lenient{.ignore_unknown = true};
  std::string wire;
  const Result<void> result = json_to_wire(
      codec_types()["t.All"],
      R"({"nope":{"a":[1,"x",null,{}]},"color":"PINK","colors":["RED","PINK"],"byFlag":{"true":"PINK"},"maybe":1})",
      wire, lenient);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(wire, std::string(Wire().part(25, Wire().raw(1)).varint(18, 1)));
  EXPECT_FALSE(json_to_wire(codec_types()["t.All"], R"({"nope":[1,]})", wire, lenient)) << "skipped is not unchecked";
}

}  // namespace
}  // namespace parley::contract
