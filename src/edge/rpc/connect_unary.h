// Unary calls over Connect (connectrpc.com/docs/protocol, "Unary-Request"): the body is the message, the HTTP status is
// the call's, trailers are fields with the prefix "trailer-". With GET the message stands in the query
// ("Unary-Get-Request").
#pragma once

#include "edge/rpc/options.h"
#include "edge/rpc/protocol.h"
#include "loop/task.h"
#include "net/exchange.h"

namespace parley::edge {

// Serves one POST whose content-type is that of `format`. All references outlive the task.
Task<void> serve_connect_post(RpcEdge edge, net::ServerExchange& exchange, Format format);
// Serves one GET. Only a method without side effects takes it: 405 for others.
Task<void> serve_connect_get(RpcEdge edge, net::ServerExchange& exchange);

}  // namespace parley::edge
