#pragma once

#include <string>
#include <string_view>

#include "contract/contract.h"

namespace parley::edge::rest {

// For a path that no rpc is bound to: the pattern of one that differs in a single segment, by a likely slip of the pen
// ("/v1/{name=orders/*}" for /v1/order/7). "" if there is none. Looks at each rule once and compares letters only where
// all other segments agree.
std::string nearest_route(const contract::Contract& contract, std::string_view path);

}  // namespace parley::edge::rest
