#include "node/services.h"

#include <algorithm>

#include "base/text.h"
#include "net/client_pool.h"
#include "route/grpc/reflection_client.h"

namespace parley::node {
namespace {

using ServedMap = std::map<std::string, ServedBy, std::less<>>;

constexpr Duration reflection_patience = std::chrono::seconds(10);
constexpr Duration reflection_pause = std::chrono::milliseconds(100);

std::string where(const Config& config, const ServiceConfig& service) {
  return config.file.string() + ":" + std::to_string(service.line) + ": service '" + service.name + "'";
}

Result<mesh::ClusterConfig> cluster_of(const Config& config, const ServiceConfig& service) {
  auto cluster = mesh::parse_addresses(service.at);
  if (!cluster) return fail(std::move(cluster).error().during(where(config, service)));
  const auto path = [&](const std::string& file) { return file.empty() ? file : (config.folder / file).string(); };
  for (net::Origin& origin : cluster->origins) {
    origin.tls_config.ca_file = path(service.ca);
    origin.tls_config.cert_file = path(service.cert);
    origin.tls_config.key_file = path(service.key);
  }
  return cluster;
}

// Asks again while the service is only starting.
Task<Result<std::vector<std::string>>> ask(Shard& control, const Config& config, const ServiceConfig& service, const mesh::ClusterConfig& cluster) {
  net::ClientPool pool(control, {});
  mesh::Cluster asked(service.name, cluster, pool);
  const Deadline deadline = Deadline::after(control.now(), reflection_patience);
  for (;;) {
    auto names = co_await route::reflect_services(asked, deadline);
    if (names || names.error().code() != Code::unavailable || deadline.passed(control.now() + reflection_pause)) {
      if (!names) {
        co_return fail(std::move(names).error().during(where(config, service) + " has no 'serves', and gRPC reflection did not tell"));
      }
      co_return names;
    }
    co_await control.sleep(reflection_pause);
  }
}

Result<void> add(ServedMap& served, const Config& config, const ServiceConfig& service, const std::string& name, const mesh::ClusterConfig& cluster,
                 const contract::Contract& contract) {
  if (contract.find_service(name) == nullptr) {
    std::vector<std::string_view> known;
    for (const contract::Service& s : contract.services()) known.push_back(s.name);
    std::string text = where(config, service) + " serves '" + name + "', which the contract does not have";
    if (const auto near = nearest(name, known)) text += " (did you mean '" + std::string(*near) + "'?)";
    return invalid(text);
  }
  const auto [at, is_new] = served.try_emplace(name, ServedBy{.name = service.name, .cluster = cluster});
  if (!is_new) return invalid(where(config, service) + " serves '" + name + "', and so does service '" + at->second.name + "'");
  return {};
}

}  // namespace

Task<Result<ServedMap>> resolve_services(Shard& control, const Config& config, const contract::Contract& contract) {
  ServedMap served;
  for (const auto& [key, service] : config.services) {
    auto cluster = cluster_of(config, service);
    if (!cluster) co_return fail(std::move(cluster).error());
    std::vector<std::string> names = service.serves;
    if (names.empty() && cluster->protocol == mesh::Protocol::http) {
      co_return invalid(where(config, service) + " needs 'serves': an HTTP service has no reflection to ask");
    }
    if (names.empty()) {
      auto reflected = co_await ask(control, config, service, *cluster);
      if (!reflected) co_return fail(std::move(reflected).error());
      // Of what it serves, only what the contract has: reflection and health are its own affair.
      std::ranges::copy_if(*reflected, std::back_inserter(names), [&](const std::string& n) { return contract.find_service(n) != nullptr; });
    }
    for (const std::string& name : names) {
      if (auto added = add(served, config, service, name, *cluster, contract); !added) co_return fail(std::move(added).error());
    }
  }
  co_return served;
}

}  // namespace parley::node
