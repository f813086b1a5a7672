#include "node/upstreams.h"

#include "base/log.h"
#include "net/client_pool.h"

namespace parley::node {
namespace {

constexpr Duration one_question = std::chrono::seconds(10);
constexpr Duration pause = std::chrono::milliseconds(100);

Task<Result<route::Reflected>> ask(mesh::Cluster& cluster, bool with_files, Deadline deadline) {
  if (with_files) co_return co_await route::reflect_contract(cluster, deadline);
  auto services = co_await route::reflect_services(cluster, deadline);
  if (!services) co_return fail(std::move(services).error());
  co_return route::Reflected{.services = std::move(*services), .files = {}};
}

}  // namespace

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

Task<Result<route::Reflected>> reflect(Shard& control, const Config& config, const ServiceConfig& service,
                                       bool with_files, Patience patience) {
  auto places = cluster_of(config, service);
  if (!places) co_return fail(std::move(places).error());
  net::ClientPool pool(control, {});
  mesh::Cluster cluster(service.name, std::move(*places), pool);
  const Instant began = control.now();
  bool told = false;
  const Deadline deadline = Deadline::after(began, service.run.empty() ? patience.others : patience.own);
  for (;;) {
    auto answer = co_await ask(cluster, with_files, Deadline::after(control.now(), one_question));
    if (answer) co_return answer;
    const bool starts = answer.error().code() == Code::unavailable || answer.error().code() == Code::deadline_exceeded;
    const bool wanted = patience.stopping == nullptr || !*patience.stopping;
    if (!starts || !wanted || deadline.passed(control.now() + pause)) {
      co_return fail(std::move(answer).error().during(where(config, service) + ", asked by gRPC reflection"));
    }
    if (!told && control.now() - began > one_question) {
      told = true;
      log::info("waiting for gRPC reflection: {}", answer.error().message());
    }
    co_await control.sleep(pause);
  }
}

}  // namespace parley::node
