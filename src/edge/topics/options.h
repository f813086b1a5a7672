#pragma once

#include <cstddef>
#include <memory>

#include "base/deadline.h"
#include "net/cors.h"

namespace parley::edge {

struct TopicsOptions {
  std::size_t max_message = std::size_t{4} << 20;  // bytes of a request's body, decompressed; 413 beyond
  Duration heartbeat = std::chrono::seconds(15);   // between comments of a silent event stream
  std::shared_ptr<const net::Cors> cors{};         // null: none
};

}  // namespace parley::edge
