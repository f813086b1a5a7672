// The transcoder: ProtoJSON (protobuf.dev/programming-guides/json) to Protobuf wire bytes and back, by tables, without
// message objects. All functions append to their output and leave it as it was if they fail.
//
// Errors: invalid_argument, the caller's fault, with the place ("$.items[2].price: expected an int32, got "x" (line 3,
// column 14)"); resource_exhausted where a limit of JsonOptions is passed. An edge that reads an upstream's reply
// changes the blame.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "contract/message_table.h"

namespace parley::contract {

struct JsonOptions {
  // To JSON: print fields without presence (proto3 scalars, repeated fields, maps) also where they are empty.
  bool emit_defaults = false;
  // To JSON: `user_id` instead of `userId`. From JSON both are always read.
  bool use_proto_names = false;
  bool enums_as_numbers = false;
  // From JSON: skip keys, and names of enum values, that the contract does not have.
  bool ignore_unknown = false;
  // Of nested messages, arrays and objects, both ways.
  int max_depth = 100;
  // Of output.
  std::size_t max_bytes = std::size_t{64} << 20;
};

// Strict: no trailing commas, duplicate keys, comments, bad UTF-8 or anything after the value.
Result<void> json_to_wire(const MessageTable& table, std::string_view json, std::string& wire,
                          const JsonOptions& options = {});
// Merges as a Protobuf parser would: last scalar wins, split messages are joined, of a oneof the last member stays.
Result<void> wire_to_json(const MessageTable& table, std::string_view wire, std::string& json,
                          const JsonOptions& options = {});

// `json` is the value of the field at `field_path` (dotted, JSON or proto names; `body: "field"`): appends that field's
// records to `wire`. A path of several names wraps them in sub-messages, which merge with what `wire` holds of them.
Result<void> json_to_field(const MessageTable& table, std::string_view field_path, std::string_view json,
                           std::string& wire, const JsonOptions& options = {});
// The reverse (`response_body: "field"`): appends the JSON of one field of the message in `wire`; an absent field
// appends its default, null for a message.
Result<void> field_to_json(const MessageTable& table, std::string_view field_path, std::string_view wire,
                           std::string& json, const JsonOptions& options = {});

// One variable of a path or query, already percent-decoded: `text` is the value of the field at `field_path`. The path
// is dotted (JSON or proto names); a map's key follows as `map[key]` or `map.key`; a repeated field gets one more
// element. Takes scalars, enums by name or number, bytes in base64, and the well-known types that are scalars in JSON;
// Value, Struct and ListValue take JSON text. The fragment is appended even for a zero, so that it overrides what
// stands before it.
Result<void> text_to_field(const MessageTable& table, std::string_view field_path, std::string_view text,
                           std::string& wire);

// The field at a dotted path, or null if a name on the way is not there or is not a message. Does not look into maps.
const FieldTable* find_field(const MessageTable& table, std::string_view field_path);

// The paths a JSON object sets, in proto names, down to scalars, repeated fields, maps and well-known types: for the
// FieldMask of a PATCH. Unknown keys are skipped: json_to_wire is what refuses them.
Result<std::vector<std::string>> json_field_paths(const MessageTable& table, std::string_view json);

// Whether `wire` is well-formed for this type: lengths, groups, tags, and UTF-8 in proto3 strings.
Result<void> validate_wire(const MessageTable& table, std::string_view wire, int max_depth = 100);

}  // namespace parley::contract
