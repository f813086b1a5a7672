// What the shards have counted of tunnels, as samples for Prometheus.
#pragma once

#include <vector>

#include "filter/metrics.h"
#include "route/tunnel/tunnel.h"

namespace parley::node {

// `counted`: of all shards, in any order.
void put_tunnels(const std::vector<route::TunnelMetrics>& counted, std::vector<filter::Sample>& samples);

}  // namespace parley::node
