// WebSocketRoute: answers calls over Parley's WebSocket protocol (docs/formats/websocket.md, parley.json.v1): how
// `parley call --via ws` reaches a node, in the frames that a page would send. All four stream kinds.
#pragma once

#include <memory>

#include "call/handler.h"
#include "mesh/cluster.h"

namespace parley::cli {

class WebSocketRoute : public Handler {
 public:
  explicit WebSocketRoute(std::shared_ptr<mesh::Cluster> cluster) : cluster_(std::move(cluster)) {}
  Task<Result<void>> handle(Call& call) override;

 private:
  std::shared_ptr<mesh::Cluster> cluster_;
};

}  // namespace parley::cli
