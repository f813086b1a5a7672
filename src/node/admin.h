// Admin: the operators' port: /metrics, /healthz (the process lives), /readyz (it can serve). HTTP only, on the control
// shard.
#pragma once

#include <functional>
#include <string>

#include "net/exchange.h"

namespace parley::node {

struct AdminSource {
  // Prometheus text of all shards.
  std::function<Task<std::string>()> metrics;
  // "" when ready, else why not.
  std::function<std::string()> not_ready;
};

class Admin : public net::ExchangeHandler {
 public:
  explicit Admin(AdminSource source) : source_(std::move(source)) {}
  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  AdminSource source_;
};

}  // namespace parley::node
