// Dispatch: which edge takes a request. The edges are asked in turn, the most particular first; REST takes what is left.
#pragma once

#include "call/front.h"
#include "edge/rest/rest_edge.h"
#include "edge/rpc/rpc_edges.h"
#include "net/exchange.h"

namespace parley::node {

class Dispatch : public net::ExchangeHandler {
 public:
  Dispatch(const Front& front, const edge::RpcOptions& rpc, const edge::RestOptions& rest)
      : grpc_(front, rpc), grpc_web_(front, rpc), connect_(front, rpc), rest_(front, rest) {}

  Task<void> serve(net::ServerExchange& exchange) override {
    const net::RequestHead& request = exchange.request();
    if (grpc_.takes(request)) return grpc_.serve(exchange);
    if (grpc_web_.takes(request)) return grpc_web_.serve(exchange);
    if (connect_.takes(request)) return connect_.serve(exchange);
    return rest_.serve(exchange);
  }

 private:
  edge::GrpcEdge grpc_;
  edge::GrpcWebEdge grpc_web_;
  edge::ConnectEdge connect_;
  edge::RestEdge rest_;
};

}  // namespace parley::node
