// Tunnel: a plain WebSocket service behind Parley, which knows nothing of contracts. The handshake goes to the service
// with the client's headers, by the rules of all edges; once the service agrees, bytes go both ways, bounded and
// unlooked at. Over HTTP/2 (RFC 8441) as over HTTP/1.1; the service is asked by HTTP/1.1.
//
// One a shard.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mesh/cluster.h"
#include "net/exchange.h"

namespace parley::route {

// What one shard has counted of a tunnel, written only there.
struct TunnelMetrics {
  std::string tunnel;                         // its name in parley.yaml
  std::int64_t open = 0;                      // sockets
  std::map<int, std::uint64_t> handshakes{};  // by the status that the client got; 101: a socket
};

class Tunnels : public net::ExchangeHandler {
 public:
  struct Target {
    std::string path;  // "/chat": this path, and what is below it
    std::shared_ptr<mesh::Cluster> cluster;
    TunnelMetrics metrics{};
  };
  explicit Tunnels(std::vector<Target> targets);

  // A request for a WebSocket at one of the paths.
  bool takes(const net::RequestHead& request) const;
  Task<void> serve(net::ServerExchange& exchange) override;
  std::vector<TunnelMetrics> metrics() const;

 private:
  const Target* find(const net::RequestHead& request) const;
  // Asks the service. Null: the client has got its answer, or is gone.
  static Task<std::unique_ptr<net::ClientExchange>> open(net::ServerExchange& exchange, Target& target);

  std::vector<Target> targets_;  // the longest path first
};

}  // namespace parley::route
