// Dispatch: which edge takes a request. The edges are asked in turn, the most particular first; REST takes what is
// left.
#pragma once

#include "edge/graphql/graphql_edge.h"
#include "edge/rest/rest_edge.h"
#include "edge/rpc/rpc_edges.h"
#include "net/exchange.h"
#include "route/local/built_in_services.h"

namespace parley::node {

// Every edge over one front.
class Edges : public net::ExchangeHandler {
 public:
  Edges(const Front& front, const edge::RpcOptions& rpc, const edge::RestOptions& rest,
        const edge::GraphqlOptions& graphql, edge::graphql::SchemaSource schema,
        std::shared_ptr<const edge::graphql::PersistedDocuments> persisted)
      : grpc_(front, rpc),
        grpc_web_(front, rpc),
        connect_(front, rpc),
        graphql_(front, graphql, std::move(schema), std::move(persisted)),
        rest_(front, rest) {}

  Task<void> serve(net::ServerExchange& exchange) override {
    const net::RequestHead& request = exchange.request();
    if (grpc_.takes(request)) return grpc_.serve(exchange);
    if (grpc_web_.takes(request)) return grpc_web_.serve(exchange);
    if (graphql_.takes(request)) return graphql_.serve(exchange);
    if (connect_.takes(request)) return connect_.serve(exchange);
    return rest_.serve(exchange);
  }

 private:
  edge::GrpcEdge grpc_;
  edge::GrpcWebEdge grpc_web_;
  edge::ConnectEdge connect_;
  edge::GraphqlEdge graphql_;
  edge::RestEdge rest_;
};

// The user's services, and beside them Parley's own (health, reflection), which have a contract of their own.
class Dispatch : public net::ExchangeHandler {
 public:
  Dispatch(Edges& user, Edges& own, const route::BuiltInServices& own_services)
      : user_(user), own_(own), own_services_(own_services) {}

  Task<void> serve(net::ServerExchange& exchange) override {
    return (own_services_.takes(exchange.request().path()) ? own_ : user_).serve(exchange);
  }

 private:
  Edges& user_;
  Edges& own_;
  const route::BuiltInServices& own_services_;
};

}  // namespace parley::node
