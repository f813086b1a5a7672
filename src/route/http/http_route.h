// HttpRoute: answers calls by an HTTP/JSON service that knows nothing of Protobuf, called by its google.api.http rules.
#pragma once

#include <cstddef>
#include <memory>

#include "call/handler.h"
#include "mesh/cluster.h"

namespace parley::route {

struct HttpRouteLimits {
  std::size_t message_bytes = std::size_t{16} << 20;  // of one reply message's JSON
  // How often a call may be sent in all: again only where it is known that nothing was processed.
  int attempts = 3;
};

// One a service and shard, where its cluster lives. Client streams are sent as NDJSON; server streams are read as
// NDJSON, JSON arrays or server-sent events.
class HttpRoute final : public Handler {
 public:
  explicit HttpRoute(std::shared_ptr<mesh::Cluster> cluster, HttpRouteLimits limits = {})
      : cluster_(std::move(cluster)), limits_(limits) {}
  // Errors: what the upstream's status and body say (http_error.h); those of Cluster::open; those of http_request.h;
  // `internal` for an answer that is not what the contract says, with the upstream to blame.
  Task<Result<void>> handle(Call& call) override;

 private:
  Task<Result<void>> handle_one_request(Call& call);
  Task<Result<void>> handle_request_stream(Call& call);

  const std::shared_ptr<mesh::Cluster> cluster_;
  const HttpRouteLimits limits_;
};

}  // namespace parley::route
