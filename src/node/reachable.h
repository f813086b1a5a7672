// Whether a process of this machine listens: what readiness asks of the services that Parley runs itself.
#pragma once

#include "net/client_pool.h"

namespace parley::node {

// Tries to connect, for 100 ms at most. For addresses of this machine: it blocks.
bool accepts_connections(const net::Origin& origin);

}  // namespace parley::node
