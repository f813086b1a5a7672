// Bounds of a command's connections. It asks one node, once: there is no other one to turn to, so that it waits for a
// busy one longer than a node waits for a service.
#pragma once

#include "net/client_pool.h"

namespace parley::cli {

inline net::PoolLimits patient_pool() {
  net::PoolLimits limits;
  limits.connect_timeout = std::chrono::seconds(15);
  return limits;
}

}  // namespace parley::cli
