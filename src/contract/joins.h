// GraphQL joins: which fields of an rpc are its keys and what it finds ((parley.loader)), given or inferred.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include <google/protobuf/descriptor.h>

#include "contract/options.h"

namespace parley::contract {

struct JoinProblem {
  std::string message;
  std::string hint;
};

struct LoaderFields {
  const google::protobuf::FieldDescriptor* keys = nullptr;   // of the request; repeated: many keys a call
  const google::protobuf::FieldDescriptor* items = nullptr;  // of the response; null: the response is the one item
  const google::protobuf::FieldDescriptor* match = nullptr;  // of the item; null: a map, whose key it is, or no items
  bool many = false;
  std::uint32_t max = 0;

  // The message that is found.
  const google::protobuf::Descriptor* item(const google::protobuf::MethodDescriptor& method) const;
};

// `option`: the rpc's (parley.loader), if it has one.
std::expected<LoaderFields, JoinProblem> loader_fields(const google::protobuf::MethodDescriptor& method,
                                                       const std::optional<OptionMessage>& option,
                                                       const OptionReader& reader);

// Whether values of `key`, a field of the message that gets the join, can be the loader's keys.
std::optional<JoinProblem> check_join_key(const google::protobuf::FieldDescriptor& key, const LoaderFields& loader);

}  // namespace parley::contract
