// Where a service is, as `at:` of parley.yaml writes it: "grpc://10.0.0.1:7001,10.0.0.2:7001",
// "https://catalog.example/api".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/client_pool.h"

namespace parley::mesh {

enum class Protocol { grpc, http };

struct ClusterConfig {
  Protocol protocol = Protocol::grpc;
  std::vector<net::Origin> origins;  // never empty
  std::string base_path;             // http only: "/api", without a slash at its end; ""
};

// SCHEME://HOST[:PORT][,HOST[:PORT]…][/BASE]. Schemes: grpc, grpcs, http, https. HOST is a name, an IPv4 address or an
// IPv6 address in brackets. grpc and grpcs need a port; http has 80, https 443. Errors: invalid_argument with the text,
// what is wrong with it and what would be right.
Result<ClusterConfig> parse_addresses(std::string_view text);

}  // namespace parley::mesh
