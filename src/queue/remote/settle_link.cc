#include "queue/remote/settle_link.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace parley::queue::remote {
namespace {

constexpr Duration patience = std::chrono::seconds(30);
constexpr std::size_t max_batch = 1000;  // the other side takes no more in one call
// Two, so that one is written there while the other is on its way.
constexpr int most_under_way = 2;

}  // namespace

SettleLink::SettleLink(Shard& shard, NodeClient& client, Source source, std::optional<Duration> extend_by)
    : shard_(shard),
      client_(client),
      source_(std::move(source)),
      extend_by_(extend_by),
      hook_([](void* self) { static_cast<SettleLink*>(self)->flush(); }, this) {}

Task<Result<void>> SettleLink::settle(api::Settlement what) {
  auto one = std::make_shared<Asked>();
  one->what = std::move(what);
  queued_.push_back(one);
  shard_.at_turn_end(hook_);
  while (!one->outcome) co_await one->done.wait();
  co_return std::move(*one->outcome);
}

void SettleLink::flush() {
  while (!queued_.empty() && under_way_ < most_under_way) {
    const auto end = queued_.begin() + static_cast<std::ptrdiff_t>(std::min(queued_.size(), max_batch));
    Batch batch(queued_.begin(), end);
    queued_.erase(queued_.begin(), end);
    ++under_way_;
    tasks_.spawn(send(std::move(batch)));
  }
}

Task<Result<api::SettleResponse>> SettleLink::call(const Batch& batch) {
  if (extend_by_) {
    api::ExtendRequest request{.queue = source_.name, .group = source_.group, .lease_ids = {}, .lease = *extend_by_};
    for (const AskedPtr& one : batch) request.lease_ids.push_back(one->what.lease_id);
    co_return co_await client_.call<api::SettleResponse>("/parley.Queues/Extend", request, patience);
  }
  api::SettleRequest request{.queue = source_.name, .group = source_.group, .settlements = {}};
  for (const AskedPtr& one : batch) request.settlements.push_back(one->what);
  co_return co_await client_.call<api::SettleResponse>("/parley.Queues/Settle", request, patience);
}

// A call fails where all of it failed alike; otherwise the failed ones are listed.
Task<void> SettleLink::send(Batch batch) {
  auto response = co_await call(batch);
  --under_way_;
  if (!queued_.empty()) shard_.at_turn_end(hook_);
  // Of two that name one lease, the first is carried out.
  std::multimap<std::string_view, const api::Settled*> failed;
  if (response) {
    for (const api::Settled& one : response->failed) failed.emplace(one.lease_id, &one);
  }
  for (auto at = batch.rbegin(); at != batch.rend(); ++at) {
    Asked& one = **at;
    const auto wrong = failed.find(one.what.lease_id);
    if (!response) {
      one.outcome = fail(response.error());
    } else if (wrong == failed.end()) {
      one.outcome.emplace();
    } else {
      one.outcome =
          fail(api::error_of(wrong->second->error.value_or(api::Status{.code = 2, .message = {}, .details = {}})));
      failed.erase(wrong);
    }
    one.done.notify();
  }
}

}  // namespace parley::queue::remote
