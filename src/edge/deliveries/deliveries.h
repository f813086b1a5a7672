// Deliveries: the edge that messages come in by. Nobody calls it: it takes messages from the queues and topics of the
// contract, and calls the rpcs that are to carry them out (docs/formats/delivery.md).
//
// One a shard. Of what a source may have in flight over the node, each shard takes its share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "call/front.h"
#include "edge/deliveries/intake.h"
#include "edge/deliveries/options.h"
#include "queue/broker.h"

namespace parley::edge {

class Deliveries {
 public:
  // `shard` and `broker` outlive it. Destroyed after `drain`.
  Deliveries(Shard& shard, queue::Broker& broker, DeliveryEdgeOptions options);
  ~Deliveries();

  // Delivers what the front's contract says, to whom the front says (`Front::receiver`). What is under way is finished
  // as it began.
  void apply(const Front& front);

  // Takes nothing more; handlers may finish until `by`; the rest is released, which counts as no attempt. A broker that
  // does not take that within a second is closed.
  Task<void> drain(Deadline by);

  // Of every source that there was: counters do not fall.
  std::vector<deliveries::IntakeMetrics> metrics() const;

 private:
  using Key = std::pair<std::string, std::string>;  // name and group
  using Wanted = std::map<Key, deliveries::IntakeConfig>;
  Wanted wanted(const Front& front) const;
  void open(const Key& key, deliveries::IntakeConfig config);

  Shard& shard_;
  queue::Broker& broker_;
  const DeliveryEdgeOptions options_;
  std::map<Key, std::unique_ptr<deliveries::IntakeMetrics>> metrics_;
  std::map<Key, std::unique_ptr<deliveries::Intake>> intakes_;
  std::vector<std::unique_ptr<deliveries::Intake>> retired_;  // stopped; some have something in flight
};

}  // namespace parley::edge
