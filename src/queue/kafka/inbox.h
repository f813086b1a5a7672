// Inbox: work for a member's thread. It outlives the member, so that a late report finds a closed box and no ruin.
// Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

namespace parley::queue::kafka {

class Inbox {
 public:
  using Work = std::function<void()>;

  // False: closed, and `work` will not run.
  bool put(Work work) {
    const std::lock_guard lock(lock_);
    if (closed_) return false;
    work_.push_back(std::move(work));
    if (wakes_ != nullptr) rd_kafka_queue_yield(wakes_);
    return true;
  }
  std::vector<Work> take() {
    const std::lock_guard lock(lock_);
    return std::exchange(work_, {});
  }
  // Whose poll ends when something is put.
  void wakes(rd_kafka_queue_t* queue) {
    const std::lock_guard lock(lock_);
    wakes_ = queue;
  }
  // Returns what did not run.
  std::vector<Work> close() {
    const std::lock_guard lock(lock_);
    closed_ = true;
    wakes_ = nullptr;
    return std::exchange(work_, {});
  }
  bool is_empty() {
    const std::lock_guard lock(lock_);
    return work_.empty();
  }

 private:
  std::mutex lock_;
  std::vector<Work> work_;
  rd_kafka_queue_t* wakes_ = nullptr;
  bool closed_ = false;
};

}  // namespace parley::queue::kafka
