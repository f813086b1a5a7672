// Where a node's contract comes from: files, or its services by gRPC reflection.
#pragma once

#include "contract/load.h"
#include "loop/shard.h"
#include "node/config.h"
#include "node/upstreams.h"

namespace parley::node {

// `contracts: reflection`.
bool is_reflected(const Config& config);

// Loads `contracts:` of the configuration, relative to its folder, or asks every gRPC service for its part. What is
// missing or does not answer is a diagnostic.
Task<contract::Loaded> load_contract(Shard& control, const Config& config, Patience patience = {});

// The roots as absolute paths: what a reload watches.
std::vector<std::filesystem::path> contract_roots(const Config& config);

}  // namespace parley::node
