// Worker: one shard that serves, and its thread. Everything in it lives and dies on that thread; the control shard
// talks to it by posting.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "edge/deliveries/deliveries.h"
#include "filter/access_log.h"
#include "filter/metrics.h"
#include "net/server.h"
#include "node/queue_stats.h"
#include "node/snapshot.h"
#include "route/tunnel/tunnel.h"

namespace parley::node {

class Worker {
 public:
  struct Setup {
    int index = 0;
    int count = 1;  // of all workers
    SnapshotPtr snapshot;
    net::ListenConfig listen;
    filter::AccessLog::Lane* access = nullptr;
  };

  // Starts the thread and waits until it listens. Errors: as of Server::listen.
  static Result<std::unique_ptr<Worker>> start(Setup setup);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  // stops at once what still runs

  std::uint16_t port() const { return port_; }
  // From the control shard, `control`. New calls see the snapshot; calls in flight finish on the old one.
  void apply(SnapshotPtr snapshot);
  struct Numbers {
    std::vector<filter::CallMetrics> calls;
    std::size_t connections = 0;
    std::vector<edge::deliveries::IntakeMetrics> deliveries;
    std::vector<SourceStats> queues;  // the first worker's: they are the node's
    std::vector<route::TunnelMetrics> tunnels;
  };
  // `done(numbers)` runs on `control`.
  void copy_metrics(Shard& control, std::function<void(Numbers)> done);
  // Drains, ends the loop; `done()` runs on `control`.
  void drain(Shard& control, Duration patience, std::function<void()> done);

 private:
  struct Inside;  // wiring.cc: what lives on the shard
  Worker() = default;

  std::uint16_t port_ = 0;
  Inside* inside_ = nullptr;  // lives on the thread's stack
  std::thread thread_;
};

}  // namespace parley::node
