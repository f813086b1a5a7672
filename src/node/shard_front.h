// ShardFront: the contract in force on one shard and who answers each of its methods. Swapped as a whole by a reload.
#pragma once

#include <functional>
#include <vector>

#include "call/front.h"

namespace parley::node {

// Makes the handler of a method, filters included.
using HandlerMaker = std::function<HandlerPtr(const contract::Method&)>;

class ShardFront : public Front {
 public:
  explicit ShardFront(std::function<void(const RefusedRequest&)> on_refused) : on_refused_(std::move(on_refused)) {}

  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method& method) const override { return handlers_[method.index]; }
  HandlerPtr receiver(const contract::Method& method) const override { return receivers_[method.index]; }
  void refused(const RefusedRequest& request) const override { on_refused_(request); }

  // `make_receiver`: of methods that messages are delivered to; null for the others, and for those nobody here serves.
  void swap(contract::ContractPtr contract, const HandlerMaker& make, const HandlerMaker& make_receiver) {
    std::vector<HandlerPtr> handlers(contract->method_count());
    std::vector<HandlerPtr> receivers(contract->method_count());
    const auto add = [&](const contract::Service& service) {
      for (const contract::Method& method : service.methods) {
        handlers[method.index] = make(method);
        receivers[method.index] = make_receiver(method);
      }
    };
    for (const contract::Service& service : contract->services()) add(service);
    for (const contract::Service& service : contract->event_services()) add(service);
    contract_ = std::move(contract);
    handlers_ = std::move(handlers);
    receivers_ = std::move(receivers);
  }

 private:
  const std::function<void(const RefusedRequest&)> on_refused_;
  contract::ContractPtr contract_;
  std::vector<HandlerPtr> handlers_;  // by Method::index
  std::vector<HandlerPtr> receivers_;
};

// Answers every call with one error: methods that nobody serves, or whose way of talking is not there yet.
class Refusal : public Handler {
 public:
  explicit Refusal(Error why) : why_(std::move(why)) {}
  Task<Result<void>> handle(Call&) override { co_return fail(why_); }

 private:
  Error why_;
};

}  // namespace parley::node
