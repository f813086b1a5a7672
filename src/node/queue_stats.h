// QueueStats: how many messages are where, for /metrics. One shard asks for the node: the numbers are the backend's.
#pragma once

#include <optional>
#include <vector>

#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task_group.h"
#include "queue/broker.h"

namespace parley::node {

struct SourceStats {
  queue::Source source;
  queue::Stats stats;
};

class QueueStats {
 public:
  // Both outlive it. Destroyed after `join`.
  QueueStats(Shard& shard, queue::Broker& broker) : shard_(shard), broker_(broker) {}

  // Asks the broker, unless that was done within the last two seconds. A broker that takes more than a second is not
  // waited for: what it said last stands. Sources that it cannot tell of are left out.
  Task<std::vector<SourceStats>> get(std::vector<queue::Source> sources);
  Task<void> join() { return tasks_.join(); }

 private:
  Task<void> ask(std::vector<queue::Source> sources);

  Shard& shard_;
  queue::Broker& broker_;
  std::vector<SourceStats> last_;
  std::optional<Instant> asked_;
  bool asking_ = false;
  Signal changed_;
  TaskGroup tasks_;
};

}  // namespace parley::node
