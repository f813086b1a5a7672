// Lint: what the linker of Protobuf does not know to be wrong. Each finding says where, what and how to mend it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "contract/load.h"
#include "contract/options.h"
#include "contract/source_set.h"

namespace parley::contract {

// The element's path in its file's source info (google.protobuf.SourceCodeInfo.Location.path).
std::vector<int> location_path(const google::protobuf::Descriptor& message);
std::vector<int> location_path(const google::protobuf::FieldDescriptor& field);
std::vector<int> location_path(const google::protobuf::ServiceDescriptor& service);
std::vector<int> location_path(const google::protobuf::MethodDescriptor& method);
std::vector<int> location_path(const google::protobuf::EnumDescriptor& enumeration);

// Where a finding stands. Built from descriptors, it asks the source info kept in their file.
class Reporter {
 public:
  Reporter(const SourceSet& sources, OptionReader& options, std::vector<Diagnostic>& out)
      : sources_(sources), options_(options), out_(out) {}

  // At the option of that name on `element` if the file says where it is, else at the element.
  template <class Descriptor>
  void error(const Descriptor& element, std::string_view option, std::string message, std::string hint) {
    add(Diagnostic::Severity::error, element, option, std::move(message), std::move(hint));
  }
  template <class Descriptor>
  void warning(const Descriptor& element, std::string_view option, std::string message, std::string hint) {
    add(Diagnostic::Severity::warning, element, option, std::move(message), std::move(hint));
  }
  OptionReader& options() { return options_; }

 private:
  template <class Descriptor>
  void add(Diagnostic::Severity severity, const Descriptor& element, std::string_view option, std::string message,
           std::string hint) {
    add_at(severity, *element.file(), location_path(element), option, std::move(message), std::move(hint));
  }
  void add_at(Diagnostic::Severity severity, const google::protobuf::FileDescriptor& file, const std::vector<int>& path,
              std::string_view option, std::string message, std::string hint);

  const SourceSet& sources_;
  OptionReader& options_;
  std::vector<Diagnostic>& out_;
};

struct LintInput {
  const google::protobuf::DescriptorPool& pool;
  std::vector<const google::protobuf::FileDescriptor*> files;  // the user's own
  const std::vector<Service>& services;                        // with their rules compiled
};

// Each looks at one concern.
void lint_http(const LintInput& in, Reporter& report);     // bindings that collide
void lint_options(const LintInput& in, Reporter& report);  // parley.*: keys, links, topics, kinds of rpcs
void lint_graphql(const LintInput& in, Reporter& report);  // names that would clash
void lint_joins(const LintInput& in, Reporter& report);    // keys of GraphQL's joins, and how rpcs are shown
inline void lint(const LintInput& in, Reporter& report) {
  lint_http(in, report);
  lint_options(in, report);
  lint_graphql(in, report);
  lint_joins(in, report);
}

// "shop.Orders/GetOrder"; null if there is none.
const Method* find_rpc(const std::vector<Service>& services, std::string_view name);
// Calls `use` with every message of the files, nested ones too, but not with the entries of maps.
void for_each_message(const std::vector<const google::protobuf::FileDescriptor*>& files,
                      const std::function<void(const google::protobuf::Descriptor&)>& use);

}  // namespace parley::contract
