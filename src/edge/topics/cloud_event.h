// An event as a reader of /topics/NAME sees it: CloudEvents' JSON (cloudevents/spec, json-format.md).
#pragma once

#include <string>

#include "contract/contract.h"
#include "queue/api/messages.h"

namespace parley::edge::topics {

// One event as a JSON object without line ends. Data whose type `contract` knows is JSON; JSON stays as it is; the rest
// is base64.
void put_event(const queue::api::Message& message, const contract::Contract& contract, std::string& out);

}  // namespace parley::edge::topics
