// Tunnel: a plain WebSocket service behind Parley, which knows nothing of contracts. The handshake goes to the service
// with the client's headers, by the rules of all edges; once the service agrees, bytes go both ways, bounded and
// unlooked at. Over HTTP/2 (RFC 8441) as over HTTP/1.1; the service is asked by HTTP/1.1.
//
// One a shard.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mesh/cluster.h"
#include "net/exchange.h"

namespace parley::route {

class Tunnels : public net::ExchangeHandler {
 public:
  struct Target {
    std::string path;  // "/chat": this path, and what is below it
    std::shared_ptr<mesh::Cluster> cluster;
  };
  explicit Tunnels(std::vector<Target> targets);

  // A request for a WebSocket at one of the paths.
  bool takes(const net::RequestHead& request) const;
  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  const Target* find(const net::RequestHead& request) const;

  std::vector<Target> targets_;  // the longest path first
};

}  // namespace parley::route
