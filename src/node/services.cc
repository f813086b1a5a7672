#include "node/services.h"

#include <algorithm>

#include "base/nearest.h"
#include "node/upstreams.h"

namespace parley::node {
namespace {

using ServedMap = std::map<std::string, ServedBy, std::less<>>;

Result<void> add(ServedMap& served, const Config& config, const ServiceConfig& service, const std::string& name,
                 const mesh::ClusterConfig& cluster, const contract::Contract& contract) {
  if (contract.find_service(name) == nullptr) {
    std::vector<std::string_view> known;
    for (const contract::Service& s : contract.services()) known.push_back(s.name);
    std::string text = where(config, service) + " serves '" + name + "', which the contract does not have";
    if (const auto near = nearest(name, known)) text += " (did you mean '" + std::string(*near) + "'?)";
    return invalid(text);
  }
  const auto [at, is_new] = served.try_emplace(name, ServedBy{.name = service.name, .cluster = cluster});
  if (!is_new)
    return invalid(where(config, service) + " serves '" + name + "', and so does service '" + at->second.name + "'");
  return {};
}

}  // namespace

Task<Result<ServedMap>> resolve_services(Shard& control, const Config& config, const contract::Contract& contract,
                                         Patience patience) {
  ServedMap served;
  for (const auto& [key, service] : config.services) {
    auto cluster = cluster_of(config, service);
    if (!cluster) co_return fail(std::move(cluster).error());
    std::vector<std::string> names = service.serves;
    if (names.empty() && cluster->protocol == mesh::Protocol::http) {
      co_return invalid(where(config, service) + " needs 'serves': an HTTP service has no reflection to ask");
    }
    if (names.empty()) {
      auto reflected = co_await reflect(control, config, service, false, patience);
      if (!reflected) co_return fail(std::move(reflected).error());
      // Of what it serves, only what the contract has: reflection and health are its own affair.
      std::ranges::copy_if(reflected->services, std::back_inserter(names),
                           [&](const std::string& n) { return contract.find_service(n) != nullptr; });
    }
    for (const std::string& name : names) {
      if (auto added = add(served, config, service, name, *cluster, contract); !added)
        co_return fail(std::move(added).error());
    }
  }
  co_return served;
}

}  // namespace parley::node
