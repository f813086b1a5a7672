#include "node/queue_stats.h"

#include "loop/timer.h"

namespace parley::node {
namespace {

constexpr Duration fresh = std::chrono::seconds(2);
constexpr Duration patience = std::chrono::seconds(1);

}  // namespace

Task<void> QueueStats::ask(std::vector<queue::Source> sources) {
  std::vector<SourceStats> all;
  for (queue::Source& source : sources) {
    auto stats = co_await broker_.stats(source);
    if (stats) all.push_back({std::move(source), *std::move(stats)});
  }
  last_ = std::move(all);
  asking_ = false;
  changed_.notify();
}

Task<std::vector<SourceStats>> QueueStats::get(std::vector<queue::Source> sources) {
  if (!asking_ && (!asked_ || shard_.now() - *asked_ >= fresh)) {
    asking_ = true;
    asked_ = shard_.now();
    tasks_.spawn(ask(std::move(sources)));
  }
  Timer late([](void* self) { static_cast<QueueStats*>(self)->changed_.notify(); }, this);
  const Deadline end = Deadline::after(shard_.now(), patience);
  late.set(shard_.timers(), end);
  while (asking_ && !end.passed(shard_.now())) co_await changed_.wait();
  co_return last_;
}

}  // namespace parley::node
