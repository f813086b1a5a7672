// Asking an upstream by gRPC reflection what it serves, and for the contract: grpc.reflection.v1, or v1alpha where that
// is missing.
#pragma once

#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "loop/task.h"
#include "mesh/cluster.h"

namespace parley::route {

struct Reflected {
  std::vector<std::string> services;  // full names, as the upstream lists them; reflection's own included
  // Serialized FileDescriptorProtos of these services and all they import, each once, in no order: for
  // contract::load_descriptors.
  std::vector<std::string> files;
};

// Errors: unimplemented where the upstream has no reflection; those of Cluster::open; internal for malformed answers;
// deadline_exceeded.
Task<Result<std::vector<std::string>>> reflect_services(mesh::Cluster& cluster, Deadline deadline);
// The same, with the files. Services named grpc.* have none fetched.
Task<Result<Reflected>> reflect_contract(mesh::Cluster& cluster, Deadline deadline);

}  // namespace parley::route
