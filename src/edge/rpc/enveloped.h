// Serving calls whose messages come in length-prefixed frames: gRPC, gRPC-Web and Connect's streams. What differs
// between them is in their `MediaType` and its `Protocol`.
#pragma once

#include "edge/rpc/options.h"
#include "edge/rpc/protocol.h"
#include "loop/task.h"
#include "net/exchange.h"

namespace parley::edge {

// Serves one call to its end. `type` is what the request's content-type says; all references outlive the task.
//
// A method with one request message is answered once that message and the end of the body are there, so the handler
// begins with all it needs; a stream of requests is pumped beside the handler. Replies of a stream leave as they come;
// a single reply leaves with head and status in one turn.
Task<void> serve_enveloped(RpcEdge edge, net::ServerExchange& exchange, const MediaType& type);

}  // namespace parley::edge
