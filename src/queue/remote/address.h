// Where the other node is, as `messages` of parley.yaml writes it: parley://HOST:PORT[,HOST:PORT…], with TLS
// parleys://HOST:PORT[?ca=FILE&cert=FILE&key=FILE].
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/client_pool.h"

namespace parley::queue::remote {

struct Address {
  std::string text;                  // "10.0.0.1:8080", for messages
  std::vector<net::Origin> origins;  // never empty
};

// `folder`: where relative files start. Errors: invalid_argument with what is wrong and what would be right.
Result<Address> parse_address(std::string_view text, const std::filesystem::path& folder);

}  // namespace parley::queue::remote
