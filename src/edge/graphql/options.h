#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/deadline.h"
#include "net/cors.h"
#include "net/websocket.h"

namespace parley::edge {

namespace graphql {
class StreamRegistry;
}

struct GraphqlOptions {
  bool enabled = true;
  std::string path = "/graphql";
  bool introspection = true;
  bool page = true;  // answers a browser's GET with a page to try operations in

  std::size_t max_message = std::size_t{4} << 20;  // bytes of a request's body, decompressed; 413 beyond
  // Of one rpc's arguments as JSON. What a request holds once is never above it, whatever has to be escaped.
  std::size_t most_arguments() const { return 2 * max_message; }
  std::size_t compress_from = 1024;               // smaller responses are not compressed
  Duration heartbeat = std::chrono::seconds(12);  // between comments of a silent event stream
  std::shared_ptr<const net::Cors> cors{};        // null: none

  // graphql-sse's single connection mode; shared by the shards. Null: not offered.
  std::shared_ptr<graphql::StreamRegistry> streams{};

  // graphql-transport-ws.
  net::WebSocketOptions socket{};
  Duration init_timeout = std::chrono::seconds(5);  // until the client's connection_init
  std::size_t socket_operations = 100;              // at once on one socket

  // Of one operation.
  struct {
    std::uint32_t tokens = 15'000;
    std::uint32_t depth = 20;  // of fields inside one another
    std::uint32_t aliases = 100;
    std::uint64_t complexity = 100'000;  // fields, those below a list counted once an item that may come
    std::size_t response_bytes = std::size_t{16} << 20;
    std::uint32_t upstream_calls = 200;
  } limits;

  std::size_t plan_cache_bytes = std::size_t{16} << 20;  // a shard
  std::size_t apq_cache_bytes = std::size_t{4} << 20;    // a shard; 0: no automatic persisted queries
  std::filesystem::path persisted;                       // a folder of documents; empty: none
  bool persisted_only = false;                           // refuse any other document
};

}  // namespace parley::edge
