// Door: what a message must be before it is stored, by the contract: of a queue's or topic's type, whole, with its key.
// Both the pull API and POST /topics/NAME pass through it.
#pragma once

#include <string_view>

#include "base/error.h"
#include "contract/contract.h"
#include "queue/broker.h"

namespace parley::route {

class Door {
 public:
  virtual ~Door() = default;
  // Checks `publish`, whose `to` is a queue or a topic of `contract`, and fills in what it left out: id, source, type,
  // key, content type, time, dedup. A JSON payload becomes wire bytes. Errors: not_found ("unknown_queue"),
  // invalid_argument.
  virtual Result<void> admit(const contract::Contract& contract, queue::Publish& publish) const = 0;
  // How long whoever leases from it has, where they do not say.
  virtual Duration lease_of(const contract::Contract& contract, const queue::Source& source) const = 0;
};

}  // namespace parley::route
