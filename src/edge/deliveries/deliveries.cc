#include "edge/deliveries/deliveries.h"

#include <functional>
#include <set>

#include "base/log.h"
#include "queue/declarations_of.h"

namespace parley::edge {
namespace {

constexpr Duration give_back_time = std::chrono::seconds(1);

}  // namespace

using deliveries::Intake;
using deliveries::IntakeConfig;
using deliveries::IntakeMetrics;
using deliveries::Receiver;

Deliveries::Deliveries(Shard& shard, queue::Broker& broker, DeliveryEdgeOptions options)
    : shard_(shard), broker_(broker), options_(options) {}
Deliveries::~Deliveries() = default;

Deliveries::Wanted Deliveries::wanted(const Front& front) const {
  Wanted all;
  std::set<Key> not_here;  // some rpc of the group is served elsewhere: whoever serves all takes its events
  const contract::ContractPtr contract = front.contract();
  for (const contract::Service& service : contract->services()) {
    for (const contract::Method& method : service.methods) {
      if (!method.queue && !method.subscribe) continue;
      const Key key =
          method.queue ? Key(queue::queue_name(method), "") : Key(method.subscribe->topic, method.subscribe->group);
      HandlerPtr handler = front.receiver(method);
      if (handler == nullptr) {
        not_here.insert(key);
        continue;
      }
      const contract::DeliveryOptions& options = method.queue ? method.queue->delivery : method.subscribe->delivery;
      IntakeConfig& config = all[key];
      config.source = {.name = key.first, .group = key.second};
      config.lease = options.lease;
      config.in_flight = share_of(options.in_flight, options_.shard, options_.shards,
                                  std::hash<std::string>()(key.first + '\n' + key.second));
      config.receivers.push_back(std::make_shared<const Receiver>(Receiver{.contract = contract,
                                                                           .method = &method,
                                                                           .handler = std::move(handler),
                                                                           .retry = queue::retry_policy(options.retry),
                                                                           .timeout = options.timeout}));
    }
  }
  for (const Key& key : not_here) {
    if (all.erase(key) > 0 && options_.shard == 0)
      log::warn("topic {}: group {} is not delivered to: this node does not serve all of its rpcs", key.first,
                key.second);
  }
  std::erase_if(all, [](const auto& one) { return one.second.in_flight == 0; });
  return all;
}

void Deliveries::open(const Key& key, IntakeConfig config) {
  auto& metrics = metrics_[key];
  if (metrics == nullptr) {
    metrics = std::make_unique<IntakeMetrics>();
    metrics->source = config.source;
  }
  auto& intake = intakes_[key];
  intake = std::make_unique<Intake>(shard_, broker_, std::move(config), options_, *metrics);
  intake->start();
}

void Deliveries::apply(const Front& front) {
  Wanted all = wanted(front);
  std::erase_if(retired_, [](const auto& intake) { return intake->is_idle(); });
  for (auto at = intakes_.begin(); at != intakes_.end();) {
    const auto next = std::next(at);
    if (const auto config = all.find(at->first); config != all.end()) {
      at->second->update(std::move(config->second));
      all.erase(config);
    } else {
      at->second->stop();
      retired_.push_back(std::move(at->second));
      intakes_.erase(at);
    }
    at = next;
  }
  for (auto& [key, config] : all) open(key, std::move(config));
}

Task<void> Deliveries::drain(Deadline by) {
  for (auto& [key, intake] : intakes_) retired_.push_back(std::move(intake));
  intakes_.clear();
  for (const auto& intake : retired_) intake->stop();
  broker_.stop_leasing();
  TaskGroup ends;
  for (const auto& intake : retired_) ends.spawn(intake->ended());
  Timer late([](void* group) { static_cast<TaskGroup*>(group)->changed().notify(); }, &ends);
  late.set(shard_.timers(), by);
  while (ends.live() > 0 && !by.passed(shard_.now())) co_await ends.changed().wait();
  if (ends.live() > 0) {
    for (const auto& intake : retired_) intake->give_back();
    const Deadline given_back = Deadline::after(shard_.now(), give_back_time);
    late.set(shard_.timers(), given_back);
    while (ends.live() > 0 && !given_back.passed(shard_.now())) co_await ends.changed().wait();
    if (ends.live() > 0) {
      // Its servers are away or hang, and it would wait for them. What it was not told ends with the leases.
      log::warn("stopping: the backend of the messages does not answer");
      co_await broker_.close();
    }
    co_await ends.join();
  }
  retired_.clear();
}

std::vector<IntakeMetrics> Deliveries::metrics() const {
  std::vector<IntakeMetrics> all;
  all.reserve(metrics_.size());
  for (const auto& [key, metrics] : metrics_) all.push_back(*metrics);
  return all;
}

}  // namespace parley::edge
