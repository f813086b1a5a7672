// Where a node's contract comes from.
#pragma once

#include "contract/load.h"
#include "node/config.h"

namespace parley::node {

// Loads `contracts:` of the configuration, relative to its folder. A root that does not exist is a diagnostic.
contract::Loaded load_contract(const Config& config);

// The roots as absolute paths: what a reload watches.
std::vector<std::filesystem::path> contract_roots(const Config& config);

}  // namespace parley::node
