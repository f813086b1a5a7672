// Inbox: what other threads want done by one thread, in the order in which it came.
#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <vector>

#include "base/deadline.h"

namespace parley::store {

template <class T>
class Inbox {
 public:
  // Any thread. Nothing to put: the reader looks up all the same.
  void put(std::span<const T> items) {
    const std::lock_guard lock(mutex_);
    items_.insert(items_.end(), items.begin(), items.end());
    wake();
  }
  // Any thread: `take` ends once all was taken.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wake();
  }

  // The reader's thread: waits for something, at most until then; what there is goes into `out`, which is empty. False:
  // closed, and nothing is left.
  bool take(std::vector<T>& out, Deadline until) {
    std::unique_lock lock(mutex_);
    while (items_.empty() && !closed_ && !woken_) {
      asleep_ = true;
      if (until.is_never()) {
        changed_.wait(lock);
      } else if (changed_.wait_until(lock, until.when()) == std::cv_status::timeout) {
        break;
      }
    }
    asleep_ = woken_ = false;
    out.swap(items_);
    return !out.empty() || !closed_;
  }

 private:
  // A system call only where somebody sleeps.
  void wake() {
    woken_ = true;
    if (asleep_) changed_.notify_one();
    asleep_ = false;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> items_;
  bool closed_ = false;
  bool woken_ = false;
  bool asleep_ = false;
};

}  // namespace parley::store
