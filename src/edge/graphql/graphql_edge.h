// GraphqlEdge: GraphQL at one path: POST with JSON, GET with a query, event streams and WebSockets for subscriptions,
// and a page for people. One a shard; `serve` runs once an exchange.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "edge/graphql/engine.h"
#include "edge/graphql/http_reply.h"
#include "edge/graphql/media.h"
#include "edge/graphql/single_stream.h"
#include "edge/graphql/stream_registry.h"
#include "net/exchange.h"

namespace parley::edge {

class GraphqlEdge : public net::ExchangeHandler {
 public:
  // `front` outlives the edge. `persisted` may be null.
  GraphqlEdge(const Front& front, GraphqlOptions options, graphql::SchemaSource schema,
              std::shared_ptr<const graphql::PersistedDocuments> persisted = nullptr);

  ~GraphqlEdge() override;
  GraphqlEdge(const GraphqlEdge&) = delete;
  GraphqlEdge& operator=(const GraphqlEdge&) = delete;

  bool takes(const net::RequestHead& request) const {
    return options_.enabled && request.path() == std::string_view(options_.path);
  }
  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  void preflight(net::ServerExchange& exchange) const;
  void refuse(net::ServerExchange& exchange, graphql::Media media, const graphql::HttpRefusal& refusal) const;
  void refuse(net::ServerExchange& exchange, graphql::Media media, const Error& why, int status = 0,
              Field extra = {}) const;
  void count_refused(const net::ServerExchange& exchange, const Error& why) const;
  Task<void> serve_socket(net::ServerExchange& exchange);
  Task<void> serve_http(net::ServerExchange& exchange);
  // Single connection mode (single_connection.cc).
  bool is_single_connection(const net::RequestHead& request) const;
  Task<void> serve_single_connection(net::ServerExchange& exchange);
  Task<void> serve_single_stream(net::ServerExchange& exchange, std::string token);
  Task<void> feed(net::ServerExchange& exchange, std::string token);
  graphql::FeedAnswer feed_here(const std::string& token, const std::string& stop, Bytes body,
                                graphql::CallContext context);
  Task<void> execute(net::ServerExchange& exchange, graphql::Accepted accepted);
  Task<void> answer(net::ServerExchange& exchange, graphql::Accepted accepted, graphql::Operation& operation);

  GraphqlOptions options_;
  graphql::Engine engine_;
  graphql::MailboxPtr mailbox_;
  std::map<std::string, graphql::SingleStream*, std::less<>> streams_;  // of this shard, by token
};

}  // namespace parley::edge
