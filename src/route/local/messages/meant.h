// Which name was perhaps meant, of a queue, a topic or a group that is not there.
#pragma once

#include <span>

#include "base/error.h"
#include "contract/contract.h"
#include "queue/broker.h"

namespace parley::route {

// `why` is what somebody got who asked for `source`. Where it is not_found and the contract has no such name, but one
// that is near, that one is told too; otherwise it stays as it is. `there`: names that the backend has beside those.
Error with_name_meant(const contract::Contract& contract, const queue::Source& source, Error why,
                      std::span<const queue::Source> there = {});

}  // namespace parley::route
