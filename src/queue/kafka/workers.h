// Workers: threads for what waits. As many as there is work at the same time, up to a bound; then work waits its turn.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace parley::queue::kafka {

class Workers {
 public:
  explicit Workers(std::size_t most) : most_(most) {}
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  // Runs what is there, then ends.
  ~Workers() {
    {
      const std::lock_guard lock(lock_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(std::function<void()> work) {
    const std::lock_guard lock(lock_);
    work_.push_back(std::move(work));
    if (idle_ < work_.size() && threads_.size() < most_) threads_.emplace_back([this] { loop(); });
    changed_.notify_one();
  }

 private:
  void loop() {
    std::unique_lock lock(lock_);
    for (;;) {
      ++idle_;
      changed_.wait(lock, [this] { return stopping_ || !work_.empty(); });
      --idle_;
      if (work_.empty()) return;
      auto work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }

  const std::size_t most_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace parley::queue::kafka
