// Which literals a scalar or an enumeration takes.
#pragma once

#include <optional>
#include <string>

#include "graphql/document.h"
#include "graphql/schema.h"

namespace parley::graphql {

// Nothing: the literal is one. Else what is wrong, in graphql-js's words for the specified scalars and enumerations:
// `Int cannot represent non-integer value: "1"`. `value` is no variable and no null; `type` is a leaf.
std::optional<std::string> wrong_with_literal(const NamedType& type, const Value& value);

}  // namespace parley::graphql
