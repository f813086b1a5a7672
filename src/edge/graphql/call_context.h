// What every call of an operation has from the request that asked for it: metadata, caller, deadline.
#pragma once

#include "edge/graphql/upstream.h"
#include "net/exchange.h"

namespace parley::edge::graphql {

// Errors: invalid_argument ("malformed_header") for a `-bin` field that is not base64 or a `grpc-timeout` that is none.
Result<CallContext> call_context(const net::ServerExchange& exchange);

}  // namespace parley::edge::graphql
