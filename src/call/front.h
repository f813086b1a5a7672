// Front: what an edge needs to know: the contract of the moment and who answers a method. One a shard; the node swaps
// its contract on a reload.
#pragma once

#include <string_view>

#include "call/handler.h"
#include "contract/contract.h"

namespace parley {

// A request that an edge refused before it could become a call: no rpc is there, or not by that HTTP method, content
// type or version.
struct RefusedRequest {
  std::string_view edge;  // a literal, as Call's
  std::string_view path;
  std::string_view caller;  // its address
  const Error& why;
};

class Front {
 public:
  virtual ~Front() = default;
  // The contract in force. Take it once a call and look up in that snapshot.
  virtual contract::ContractPtr contract() const = 0;
  // Who answers `method` (of the contract in force). Never null: a method no service serves is answered `unimplemented`
  // by its handler. The handler outlives the call: hold the pointer.
  virtual HandlerPtr handler(const contract::Method& method) const = 0;
  // Who carries out what was queued for `method`, or takes its events: the service behind it, filters included. Null:
  // nobody here.
  virtual HandlerPtr receiver(const contract::Method&) const { return nullptr; }
  // Edges say what they refuse, so that telemetry misses nothing.
  virtual void refused(const RefusedRequest&) const {}
};

}  // namespace parley
