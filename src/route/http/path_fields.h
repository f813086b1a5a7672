// Reading single fields of a message's JSON form, for paths and queries.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "base/error.h"
#include "contract/http_rule.h"
#include "contract/message_table.h"

namespace parley::route {

// A message in its JSON form, with its type.
struct JsonMessage {
  simdjson::dom::element json;
  const contract::MessageTable& table;
};

// The text of the scalar at a dotted path (proto names): as a path or query carries it. Nothing if it is not a scalar,
// or if it is absent; with `defaults`, an absent field gives its default.
std::optional<std::string> field_text(const JsonMessage& message, std::string_view field_path, bool defaults);

// The path of `rule` filled from `message`. With `defaults`, a number that is not set is 0. Errors: invalid_argument,
// reason "path_field", naming the field.
Result<std::string> fill_path(const contract::HttpRule& rule, const JsonMessage& message, bool defaults);

// "a=1&b.c=x&b.c=y" of all fields but those in `without` (dotted JSON names). Errors: invalid_argument, reason
// "query_field".
Result<std::string> query_of(const JsonMessage& message, const std::set<std::string, std::less<>>& without);

// The message's JSON without the fields in `without` (dotted JSON names).
void append_without(simdjson::dom::element json, const std::set<std::string, std::less<>>& without, std::string& out);

// "user_id.name" to "userId.name"; the path as it is where a name is unknown.
std::string json_path(const contract::MessageTable& table, std::string_view field_path);

}  // namespace parley::route
