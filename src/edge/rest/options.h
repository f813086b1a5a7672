#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/deadline.h"
#include "contract/transcode.h"
#include "net/cors.h"
#include "net/exchange.h"

namespace parley::edge {

struct RestOptions {
  contract::JsonOptions json{};                    // of replies; requests are read strictly
  std::size_t max_message = std::size_t{4} << 20;  // bytes of one request message, decompressed; 413 beyond
  std::size_t compress_from = 1024;                // smaller unary answers are not compressed
  Duration peek = std::chrono::seconds(2);         // how long a stream's 200 waits for its first message
  Duration heartbeat = std::chrono::seconds(15);   // between comments of a silent event stream
  std::shared_ptr<const net::Cors> cors{};         // null: none
  bool documents = true;                           // answer /openapi.json and /docs where the contract does not
  // Is asked before a path that is nobody's is refused; true: it has answered.
  std::function<bool(net::ServerExchange&)> no_route{};
};

}  // namespace parley::edge
