#include "route/local/built_in_services.h"

#include <stdexcept>

#include "contract/load.h"
#include "route/local/reflection.h"

namespace parley::route {
namespace {

contract::ContractPtr load_built_in() {
  auto loaded = contract::load_built_in({"grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto",
                                         "grpc/reflection/v1alpha/reflection.proto"});
  if (!loaded.contract) throw std::logic_error("the built-in contract: " + loaded.diagnostics.front().text());
  return loaded.contract;
}

}  // namespace

const contract::ContractPtr& BuiltInServices::built_in_contract() {
  static const contract::ContractPtr contract = load_built_in();
  return contract;
}

BuiltInServices::BuiltInServices(const Front& user, Readiness& readiness)
    : user_(user), contract_(built_in_contract()), handlers_(contract_->method_count()) {
  add_health(route_, readiness);
  add_reflection(route_, [this] {
    std::vector<contract::ContractPtr> all = {user_.contract(), contract_};
    all.insert(all.end(), others_.begin(), others_.end());
    return all;
  });
  wrap([](const contract::Method&, HandlerPtr handler) { return handler; });
}

void BuiltInServices::wrap(const std::function<HandlerPtr(const contract::Method&, HandlerPtr)>& filter) {
  for (const contract::Service& service : contract_->services()) {
    for (const contract::Method& method : service.methods)
      handlers_[method.index] = filter(method, route_.find(method.path));
  }
}

bool BuiltInServices::takes(std::string_view path) const {
  // Almost every path differs here, before any look-up.
  return path.starts_with("/grpc.") && contract_->find(path) != nullptr && user_.contract()->find(path) == nullptr;
}

std::optional<bool> ContractReadiness::is_ready(std::string_view service) const {
  if (service.empty() || user_.contract()->find_service(service) != nullptr) return !draining_;
  if (BuiltInServices::built_in_contract()->find_service(service) != nullptr) return !draining_;
  return std::nullopt;
}

std::vector<std::string> ContractReadiness::services() const {
  std::vector<std::string> names;
  for (const contract::Service& service : user_.contract()->services()) names.push_back(service.name);
  return names;
}

void ContractReadiness::drain() {
  draining_ = true;
  changed().notify();
}

}  // namespace parley::route
