#include "till.h"

#include <chrono>
#include <utility>

#include <google/protobuf/util/time_util.h>

namespace shop {

Till::Till(const Store& store) : store_(store) {
  clock_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

uint64_t Till::watch(Watcher watcher) {
  std::lock_guard hold(lock_);
  watchers_[++last_watch_] = std::move(watcher);
  return last_watch_;
}

void Till::unwatch(uint64_t id) {
  std::lock_guard hold(lock_);
  watchers_.erase(id);
}

void Till::run(const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  Totals before = store_.totals();
  auto next = Clock::now();
  std::unique_lock hold(lock_);
  while (!closing_.wait_until(hold, stop, next += std::chrono::seconds(1), [&] { return stop.stop_requested(); })) {
    const Totals now = store_.totals();
    Sales sales;
    *sales.mutable_time() = google::protobuf::util::TimeUtil::GetCurrentTime();
    sales.set_orders(static_cast<int>(now.orders - before.orders));
    sales.mutable_revenue()->set_currency("EUR");
    sales.mutable_revenue()->set_minor_units(now.euro_cents - before.euro_cents);
    sales.set_total_orders(now.orders);
    sales.set_open_orders(now.open);
    before = now;
    for (const auto& [id, watcher] : watchers_) watcher(sales);
  }
}

}  // namespace shop
