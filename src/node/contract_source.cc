#include "node/contract_source.h"

namespace parley::node {
namespace {

contract::Diagnostic problem(std::string file, std::string message, std::string hint) {
  contract::Diagnostic d;
  d.file = std::move(file);
  d.message = std::move(message);
  d.hint = std::move(hint);
  return d;
}

Task<contract::Loaded> load_reflected(Shard& control, const Config& config, Patience patience) {
  contract::Loaded failed;
  std::vector<std::string> files;
  for (const auto& [name, service] : config.services) {
    const auto places = cluster_of(config, service);
    if (places && places->protocol == mesh::Protocol::http) continue;  // has no reflection
    auto reflected = co_await reflect(control, config, service, true, patience);
    if (!reflected) {
      failed.diagnostics.push_back(problem(config.file.string(), reflected.error().message(),
                                           "'contracts' can name a folder of .proto files instead"));
      co_return failed;
    }
    files.insert(files.end(), std::make_move_iterator(reflected->files.begin()),
                 std::make_move_iterator(reflected->files.end()));
  }
  co_return contract::load_descriptors(files);
}

}  // namespace

bool is_reflected(const Config& config) {
  return config.contracts.size() == 1 && config.contracts.front() == "reflection";
}

std::vector<std::filesystem::path> contract_roots(const Config& config) {
  std::vector<std::filesystem::path> roots;
  if (is_reflected(config)) return roots;
  for (const std::string& root : config.contracts) roots.push_back(config.folder / root);
  return roots;
}

Task<contract::Loaded> load_contract(Shard& control, const Config& config, Patience patience) {
  if (is_reflected(config)) co_return co_await load_reflected(control, config, patience);
  const auto roots = contract_roots(config);
  contract::Loaded missing;
  for (const auto& root : roots) {
    std::error_code error;
    if (std::filesystem::exists(root, error)) continue;
    missing.diagnostics.push_back(problem(
        root.string(), "no such file or folder",
        "'contracts' in parley.yaml names folders of .proto files and descriptor set files, or is 'reflection'"));
  }
  if (!missing.diagnostics.empty()) co_return missing;
  co_return contract::load(roots);
}

}  // namespace parley::node
