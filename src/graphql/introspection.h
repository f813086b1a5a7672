// The answer to the introspection query that tools send (graphql-js's getIntrospectionQuery with every option), without
// executing one: for `parley graphql-schema --json`.
#pragma once

#include <string>

#include "graphql/schema.h"

namespace parley::graphql {

// `{"__schema":{…}}`
std::string introspection_json(const Schema& schema);

}  // namespace parley::graphql
