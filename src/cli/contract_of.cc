#include "cli/contract_of.h"

#include <cstdio>

#include <unistd.h>

#include "loop/run_blocking.h"
#include "node/contract_source.h"

namespace parley::cli {
namespace {

namespace fs = std::filesystem;

bool has_protos(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".proto") return true;
  }
  return false;
}

// A folder that is itself the contract, or a descriptor set: no configuration is needed to look at those.
bool is_bare_contract(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error))
    return !fs::exists(path / "parley.yaml", error) && !fs::exists(path / "contracts", error) && has_protos(path);
  return fs::is_regular_file(path, error) && path.extension() != ".yaml" && path.extension() != ".yml";
}

}  // namespace

void print(const std::vector<contract::Diagnostic>& diagnostics) {
  const bool colour = isatty(STDERR_FILENO) != 0;
  for (const contract::Diagnostic& d : diagnostics) {
    const bool is_error = d.severity == contract::Diagnostic::Severity::error;
    const char* start = !colour ? "" : is_error ? "\x1b[31m" : "\x1b[33m";
    std::fprintf(stderr, "%s%s%s\n", start, d.text().c_str(), colour ? "\x1b[0m" : "");
  }
}

std::optional<Subject> subject_at(const std::string& path) {
  Subject subject;
  if (is_bare_contract(path)) {
    subject.config.contracts = {fs::absolute(path).string()};
  } else {
    auto config = node::read_config(path);
    if (!config) {
      std::fprintf(stderr, "%s\n", config.error().message().c_str());
      return std::nullopt;
    }
    subject.config = std::move(*config);
  }
  Shard shard;
  auto loaded = run_blocking(shard, node::load_contract(shard, subject.config));
  print(loaded.diagnostics);
  if (loaded.contract == nullptr) return std::nullopt;
  subject.loaded = std::move(loaded);
  return subject;
}

}  // namespace parley::cli
