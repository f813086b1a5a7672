// Addresses of services, as a configuration may have them.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mesh/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = parley::mesh::parse_addresses({reinterpret_cast<const char*>(data), size});
  if (!config) return 0;
  for (const parley::net::Origin& origin : config->origins) {
    if (origin.host.empty() || origin.port == 0) std::abort();
  }
  if (config->origins.empty() || config->base_path.ends_with('/')) std::abort();
  return 0;
}
