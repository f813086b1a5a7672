// Front: what an edge needs to know: the contract of the moment and who answers a method. One a shard; the node swaps
// its contract on a reload.
#pragma once

#include "call/handler.h"
#include "contract/contract.h"

namespace parley {

class Front {
 public:
  virtual ~Front() = default;
  // The contract in force. Take it once a call and look up in that snapshot.
  virtual contract::ContractPtr contract() const = 0;
  // Who answers `method` (of the contract in force). Never null: a method no service serves is answered `unimplemented`
  // by its handler. The handler outlives the call: hold the pointer.
  virtual HandlerPtr handler(const contract::Method& method) const = 0;
};

}  // namespace parley
