// A JSON value as graphql-js shows it in messages: {a: 1} is `{ a: 1 }`, long lists and deep values are cut short; here
// also texts and objects of more than a thousand bytes: a request may hold many, and be wrong at many places.
#pragma once

#include <string>
#include <string_view>

#include "edge/graphql/json_value.h"

namespace parley::edge::graphql {

std::string inspect(const JsonValue& value, int depth = 0);
// The same for what a request calls something.
std::string shortened(std::string_view text);

}  // namespace parley::edge::graphql
