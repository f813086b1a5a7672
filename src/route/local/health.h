// grpc.health.v1.Health: Check, Watch and List over whatever knows which services are ready.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/signal.h"
#include "route/local/local_route.h"

namespace parley::route {

// Which services can be called at this moment. Used on one shard; outlives the route that asks it.
class Readiness {
 public:
  virtual ~Readiness() = default;
  // `service`: "package.Service", or "" for the server as a whole. Nothing: there is no such service.
  virtual std::optional<bool> is_ready(std::string_view service) const = 0;
  // Names of all services, without the whole.
  virtual std::vector<std::string> services() const = 0;
  // True once the server is about to stop: watchers are then told so, and their calls end, so that they move elsewhere.
  virtual bool is_draining() const { return false; }
  // Notified whenever one of the answers may have changed.
  Signal& changed() { return changed_; }

 private:
  Signal changed_;
};

// Registers the three rpcs.
void add_health(LocalRoute& route, Readiness& readiness);

// The messages of health.proto.
enum class ServingStatus : std::uint8_t { unknown = 0, serving = 1, not_serving = 2, service_unknown = 3 };

struct HealthCheckRequest {
  std::string service;
  static Result<HealthCheckRequest> from_wire(std::string_view wire);
  std::string to_wire() const;
};
struct HealthCheckResponse {
  ServingStatus status = ServingStatus::unknown;
  static Result<HealthCheckResponse> from_wire(std::string_view wire);
  std::string to_wire() const;
};
struct HealthListRequest {
  static Result<HealthListRequest> from_wire(std::string_view) { return HealthListRequest{}; }
  std::string to_wire() const { return {}; }
};
struct HealthListResponse {
  std::map<std::string, HealthCheckResponse> statuses;
  static Result<HealthListResponse> from_wire(std::string_view wire);
  std::string to_wire() const;
};

}  // namespace parley::route
