#pragma once

#include <cstdint>
#include <memory>

#include "base/deadline.h"
#include "net/cors.h"
#include "net/websocket.h"

namespace parley::edge {

namespace websocket {
class StreamDirectory;
}

// What happens when a client reads more slowly than its messages come.
enum class SlowPolicy : std::uint8_t { wait, drop_oldest, close };

struct WebSocketOptions {
  net::WebSocketOptions socket;
  std::shared_ptr<const net::Cors> cors;  // whose origins may connect besides our own; null: none
  // Where the node's shards find each other's shared streams; null: this shard has its own.
  std::shared_ptr<websocket::StreamDirectory> streams;
  SlowPolicy slow = SlowPolicy::wait;  // where the rpc does not say
  // How long a client may leave its buffer full under SlowPolicy::close.
  Duration slow_patience = std::chrono::seconds(5);
  // How long a stream may go on once the node drains.
  Duration drain_patience = std::chrono::seconds(3);
};

}  // namespace parley::edge
