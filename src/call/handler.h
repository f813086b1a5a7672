// Handler: answers a call. Filter: wraps a handler, and is one.
#pragma once

#include <memory>

#include "base/error.h"
#include "call/call.h"
#include "loop/task.h"

namespace parley {

class Handler {
 public:
  virtual ~Handler() = default;
  // Reads `call.requests`, writes `call.replies`, fills headers and trailers, and returns the final status. Returns
  // soon after the call is cancelled. One handler serves many calls at once, on one shard.
  virtual Task<Result<void>> handle(Call& call) = 0;
};

using HandlerPtr = std::shared_ptr<Handler>;

// Runs `handler` and finishes the call with what it returned; an exception is logged and becomes `internal`.
// Spawned by edges into their TaskGroup; handler and call outlive it.
Task<void> answer(Handler& handler, Call& call);

}  // namespace parley
