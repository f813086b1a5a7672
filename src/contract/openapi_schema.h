// JSON Schemas (2020-12, as OpenAPI 3.1 uses it) of messages and enums, in their ProtoJSON form.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "contract/json_tree.h"
#include "contract/options.h"

namespace parley::contract {

class SchemaBook {
 public:
  explicit SchemaBook(const google::protobuf::DescriptorPool& pool) : options_(pool) {}

  // `{"$ref": …}`, or the schema itself for well-known types; what is referred to goes into `components`.
  JsonTree message(const google::protobuf::Descriptor& message);
  // Of one field: repeated fields and maps too, with its description and behaviour.
  JsonTree field(const google::protobuf::FieldDescriptor& field);
  // An object in place, without the fields named: the body of a request whose other fields are in the path. `partial`:
  // nothing is required.
  JsonTree object(const google::protobuf::Descriptor& message, const std::set<std::string>& without,
                  bool partial = false);
  // One value of the field, whatever its label.
  JsonTree value(const google::protobuf::FieldDescriptor& field);

  bool has_behavior(const google::protobuf::FieldDescriptor& field, FieldBehavior behavior) const;
  // All that was referred to, by name.
  JsonTree components();

 private:
  JsonTree reference(const std::string& full_name, const std::string& short_name);
  JsonTree enumeration(const google::protobuf::EnumDescriptor& enumeration);
  JsonTree enum_schema(const google::protobuf::EnumDescriptor& enumeration) const;
  void add_oneofs(const google::protobuf::Descriptor& message, const std::set<std::string>& without,
                  JsonTree& schema) const;
  std::string component_name(const std::string& full_name, const std::string& short_name);

  OptionReader options_;
  // Short name to the full name that has it. Two are the document's own: messages of that name are called by their full
  // name.
  std::map<std::string, std::string> names_ = {{"Problem", ""}, {"Status", ""}};
  std::map<std::string, JsonTree> components_;  // by component name
  std::vector<const google::protobuf::Descriptor*> pending_;
};

// "google.protobuf.Timestamp" and the others whose JSON is their own; null for ordinary messages.
const JsonTree* well_known_schema(const std::string& full_name);

}  // namespace parley::contract
