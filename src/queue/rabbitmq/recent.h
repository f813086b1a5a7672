// Recent: what was published within the dedup windows, as far as this process knows (`?dedup=process`). Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/wall_time.h"
#include "queue/message.h"

namespace parley::queue::rabbitmq {

class Recent {
 public:
  enum class State : std::uint8_t { unseen, on_the_way, published };
  struct Seen {
    State state = State::unseen;
    Receipt receipt;  // published
  };
  // Unseen: it is on the way from now on, until `published` or `forget`.
  Seen begin(const std::string& queue, const std::string& dedup, WallTime now) {
    const std::lock_guard hold(lock_);
    while (!ends_.empty() && ends_.begin()->first <= now) {
      seen_.erase(ends_.begin()->second);
      ends_.erase(ends_.begin());
    }
    const auto [at, is_new] = seen_.try_emplace(queue + '\n' + dedup, Seen{State::on_the_way, {}});
    return is_new ? Seen() : at->second;
  }
  void published(const std::string& queue, const std::string& dedup, const Receipt& receipt, WallTime until) {
    const std::lock_guard hold(lock_);
    std::string name = queue + '\n' + dedup;
    seen_[name] = {State::published, receipt};
    ends_.emplace(until, std::move(name));
  }
  // It was not published, or nobody knows: the next is a first one.
  void forget(const std::string& queue, const std::string& dedup) {
    const std::lock_guard hold(lock_);
    seen_.erase(queue + '\n' + dedup);
  }

 private:
  std::mutex lock_;
  std::unordered_map<std::string, Seen> seen_;
  std::multimap<WallTime, std::string> ends_;
};

}  // namespace parley::queue::rabbitmq
