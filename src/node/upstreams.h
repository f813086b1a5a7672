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

// Asks a service by gRPC reflection, again and again for up to 10 s while it is only starting. `with_files`: for the
// contract too. Errors: as of route::reflect_services, with the place in the configuration.
Task<Result<route::Reflected>> reflect(Shard& control, const Config& config, const ServiceConfig& service,
                                       bool with_files);

}  // namespace parley::node
