// BuiltInServices: Parley's own rpcs (health and reflection) as a front of their own, beside the user's. The node gives
// a request whose path `takes` says yes to edges over this front. A contract that declares one of these services itself
// answers it: then it is the user's.
//
// One a shard.
#pragma once

#include <functional>

#include "call/front.h"
#include "route/local/health.h"
#include "route/local/local_route.h"

namespace parley::route {

class BuiltInServices : public Front {
 public:
  // `user` and `readiness` outlive it.
  BuiltInServices(const Front& user, Readiness& readiness);

  bool takes(std::string_view path) const;

  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method& method) const override { return handlers_[method.index]; }
  void refused(const RefusedRequest& request) const override { user_.refused(request); }

  // Puts filters around every handler: telemetry, say. Once, before serving.
  void wrap(const std::function<HandlerPtr(const contract::Method&, HandlerPtr)>& filter);

  // Reflection tells of this contract too: of services beside the user's and these.
  void also_tell_of(contract::ContractPtr other) { others_.push_back(std::move(other)); }

  // health.proto and reflection.proto, compiled from the texts within the program. Made once a process, by whichever
  // thread comes first. Throws std::logic_error if they do not compile: the program was built wrong.
  static const contract::ContractPtr& built_in_contract();

 private:
  const Front& user_;
  contract::ContractPtr contract_;
  std::vector<contract::ContractPtr> others_;
  LocalRoute route_;
  std::vector<HandlerPtr> handlers_;  // by Method::index
};

// Ready is every service of the user's contract, until the node says that it drains.
class ContractReadiness : public Readiness {
 public:
  explicit ContractReadiness(const Front& user) : user_(user) {}
  std::optional<bool> is_ready(std::string_view service) const override;
  std::vector<std::string> services() const override;
  bool is_draining() const override { return draining_; }
  void drain();

 private:
  const Front& user_;
  bool draining_ = false;
};

}  // namespace parley::route
