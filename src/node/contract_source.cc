#include "node/contract_source.h"

namespace parley::node {

std::vector<std::filesystem::path> contract_roots(const Config& config) {
  std::vector<std::filesystem::path> roots;
  for (const std::string& root : config.contracts) roots.push_back(config.folder / root);
  return roots;
}

contract::Loaded load_contract(const Config& config) {
  const auto roots = contract_roots(config);
  contract::Loaded missing;
  for (const auto& root : roots) {
    std::error_code error;
    if (std::filesystem::exists(root, error)) continue;
    contract::Diagnostic& d = missing.diagnostics.emplace_back();
    d.file = root.string();
    d.message = "no such file or folder";
    d.hint = "'contracts' in parley.yaml names folders of .proto files and descriptor set files";
  }
  if (!missing.diagnostics.empty()) return missing;
  return contract::load(roots);
}

}  // namespace parley::node
