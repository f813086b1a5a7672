// The services of the configuration as places to call, and what they say of themselves by gRPC reflection.
#pragma once

#include <string>

#include "loop/shard.h"
#include "mesh/address.h"
#include "node/config.h"
#include "route/grpc/reflection_client.h"

namespace parley::node {

// "parley.yaml:7: service 'orders'", for messages.
std::string where(const Config& config, const ServiceConfig& service);

// Errors: invalid_argument for an `at` that cannot be read.
Result<mesh::ClusterConfig> cluster_of(const Config& config, const ServiceConfig& service);

// How long services are asked that do not answer yet, since they may just be starting.
struct Patience {
  Duration others = std::chrono::seconds(10);
  Duration own = std::chrono::seconds(10);  // those with `run`
  const bool* stopping = nullptr;           // nobody wants to know any more; null: somebody always does
};

// Asks a service by gRPC reflection, again and again while it is only starting. `with_files`: for the contract too.
// Errors: as of route::reflect_services, with the place in the configuration.
Task<Result<route::Reflected>> reflect(Shard& control, const Config& config, const ServiceConfig& service,
                                       bool with_files, Patience patience);

}  // namespace parley::node
