// Query parameters: the fields of a request that neither its path nor its body holds.
#pragma once

#include <vector>

#include <google/protobuf/descriptor.h>

#include "contract/http_rule.h"
#include "contract/openapi_schema.h"

namespace parley::contract {

// Nested messages are flattened ("filter.placedAfter"), maps are deep objects ("labels[key]"). Left out: fields that
// the service sets, repeated messages, other members of a oneof that the path has set, and what lies deeper than five
// messages.
std::vector<JsonTree> query_parameters(const google::protobuf::Descriptor& request, const HttpRule& rule,
                                       SchemaBook& schemas);

}  // namespace parley::contract
