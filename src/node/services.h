// Which service of the configuration answers which service of the contract.
#pragma once

#include <map>
#include <string>

#include "loop/shard.h"
#include "node/snapshot.h"
#include "node/upstreams.h"

namespace parley::node {

// A service without `serves:` is asked by gRPC reflection, with `patience`.
// Errors: invalid_argument: an address that cannot be read, a name in `serves:` that the contract does not have (with
// the nearest), two services that serve the same; unavailable: reflection does not answer.
Task<Result<std::map<std::string, ServedBy, std::less<>>>> resolve_services(Shard& control, const Config& config,
                                                                            const contract::Contract& contract,
                                                                            Patience patience);

}  // namespace parley::node
