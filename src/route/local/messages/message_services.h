// MessageServices: parley.Queues and parley.Topics as a front of their own, beside the user's. The node gives a request
// whose path `takes` says yes to edges over this front.
//
// One a shard.
#pragma once

#include <functional>

#include "call/front.h"
#include "route/local/local_route.h"
#include "route/local/messages/access.h"
#include "route/local/messages/messaging.h"

namespace parley::route {

class MessageServices : public Front {
 public:
  // All outlive it. `user` has the contract that declares the queues and topics.
  MessageServices(const Front& user, queue::Broker& broker, queue::Backend& backend, const Door& door, PullApi access);

  // "/parley.Queues/…", "/parley/queues/…", "/ws/parley.Topics/…". A user's contract has nothing there: the package
  // `parley` and paths below /parley/ are Parley's.
  static bool takes(std::string_view path);

  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method& method) const override { return handlers_[method.index]; }
  void refused(const RefusedRequest& request) const override { messaging_.user.refused(request); }

  // Puts filters around every handler: telemetry, say. Once, before serving.
  void wrap(const std::function<HandlerPtr(const contract::Method&, HandlerPtr)>& filter);
  // Answers the rpcs of the user's contract that Parley makes of its event types (contract/event_service.h).
  HandlerPtr event_streams() { return event_streams_; }

  // What waits for messages comes back empty-handed, soon.
  void drain() { messaging_.draining = true; }

  // What an edge for topics needs beside the rpcs.
  Messaging& messaging() { return messaging_; }

  // queues.proto and topics.proto, compiled from the texts within the program. Made once a process, by whichever thread
  // comes first. Throws std::logic_error if they do not compile: the program was built wrong.
  static const contract::ContractPtr& api_contract();

 private:
  contract::ContractPtr contract_;
  Messaging messaging_;
  LocalRoute route_;
  PullApi access_;
  HandlerPtr event_streams_;
  std::vector<HandlerPtr> handlers_;  // by Method::index
};

}  // namespace parley::route
