// QueueRoute: answers a call to a (parley.queue) rpc by storing it. The reply is a receipt; whoever serves the rpc is
// called later, by edge/deliveries.
#pragma once

#include <string>

#include "base/wall_time.h"
#include "call/handler.h"
#include "queue/broker.h"

namespace parley::route {

// One a shard, for all queues. `broker` and `clock` outlive it.
class QueueRoute : public Handler {
 public:
  QueueRoute(queue::Broker& broker, const WallClock& clock) : broker_(broker), clock_(clock) {}

  // Errors: invalid_argument: the request is not of its type (with the field), or `parley-delay` and `parley-due` make
  // no time; the broker's own. A call that is cancelled or late may be stored all the same.
  Task<Result<void>> handle(Call& call) override;

 private:
  queue::Broker& broker_;
  const WallClock& clock_;
};

// The message that a call to a queue's rpc becomes. Errors: as above.
Result<queue::Publish> publish_of(const Call& call, Bytes request, WallTime now);

// parley.Receipt (contracts/parley/receipt.proto) as wire bytes.
std::string receipt_wire(const queue::Receipt& receipt, std::string_view queue, std::string_view key, WallTime now);
// Where parley.Queues.GetMessage tells of it (contracts/parley/queues.proto); "" without a position.
std::string location_of(std::string_view queue, const queue::Position& position);

}  // namespace parley::route
