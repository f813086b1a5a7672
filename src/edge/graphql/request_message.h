// The request message of a rpc from a field's arguments (chapter Execution, "Coercing Field Arguments"): coerced, put
// into ProtoJSON, and transcoded, so that every rule of the transcoder holds here too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

#include "base/error.h"
#include "edge/graphql/plan.h"
#include "edge/graphql/variables.h"
#include "graphql/error.h"

namespace parley::edge::graphql {

// Appends the request's wire bytes. Errors: graphql-js 16's, with a location; or the transcoder's; resource_exhausted
// where the arguments are above `max_bytes` as JSON: one variable may be used any number of times.
std::expected<void, ql::GraphqlError> put_request(const Plan& plan, const RootPlan& root, const Variables& variables,
                                                  std::size_t max_bytes, std::string& wire);

// The number of items a page of this field asks for: the value of `pageSize`, `first`, `limit` or the like; 0: none.
std::uint64_t page_size(const RootPlan& root, const Variables& variables);

}  // namespace parley::edge::graphql
