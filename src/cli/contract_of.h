// The contract a command works on: that of the configuration at a path.
#pragma once

#include <string>

#include "base/error.h"
#include "contract/load.h"
#include "node/config.h"

namespace parley::cli {

struct Subject {
  node::Config config;
  contract::Loaded loaded;
};

// `path`: a folder with parley.yaml or contracts/, a parley.yaml, a folder of .proto files, or a descriptor set. Prints
// what is wrong to standard error; nothing then.
std::optional<Subject> subject_at(const std::string& path);

// Prints diagnostics to standard error, coloured on a terminal.
void print(const std::vector<contract::Diagnostic>& diagnostics);

}  // namespace parley::cli
