// The gRPC, gRPC-Web and Connect edges. Each says which requests are its own, and serves them. One of each a shard; the
// front outlives them.
//
// The node asks `takes` in the order gRPC, gRPC-Web, Connect, and gives what is left to the REST edge.
#pragma once

#include "call/front.h"
#include "edge/rpc/options.h"
#include "net/exchange.h"

namespace parley::edge {

// HTTP/2 only (505 below it). Takes every content-type that begins with application/grpc; 415 for those it does not
// know.
class GrpcEdge : public net::ExchangeHandler {
 public:
  GrpcEdge(const Front& front, RpcOptions options) : front_(front), options_(std::move(options)) {}
  bool takes(const net::RequestHead& request) const;
  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  RpcEdge edge() const { return {"grpc", front_, options_}; }
  const Front& front_;
  RpcOptions options_;
};

// Binary and text, proto and JSON.
class GrpcWebEdge : public net::ExchangeHandler {
 public:
  GrpcWebEdge(const Front& front, RpcOptions options) : front_(front), options_(std::move(options)) {}
  bool takes(const net::RequestHead& request) const;
  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  RpcEdge edge() const { return {"grpc-web", front_, options_}; }
  const Front& front_;
  RpcOptions options_;
};

// Takes Connect's own content-types, application/proto, GETs whose query holds a message for an rpc, and whatever names
// Connect's version or time-out. Plain JSON posted to an rpc's path is REST's where REST is bound there, and else
// Connect's (docs/decisions/010-connect-or-rest.md).
// It also answers browsers' preflights for the paths of rpcs, gRPC-Web's included.
class ConnectEdge : public net::ExchangeHandler {
 public:
  ConnectEdge(const Front& front, RpcOptions options) : front_(front), options_(std::move(options)) {}
  bool takes(const net::RequestHead& request) const;
  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  RpcEdge edge() const { return {"connect", front_, options_}; }
  Task<void> serve_stream(net::ServerExchange& exchange);
  Task<void> refuse_method(net::ServerExchange& exchange);
  Task<void> preflight(net::ServerExchange& exchange);

  const Front& front_;
  RpcOptions options_;
};

}  // namespace parley::edge
