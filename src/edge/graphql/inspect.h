// A JSON value as graphql-js shows it in messages: {a: 1} is `{ a: 1 }`, long lists and deep values are cut short.
#pragma once

#include <string>

#include "edge/graphql/json_value.h"

namespace parley::edge::graphql {

std::string inspect(const JsonValue& value, int depth = 0);

}  // namespace parley::edge::graphql
