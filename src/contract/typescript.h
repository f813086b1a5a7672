// TypeScript from a contract: the type map that clients/web is typed by, with an interface for each message in
// ProtoJSON.
#pragma once

#include <string>

#include "contract/contract.h"

namespace parley::contract {

// One module, which imports only types of `@parley/web`. The same contract always gives the same text. Rpcs
// that are not served yet are left out.
//
// - `interface Contract` has the rpcs by `package.Service/Method`.
// - A message is an interface called as it is, `OrderItem` for `Order.Item`; with its package, `shop_v1_Order`, where
//   two are called alike. Every field is optional, for ProtoJSON leaves out what has its default value.
// - An enum is the union of its names; 64-bit integers are strings; NaN and the infinities are strings.
// - Comments and `deprecated` come along.
std::string typescript(const Contract& contract);

}  // namespace parley::contract
