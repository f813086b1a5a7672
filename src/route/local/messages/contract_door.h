// ContractDoor: the door by (parley.queue) and (parley.event).
#pragma once

#include "route/local/messages/door.h"

namespace parley::route {

// Used from every shard. `clock` outlives it.
class ContractDoor final : public Door {
 public:
  explicit ContractDoor(const WallClock& clock) : clock_(clock) {}
  Result<void> admit(const contract::Contract& contract, queue::Publish& publish) const override;
  Duration lease_of(const contract::Contract& contract, const queue::Source& source) const override;

 private:
  const WallClock& clock_;
};

}  // namespace parley::route
