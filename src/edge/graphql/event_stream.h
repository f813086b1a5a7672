// EventStream: responses as server-sent events (graphql-sse, PROTOCOL.md, "Distinct connections mode"): `next` with a
// response each, then `complete`. A comment now and then keeps a silent stream alive through proxies.
#pragma once

#include "edge/graphql/engine.h"
#include "edge/graphql/http_reply.h"
#include "loop/timer.h"

namespace parley::edge::graphql {

class EventStream final : public ResultSink {
 public:
  // Sends the head. Both outlive the stream.
  EventStream(net::ServerExchange& exchange, const GraphqlOptions& options);

  Task<bool> next(std::string response) override;
  // Any event. `data` is read before the first suspension. False: nobody listens any more.
  Task<bool> send(std::string_view type, std::string_view data);
  // The end of the body.
  Task<void> complete();
  // The same without saying that all has come.
  void close();

 private:
  void tick();
  void arm();

  net::ServerExchange& exchange_;
  const GraphqlOptions& options_;
  Timer heartbeat_;
};

}  // namespace parley::edge::graphql
