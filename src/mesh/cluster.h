// Cluster: a named service and the places where it runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "loop/task.h"
#include "mesh/address.h"
#include "net/client_pool.h"
#include "net/exchange.h"

namespace parley::mesh {

// One a service and shard, used on that shard only; its pool outlives it. Requests are spread over the origins in turn;
// one that cannot be reached is passed over while another can.
class Cluster {
 public:
  Cluster(std::string name, ClusterConfig config, net::ClientPool& pool);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const std::string& name() const { return name_; }
  const ClusterConfig& config() const { return config_; }

  // Opens an exchange at the next origin that can be reached; each is tried at most once. An empty `scheme` or
  // `authority` of `head` is filled in for the origin. `head` is only read, and may go once the exchange is there.
  // Errors: those of ClientPool::open, the last origin's, with the service's name before it; cancelled by `cancel`,
  // which may be null.
  Task<Result<std::unique_ptr<net::ClientExchange>>> open(const net::RequestHead& head, bool has_body,
                                                          Deadline deadline, net::OpenCancel* cancel = nullptr);
  // The same without a coroutine where a connection has room; null where `open` would have to wait.
  std::unique_ptr<net::ClientExchange> try_open(const net::RequestHead& head, bool has_body);

 private:
  std::size_t take_turn();

  std::string name_;
  ClusterConfig config_;
  std::vector<net::ClientOrigin*> origins_;
  std::size_t next_ = 0;
};

}  // namespace parley::mesh
