// For tests: the messages the transcoder's tests speak of.
#pragma once

#include "contract/codec_fixture.h"

namespace parley::contract {

inline const CodecFixture& codec_types() {
  static const CodecFixture types = {R"(
syntax = "proto3";
package t;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum Color { COLOR_UNSPECIFIED = 0; RED = 1; BLUE = 2; NAVY = -5; FAR = 1000; }
message Item { string sku = 1; int32 quantity = 2; Item inner = 3; repeated int32 sizes = 4; }
message All {
  int32 int32_value = 1; int64 int64_value = 2; uint32 uint32_value = 3; uint64 uint64_value = 4;
  sint32 sint32_value = 5; sint64 sint64_value = 6; fixed32 fixed32_value = 7; fixed64 fixed64_value = 8;
  sfixed32 sfixed32_value = 9; sfixed64 sfixed64_value = 10; float float_value = 11; double double_value = 12;
  bool bool_value = 13; string string_value = 14; bytes bytes_value = 15; Color color = 16;
  Item item = 17; optional int32 maybe = 18; string other_name = 19 [json_name = "renamed"];
  repeated int32 ints = 21; repeated double doubles = 22; repeated string words = 23; repeated Item items = 24;
  repeated Color colors = 25; repeated int32 unpacked = 26 [packed = false]; repeated bytes blobs = 27;
  repeated bool flags = 28; repeated sint64 zigs = 29;
  map<string, string> labels = 31; map<int32, Item> by_number = 32; map<bool, Color> by_flag = 33; map<uint64, double> rates = 34;
  oneof choice { string left = 41; int32 right = 42; Item both = 43; google.protobuf.NullValue nothing = 44; }
  google.protobuf.Timestamp at = 51; google.protobuf.Duration wait = 52; google.protobuf.FieldMask mask = 53;
  google.protobuf.Struct data = 54; google.protobuf.Value any_json = 55; google.protobuf.ListValue list = 56;
  google.protobuf.Any any = 57; google.protobuf.NullValue null_value = 58;
  google.protobuf.Int64Value big = 61; google.protobuf.StringValue text = 62; google.protobuf.BoolValue flag = 63;
  google.protobuf.BytesValue blob = 64; google.protobuf.DoubleValue rate = 65; repeated google.protobuf.Int32Value bigs = 66;
  repeated google.protobuf.Value values = 71; repeated google.protobuf.Timestamp times = 72;
  map<string, google.protobuf.Value> any_map = 73;
  All self = 100; string far_field = 536870911;
}
)",
                                     R"(
syntax = "proto2";
package old;
enum Size { NONE = 0; SMALL = 1; LARGE = 2; }
message Set { option message_set_wire_format = true; extensions 4 to max; }
message Need { required string name = 1; optional Need inner = 2; }
message Old {
  optional int32 count = 1 [default = 7]; optional Size size = 2; repeated Size sizes = 3;
  optional group Data = 4 { optional int32 x = 5; optional string y = 6; }
  repeated group Row = 7 { optional int32 z = 8; }
  map<string, Size> by_name = 9; optional string text = 10; optional Need need = 11; repeated int32 plain = 12;
  optional Set set = 13;
  extensions 100 to 200;
}
extend Old { optional string note = 100; repeated int32 more = 101; optional Need needy = 102; }
)"};
  return types;
}

}  // namespace parley::contract
