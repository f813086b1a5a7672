// From an rpc's google.api.http option to compiled rules.
#pragma once

#include <vector>

#include <google/protobuf/descriptor.h>

#include "contract/http_rule.h"
#include "contract/lint.h"

namespace parley::contract {

// The option's binding, then its additional ones; the default `POST /package.Service/Method` if there is none. Bindings
// with an error are reported and left out.
std::vector<HttpRule> compile_bindings(const google::protobuf::MethodDescriptor& method, Reporter& report);

// The field at a dotted path of proto names; null if a name on the way is not there, or is no single message.
const google::protobuf::FieldDescriptor* field_at(const google::protobuf::Descriptor& message, std::string_view path);
// Names of the message's fields, for hints.
std::vector<std::string> field_names(const google::protobuf::Descriptor& message);
// A scalar in a path, a query or a key: no message but the well-known types whose JSON is a string, number or bool.
bool is_scalar_text(const google::protobuf::FieldDescriptor& field);

}  // namespace parley::contract
