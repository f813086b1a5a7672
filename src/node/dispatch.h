// Dispatch: which edge takes a request. The edges are asked in turn, the most particular first; REST takes what is
// left.
#pragma once

#include "edge/files/files_edge.h"
#include "edge/graphql/graphql_edge.h"
#include "edge/rest/rest_edge.h"
#include "edge/rpc/rpc_edges.h"
#include "edge/websocket/websocket_edge.h"
#include "net/exchange.h"
#include "node/edge_options.h"
#include "route/local/built_in_services.h"
#include "route/tunnel/tunnel.h"

namespace parley::node {

// Every edge over one front.
class Edges : public net::ExchangeHandler {
 public:
  Edges(const Front& front, const EdgeOptions& options)
      : grpc_(front, options.rpc),
        grpc_web_(front, options.rpc),
        connect_(front, options.rpc),
        websocket_(front, options.websocket),
        rest_(front, options.rest) {}

  Task<void> serve(net::ServerExchange& exchange) override {
    const net::RequestHead& request = exchange.request();
    if (grpc_.takes(request)) return grpc_.serve(exchange);
    if (grpc_web_.takes(request)) return grpc_web_.serve(exchange);
    if (connect_.takes(request)) return connect_.serve(exchange);
    if (edge::WebSocketEdge::takes(request)) return websocket_.serve(exchange);
    return rest_.serve(exchange);
  }

  // Ends what goes on without an exchange. Once there are none any more.
  Task<void> drain() { return websocket_.drain(); }

 private:
  edge::GrpcEdge grpc_;
  edge::GrpcWebEdge grpc_web_;
  edge::ConnectEdge connect_;
  edge::WebSocketEdge websocket_;
  edge::RestEdge rest_;
};

// What callers have of the node's queues and topics (pull_api.h).
class MessageEdges : public net::ExchangeHandler {
 public:
  virtual bool takes(const net::RequestHead& request) const = 0;
};

// The user's services, also as one GraphQL schema; beside them Parley's own (health, reflection), which have a contract
// of their own, services that have none, and files.
class Dispatch : public net::ExchangeHandler {
 public:
  Dispatch(Edges& user, Edges& own, const route::BuiltInServices& own_services, edge::GraphqlEdge& graphql,
           route::Tunnels& tunnels, edge::FilesEdge& files)
      : user_(user), own_(own), own_services_(own_services), graphql_(graphql), tunnels_(tunnels), files_(files) {}

  // Once the node has queues or topics; outlives the exchanges.
  void set_messages(MessageEdges& messages) { messages_ = &messages; }

  Task<void> serve(net::ServerExchange& exchange) override {
    const net::RequestHead& request = exchange.request();
    if (graphql_.takes(request)) return graphql_.serve(exchange);
    if (tunnels_.takes(request)) return tunnels_.serve(exchange);
    if (messages_ != nullptr && messages_->takes(request)) return messages_->serve(exchange);
    if (files_.takes(request)) return files_.serve(exchange);
    return (own_services_.takes(request.path()) ? own_ : user_).serve(exchange);
  }

 private:
  Edges& user_;
  Edges& own_;
  const route::BuiltInServices& own_services_;
  edge::GraphqlEdge& graphql_;
  route::Tunnels& tunnels_;
  edge::FilesEdge& files_;
  MessageEdges* messages_ = nullptr;
};

}  // namespace parley::node
