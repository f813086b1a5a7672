#include "node/pull_api.h"

namespace parley::node {
namespace {

// /openapi.json and its like are about the user's contract.
EdgeOptions pull_edge_options(const Config& config) {
  EdgeOptions options = edge_options(config);
  options.rest.documents = false;
  return options;
}

}  // namespace

// The configuration was checked when it was read.
PullApi::PullApi(const Front& user, queue::Broker& broker, queue::Backend& backend, const WallClock& clock,
                 const Config& config, const Filter& filter)
    : door_(clock),
      services_(user, broker, backend, door_, route::pull_api_from(config.pull_api).value()),
      edges_(services_, pull_edge_options(config)),
      topics_(user, services_, edge_options(config).topics) {
  services_.wrap(filter);
}

Task<void> PullApi::serve(net::ServerExchange& exchange) {
  if (topics_.takes(exchange.request())) return topics_.serve(exchange);
  return edges_.serve(exchange);
}

}  // namespace parley::node
