// WebSocketEdge: an rpc over a WebSocket at /ws/package.Service/Method (docs/formats/websocket.md). One a shard;
// `serve` runs once a socket.
#pragma once

#include "call/front.h"
#include "edge/websocket/options.h"
#include "edge/websocket/shared_streams.h"
#include "net/exchange.h"

namespace parley::edge {

class WebSocketEdge : public net::ExchangeHandler {
 public:
  // `front` outlives the edge.
  WebSocketEdge(const Front& front, WebSocketOptions options)
      : front_(front), options_(std::move(options)), shared_(options_.streams) {}

  // The address is one of this edge's, whatever is asked for there.
  static bool takes(const net::RequestHead& request) { return request.path().starts_with("/ws/"); }
  Task<void> serve(net::ServerExchange& exchange) override;
  // Ends the shared streams; after it the edge may be destroyed. Call it when the exchanges have ended.
  Task<void> drain() { return shared_.drain(); }

 private:
  const Front& front_;
  WebSocketOptions options_;
  websocket::SharedStreams shared_;
};

}  // namespace parley::edge
