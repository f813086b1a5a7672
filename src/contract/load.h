// Loading a contract: from folders of .proto files, a descriptor set, or descriptors an upstream sent by gRPC
// reflection.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/contract.h"

namespace parley::contract {

// One finding of the parser or of lint. `line` and `column` count from 1; 0 where unknown (descriptor sets without
// source info).
struct Diagnostic {
  enum class Severity { error, warning };
  Severity severity = Severity::error;
  std::string file;  // as it can be opened: the root as it was given, and the file below it
  int line = 0;
  int column = 0;
  std::string message;
  std::string hint;
  std::string source;  // the line of the file, without its end; empty where it is not known
  // "contracts/shop/orders.proto:12:5: error: … (hint: …)"
  std::string text() const;
  // The same, then the source line and a caret below its column, each on a line of its own.
  std::string text_with_source() const;
};

struct Loaded {
  ContractPtr contract;                      // null if any diagnostic is an error
  std::vector<Diagnostic> diagnostics;       // errors and warnings, in file order
  std::vector<std::filesystem::path> files;  // what was read: what a reload watches
};

// `roots`: folders (searched in turn for imports; every .proto below them is loaded) and/or descriptor set files
// (binary google.protobuf.FileDescriptorSet, any extension other than .proto). google/protobuf/*, google/api/*,
// google/rpc/* and parley/* are built in.
Loaded load(const std::vector<std::filesystem::path>& roots);

// From serialized FileDescriptorProtos in any order (gRPC reflection).
Loaded load_descriptors(const std::vector<std::string>& file_descriptor_protos);

// The services of built-in files ("grpc/health/v1/health.proto"): Parley's own. Each name must be one that is there.
Loaded load_built_in(const std::vector<std::string>& names);

// From .proto files in memory: name, as imports spell it, and text.
Loaded load_texts(const std::vector<std::pair<std::string, std::string>>& files);

// The text of a file that is built in ("google/api/http.proto"), or "" (also for google/protobuf/*, of which no text is
// kept).
std::string_view built_in_text(std::string_view name);

}  // namespace parley::contract
