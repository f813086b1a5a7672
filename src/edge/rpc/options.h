#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "call/front.h"
#include "contract/transcode.h"
#include "net/cors.h"

namespace parley::edge {

// Of the gRPC, gRPC-Web and Connect edges.
struct RpcOptions {
  contract::JsonOptions json;  // of replies; of requests, fields the contract does not have are skipped
  std::size_t max_message = std::size_t{4}
                            << 20;  // bytes of one request message, as sent and decompressed; resource_exhausted beyond
  std::size_t compress_from = 1024;       // smaller replies are not compressed
  std::shared_ptr<const net::Cors> cors;  // null: none
};

// One of the edges, for what they share. What it refers to lives as long as the edge.
struct RpcEdge {
  std::string_view name;  // a literal: "grpc", …
  const Front& front;
  const RpcOptions& options;
};

}  // namespace parley::edge
