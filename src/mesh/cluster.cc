#include "mesh/cluster.h"

#include "net/client_origin.h"

namespace parley::mesh {

Cluster::Cluster(std::string name, ClusterConfig config, net::ClientPool& pool)
    : name_(std::move(name)), config_(std::move(config)) {
  for (const net::Origin& origin : config_.origins) origins_.push_back(&pool.at(origin));
}

std::size_t Cluster::take_turn() {
  const std::size_t turn = next_;
  next_ = (next_ + 1) % origins_.size();
  return turn;
}

std::unique_ptr<net::ClientExchange> Cluster::try_open(const net::RequestHead& head, bool has_body) {
  std::unique_ptr<net::ClientExchange> exchange = origins_[next_]->try_open(head, has_body);
  if (exchange) take_turn();
  return exchange;
}

Task<Result<std::unique_ptr<net::ClientExchange>>> Cluster::open(const net::RequestHead& head, bool has_body,
                                                                 Deadline deadline, net::OpenCancel* cancel) {
  const std::size_t first = take_turn();
  std::optional<Error> last;
  // First those that are not known to be down; then, if all are, the first one says why.
  for (std::size_t i = 0; i < origins_.size(); ++i) {
    net::ClientOrigin& origin = *origins_[(first + i) % origins_.size()];
    if (origins_.size() > 1 && origin.is_failing() && (i + 1 < origins_.size() || last)) continue;
    auto exchange = co_await origin.open(head, has_body, deadline, cancel);
    if (exchange) co_return exchange;
    last = std::move(exchange).error();
    if (!last->is_safe_to_retry() || last->code() == Code::deadline_exceeded) break;
  }
  co_return fail(std::move(*last).during(name_));
}

}  // namespace parley::mesh
