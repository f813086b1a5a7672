// Answers from the links' threads to coroutines on a shard.
//
//   auto answer = std::make_shared<Answer<T>>(door);
//   link.post([answer] { answer->give(…); });     // any thread, once
//   while (!answer->is_there()) co_await answer->changed().wait();  // on the shard
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task.h"

namespace parley::queue::rabbitmq {

// A shard that may have gone by the time somebody wants to tell it something.
class Door {
 public:
  explicit Door(Shard& shard) : shard_(&shard) {}
  // Any thread.
  // False if it has gone.
  bool post(std::function<void()> work) {
    const std::lock_guard hold(lock_);
    if (shard_ == nullptr) return false;
    shard_->post(std::move(work));
    return true;
  }
  void close() {
    const std::lock_guard hold(lock_);
    shard_ = nullptr;
  }

 private:
  std::mutex lock_;
  Shard* shard_;
};

class AnswerBase {
 public:
  virtual ~AnswerBase() = default;
  // On the shard: whoever waits gets this; what is given later is dropped.
  virtual void end(const Error& why) = 0;
  // Any thread: somebody still waits.
  bool is_wanted() const { return wanted_.load(); }

 protected:
  std::atomic<bool> wanted_{true};
};

template <class T>
class Answer final : public AnswerBase, public std::enable_shared_from_this<Answer<T>> {
 public:
  // `late`: what to do with what nobody waits for any more; on any thread.
  explicit Answer(std::shared_ptr<Door> door, std::function<void(Result<T>)> late = nullptr)
      : door_(std::move(door)), late_(std::move(late)) {}

  void give(Result<T> value) {
    auto shared = std::make_shared<Result<T>>(std::move(value));
    const bool posted = door_->post([self = this->shared_from_this(), shared] { self->put(std::move(*shared)); });
    if (!posted && late_) late_(std::move(*shared));
  }
  void end(const Error& why) override { put(fail(why)); }
  // On the shard.
  void put(Result<T> value) {
    if (value_) {
      if (late_) late_(std::move(value));
      return;
    }
    wanted_ = false;
    value_.emplace(std::move(value));
    changed_.notify();
  }

  bool is_there() const { return value_.has_value(); }
  Signal& changed() { return changed_; }
  Result<T> take() { return std::move(*value_); }

 private:
  std::shared_ptr<Door> door_;
  std::function<void(Result<T>)> late_;
  std::optional<Result<T>> value_;
  Signal changed_;
};

}  // namespace parley::queue::rabbitmq
