#include "node/tunnel_metrics.h"

#include <map>

namespace parley::node {

void put_tunnels(const std::vector<route::TunnelMetrics>& counted, std::vector<filter::Sample>& samples) {
  std::map<std::string, route::TunnelMetrics> sums;
  for (const route::TunnelMetrics& one : counted) {
    route::TunnelMetrics& sum = sums[one.tunnel];
    sum.open += one.open;
    for (const auto& [status, count] : one.handshakes) sum.handshakes[status] += count;
  }
  for (const auto& [tunnel, sum] : sums) {
    samples.push_back({"parley_tunnel_sockets",
                       "Open sockets of plain WebSocket services.",
                       static_cast<double>(sum.open),
                       {{"tunnel", tunnel}}});
  }
  for (const auto& [tunnel, sum] : sums) {
    for (const auto& [status, count] : sum.handshakes) {
      samples.push_back({"parley_tunnel_handshakes_total",
                         "Handshakes for plain WebSocket services, by the status of the answer.",
                         static_cast<double>(count),
                         {{"tunnel", tunnel}, {"status", std::to_string(status)}},
                         true});
    }
  }
}

}  // namespace parley::node
