// What a contract's (parley.queue), (parley.event) and (parley.subscribe) ask of a backend.
#pragma once

#include <string_view>

#include "contract/contract.h"
#include "queue/declaration.h"

namespace parley::queue {

// Queues in the order of their rpcs, topics by name, groups of a topic by name.
Declarations declarations_of(const contract::Contract& contract);

// A queue is named after its rpc: "shop.Mailer/SendMail".
inline std::string_view queue_name(const contract::Method& method) { return std::string_view(method.path).substr(1); }

RetryPolicy retry_policy(const contract::RetryOptions& options);

}  // namespace parley::queue
