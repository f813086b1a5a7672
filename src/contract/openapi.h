// OpenAPI 3.1 (spec.openapis.org/oas/v3.1.1) from a contract: what the REST edge serves, for people and for generators
// of clients.
#pragma once

#include <string>

#include "contract/contract.h"

namespace parley::contract {

struct OpenApiInfo {
  std::string title = {};         // empty: the packages of the services
  std::string version = "1.0.0";  // of the API, not of Parley
  std::string description = {};
  std::string server_url = "/";
};

// The document, indented. The same contract always gives the same text. Rpcs that are not served yet are left out.
//
// - `/v1/{name=orders/*}` is `/v1/orders/{order}`: OpenAPI's parameters cover one segment each.
// - Streams are `application/x-ndjson` and `text/event-stream`, with `x-itemSchema` for one message (OpenAPI 3.2 has
// `itemSchema`).
// - `x-grpc-method` is the rpc's path.
std::string openapi_json(const Contract& contract, const OpenApiInfo& info = {});

}  // namespace parley::contract
