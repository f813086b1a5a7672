// GrpcRoute: answers calls by a gRPC service, all four stream kinds by one path.
#pragma once

#include <cstddef>
#include <memory>

#include "call/handler.h"
#include "mesh/cluster.h"

namespace parley::route {

struct GrpcRouteLimits {
  std::size_t message_bytes = std::size_t{16} << 20;  // of one reply message, after decompression
  // How often a call may be sent in all. Again only where it is known that nothing was processed
  // (Error::is_safe_to_retry), and while all request messages so far are still held.
  int attempts = 3;
  std::size_t replay_bytes = 64 * 1024;  // of a client stream's first messages, held until the upstream answers
};

// One a service and shard, where its cluster lives.
class GrpcRoute final : public Handler {
 public:
  explicit GrpcRoute(std::shared_ptr<mesh::Cluster> cluster, GrpcRouteLimits limits = {})
      : cluster_(std::move(cluster)), limits_(limits) {}
  // Errors: the upstream's status; those of Cluster::open; edges.md's trap 2 for resets; `internal` for an answer that
  // breaks the protocol, `resource_exhausted` for one above the limits: always with the upstream to blame.
  Task<Result<void>> handle(Call& call) override;

 private:
  Task<Result<void>> handle_one_request(Call& call);
  Task<Result<void>> handle_request_stream(Call& call);

  const std::shared_ptr<mesh::Cluster> cluster_;
  const GrpcRouteLimits limits_;
};

}  // namespace parley::route
