// AsyncAPI 3.0 (asyncapi.com/docs/reference/specification/v3.0.0) from a contract: its topics and queues, for people
// and for generators of clients.
#pragma once

#include <string>

#include "contract/contract.h"

namespace parley::contract {

struct AsyncApiInfo {
  std::string title = {};         // empty: the packages of the services
  std::string version = "1.0.0";  // of the API, not of Parley
  std::string host = "127.0.0.1:8080";
};

// The document, indented. The same contract always gives the same text.
//
// The application that it speaks of is the node with its services. A topic is a channel at /topics/NAME, which the node
// receives from (publish) and sends to (read); each subscription of the contract is one more operation that receives. A
// queue is a channel at its rpc's path, which the node receives from.
std::string asyncapi_json(const Contract& contract, const AsyncApiInfo& info = {});

}  // namespace parley::contract
