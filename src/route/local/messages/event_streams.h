// EventStreams: answers parley.events.Events, the rpcs that Parley makes of a contract's event types: each reads the
// type's topic and passes on the events of the type.
#pragma once

#include "call/handler.h"
#include "route/local/messages/messaging.h"

namespace parley::route {

// One a shard, for all of them. `messaging` outlives it.
class EventStreams final : public Handler {
 public:
  explicit EventStreams(Messaging& messaging) : messaging_(messaging) {}
  Task<Result<void>> handle(Call& call) override;

 private:
  Messaging& messaging_;
};

}  // namespace parley::route
