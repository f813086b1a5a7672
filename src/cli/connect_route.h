// ConnectRoute: answers calls by the Connect protocol (connectrpc.com/docs/protocol): how `parley call --via connect`
// reaches a server. Unary rpcs and all streams, binary codec, uncompressed.
#pragma once

#include <memory>

#include "call/handler.h"
#include "mesh/cluster.h"

namespace parley::cli {

class ConnectRoute : public Handler {
 public:
  explicit ConnectRoute(std::shared_ptr<mesh::Cluster> cluster) : cluster_(std::move(cluster)) {}
  Task<Result<void>> handle(Call& call) override;

 private:
  Task<Result<void>> unary(Call& call);
  Task<Result<void>> stream(Call& call);

  std::shared_ptr<mesh::Cluster> cluster_;
};

}  // namespace parley::cli
