// PullApi: what callers have of the node's queues and topics beside its rpcs: parley.Queues and parley.Topics over
// every edge, and CloudEvents at /topics/NAME. One a worker that has a broker.
#pragma once

#include <functional>

#include "edge/topics/topics_edge.h"
#include "node/dispatch.h"
#include "node/edge_options.h"
#include "route/local/messages/contract_door.h"
#include "route/local/messages/message_services.h"

namespace parley::node {

class PullApi : public MessageEdges {
 public:
  using Filter = std::function<HandlerPtr(const contract::Method&, HandlerPtr)>;
  // All outlive it.
  PullApi(const Front& user, queue::Broker& broker, queue::Backend& backend, const WallClock& clock,
          const Config& config, const Filter& filter);

  bool takes(const net::RequestHead& request) const override {
    return route::MessageServices::takes(request.path()) || topics_.takes(request);
  }
  Task<void> serve(net::ServerExchange& exchange) override;

  // Answers the rpcs that Parley makes of the user's event types.
  HandlerPtr event_streams() { return services_.event_streams(); }

  // What waits for messages ends soon.
  void stop_waiting() { services_.drain(); }
  // Ends what goes on without an exchange. Once there are none any more.
  Task<void> drain() { return edges_.drain(); }

 private:
  route::ContractDoor door_;
  route::MessageServices services_;
  Edges edges_;
  edge::TopicsEdge topics_;
};

}  // namespace parley::node
