// How names of the contract look in GraphQL; what lint and the report of breaking changes need of it.
#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/descriptor.h>

namespace parley::contract {

// "Query", "Mutation" or "Subscription"; "" where the rpc is not shown (client and bidi streams).
std::string_view graphql_root(const google::protobuf::MethodDescriptor& method);
// "GetOrder" is "getOrder". GraphQL drops a leading `get` where nothing clashes.
std::string lower_camel(std::string_view name);
// The value without the enum's common prefix: STATE_PAID of State is PAID.
std::string graphql_value(const google::protobuf::EnumValueDescriptor& value);

}  // namespace parley::contract
