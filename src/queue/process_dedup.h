// ProcessDedup: which messages were published lately, as far as this process knows: for backends whose broker has no
// dedup of its own, where their address says `dedup=process`. It remembers the last `most` of them. Thread-safe.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/wall_time.h"
#include "queue/message.h"

namespace parley::queue {

class ProcessDedup {
 public:
  static constexpr std::size_t most = 200'000;

  struct Seen {
    std::optional<Receipt> receipt;  // left out: it is being published right now
    WallTime until{};                // of its window, once there is a receipt
  };
  // Nothing: it is new, and the caller publishes it and then calls `done` or `failed`.
  std::optional<Seen> begin(const std::string& queue, const std::string& dedup, WallTime now) {
    const std::lock_guard lock(lock_);
    for (; !order_.empty() && (order_.front().until <= now || order_.size() >= most); order_.pop_front()) {
      const auto oldest = seen_.find(order_.front().key);
      // Not if its key was published again since.
      if (oldest != seen_.end() && oldest->second.until == order_.front().until) seen_.erase(oldest);
    }
    const auto [found, is_new] = seen_.try_emplace(queue + '\n' + dedup);
    const bool is_over = found->second.receipt && found->second.until <= now;
    if (is_over) found->second = {};
    if (is_new || is_over) return std::nullopt;
    return found->second;
  }
  // The window begins now.
  void done(const std::string& queue, const std::string& dedup, Receipt receipt, WallTime until) {
    const std::lock_guard lock(lock_);
    std::string key = queue + '\n' + dedup;
    seen_[key] = {.receipt = std::move(receipt), .until = until};
    order_.push_back({.key = std::move(key), .until = until});
  }
  void failed(const std::string& queue, const std::string& dedup) {
    const std::lock_guard lock(lock_);
    seen_.erase(queue + '\n' + dedup);
  }

 private:
  struct End {
    std::string key;
    WallTime until;
  };
  std::mutex lock_;
  std::unordered_map<std::string, Seen> seen_;
  std::deque<End> order_;  // windows of several queues differ: an entry may stay until an earlier, longer one ends
};

}  // namespace parley::queue
