// RestEdge: HTTP/JSON by google.api.http rules (docs/formats/rest.md). One a shard; `serve` runs once an exchange.
#pragma once

#include <memory>

#include "call/front.h"
#include "edge/rest/documents.h"
#include "edge/rest/options.h"
#include "edge/rest/plan.h"
#include "net/exchange.h"

namespace parley::edge {

class RestEdge : public net::ExchangeHandler {
 public:
  // `front` outlives the edge.
  RestEdge(const Front& front, RestOptions options);
  ~RestEdge() override;

  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  const std::shared_ptr<rest::PlanSet>& plans();
  bool answer_options(net::ServerExchange& exchange, const contract::Contract& contract) const;
  void refuse(net::ServerExchange& exchange, const contract::Contract& contract, Error error) const;

  const Front& front_;
  RestOptions options_;
  rest::Documents documents_{options_};
  std::shared_ptr<rest::PlanSet> plans_;  // of the contract in force when it was last looked at
};

}  // namespace parley::edge
