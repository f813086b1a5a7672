// QueueMetrics: what /metrics says of queues and topics: deliveries as the shards counted them, depths as the backend
// says.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/wall_time.h"
#include "edge/deliveries/intake.h"
#include "filter/metrics.h"
#include "node/queue_stats.h"

namespace parley::node {

class QueueMetrics {
 public:
  // One shard's.
  void add(const std::vector<edge::deliveries::IntakeMetrics>& deliveries, const std::vector<SourceStats>& stats);
  void put(WallTime now, std::vector<filter::Sample>& samples) const;

 private:
  std::map<std::pair<std::string, std::string>, edge::deliveries::IntakeMetrics> deliveries_;  // by name and group
  std::vector<SourceStats> stats_;
};

// How it stands with the disk under the embedded store.
void put_store(const queue::StoreState& state, std::vector<filter::Sample>& samples);

}  // namespace parley::node
