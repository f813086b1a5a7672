#include "net/client_pool.h"

#include <unordered_map>

#include <fmt/format.h>

#include "loop/shard.h"
#include "net/client_origin.h"

namespace parley::net {

std::string Origin::key() const {
  std::string out = fmt::format("{}:{}:{}:{}", host, port, tls ? 1 : 0, http2 ? 1 : 0);
  if (!tls) return out;
  const TlsClientConfig& t = tls_config;
  return out + fmt::format("\n{}\n{}\n{}\n{}\n{}", t.ca_file, t.cert_file, t.key_file, t.server_name, t.verify);
}

struct ClientPool::Rep {
  Rep(Shard& on, const PoolLimits& bounds)
      : shard(on),
        limits(bounds),
        resolver(on, bounds.dns_servers),
        context{.shard = on,
                .resolver = resolver,
                .tls = tls,
                .limits = {.header_bytes = bounds.header_bytes,
                           .idle_timeout = bounds.idle_timeout,
                           .ping_after = bounds.ping_after,
                           .ping_timeout = bounds.ping_timeout}} {}

  Shard& shard;
  const PoolLimits limits;
  Resolver resolver;
  TlsClientContexts tls;
  DialContext context;
  std::unordered_map<std::string, std::unique_ptr<ClientOrigin>> origins;
  bool draining = false;
};

ClientPool::ClientPool(Shard& shard, const PoolLimits& limits) : rep_(std::make_unique<Rep>(shard, limits)) {}
ClientPool::~ClientPool() = default;

ClientOrigin& ClientPool::at(const Origin& origin) {
  std::unique_ptr<ClientOrigin>& slot = rep_->origins[origin.key()];
  if (!slot) {
    slot = std::make_unique<ClientOrigin>(rep_->context, rep_->limits, origin);
    if (rep_->draining) slot->retire();
  }
  return *slot;
}

Task<Result<std::unique_ptr<ClientExchange>>> ClientPool::open(const Origin& origin, RequestHead head, bool has_body,
                                                               Deadline deadline) {
  co_return co_await at(origin).open(head, has_body, deadline);
}

Task<void> ClientPool::drain(Deadline deadline) {
  rep_->draining = true;
  for (auto& [key, origin] : rep_->origins) origin->retire();
  for (auto& [key, origin] : rep_->origins) {
    Timer late([](void* changed) { static_cast<Signal*>(changed)->notify(); }, &origin->changed());
    late.set(rep_->shard.timers(), deadline);
    while (origin->connection_count() > 0 && !deadline.passed(rep_->shard.now())) co_await origin->changed().wait();
    origin->abandon(
        Error(Code::unavailable, Blame::us, "the upstream's connections were drained").with_reason("drained"));
  }
}

}  // namespace parley::net
