// TopicsEdge: CloudEvents at /topics/NAME. POST publishes one (binary, structured) or several (batch); GET reads on and
// on, as server-sent events or NDJSON, from wherever `from` or `Last-Event-ID` says. One a shard; `serve` runs once an
// exchange.
//
// It calls parley.Queues and parley.Topics, so filters see these calls, and who may make them is decided there.
#pragma once

#include <optional>

#include "call/front.h"
#include "edge/topics/options.h"
#include "net/exchange.h"
#include "queue/api/messages.h"

namespace parley::edge {

class TopicsEdge : public net::ExchangeHandler {
 public:
  // `user` has the contract that knows the events' types; `api` answers parley.Topics. Both outlive the edge.
  TopicsEdge(const Front& user, const Front& api, TopicsOptions options)
      : user_(user), api_(api), options_(std::move(options)) {}

  // A path below /topics/ that is no rpc's of the user's contract: what was there before stays.
  bool takes(const net::RequestHead& request) const;
  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  Task<void> publish(net::ServerExchange& exchange, std::string topic);
  Task<void> publish_one(net::ServerExchange& exchange, std::string topic, Bytes body);
  Task<void> publish_batch(net::ServerExchange& exchange, std::string topic, Bytes body);
  Task<std::optional<Bytes>> call(net::ServerExchange& exchange, std::string_view path, Bytes request);
  Task<void> read(net::ServerExchange& exchange, std::string topic);
  // Makes `from` the place that is the end of the topic now. False: it failed, and the exchange is answered.
  Task<bool> fix_latest(net::ServerExchange& exchange, std::string topic, queue::api::From& from);
  Result<void> set_up(Call& call, const net::ServerExchange& exchange) const;
  void answer_json(net::ServerExchange& exchange, int status, std::string_view type, std::string json,
                   const Fields& extra = {}) const;
  void refuse(net::ServerExchange& exchange, const Error& why, bool counted = true) const;

  const Front& user_;
  const Front& api_;
  TopicsOptions options_;
};

}  // namespace parley::edge
