// Pending: an answer that comes from another thread to a coroutine on a shard. Answers after the broker was closed are
// dropped: the shard may be gone by then.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task.h"
#include "queue/kafka/error.h"

namespace parley::queue::kafka {

// A broker's way back to its shard.
class Link {
 public:
  explicit Link(Shard& shard) : shard_(&shard) {}

  // Any thread.
  void post(std::function<void()> work) {
    const std::lock_guard lock(lock_);
    if (shard_ != nullptr) shard_->post(std::move(work));
  }

  // On the shard, from here on. What waits ends with `unavailable`.
  void close() {
    {
      const std::lock_guard lock(lock_);
      shard_ = nullptr;
    }
    closed_ = true;
    for (Signal* waiter : waiters_) waiter->notify();
  }
  bool is_closed() const { return closed_; }
  void enter(Signal& waiter) { waiters_.insert(&waiter); }
  void leave(Signal& waiter) { waiters_.erase(&waiter); }

 private:
  std::mutex lock_;
  Shard* shard_;
  bool closed_ = false;
  std::unordered_set<Signal*> waiters_;
};

// `T` is a Result.
template <class T>
class Pending {
 public:
  explicit Pending(std::shared_ptr<Link> link) : link_(std::move(link)), state_(std::make_shared<State>()) {}

  // To be called once, from any thread.
  std::function<void(T)> answer() const {
    return [link = link_, state = state_](T value) {
      link->post([state, value = std::make_shared<T>(std::move(value))] {
        state->value.emplace(std::move(*value));
        state->changed.notify();
      });
    };
  }
  // On the shard.
  Task<T> wait() const { return wait_for(link_, state_); }

 private:
  struct State {
    std::optional<T> value;
    Signal changed;
  };
  static Task<T> wait_for(std::shared_ptr<Link> link, std::shared_ptr<State> state) {
    link->enter(state->changed);
    while (!state->value && !link->is_closed()) co_await state->changed.wait();
    link->leave(state->changed);
    if (!state->value) co_return fail(closing_error());
    co_return std::move(*state->value);
  }

  std::shared_ptr<Link> link_;
  std::shared_ptr<State> state_;
};

}  // namespace parley::queue::kafka
