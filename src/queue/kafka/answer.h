// Answer: for a thread that may wait, what a member's thread says.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "queue/kafka/error.h"
#include "queue/kafka/member.h"

namespace parley::queue::kafka {

template <class T>
class Answer {
 public:
  // To be asked for once. The answer is the report's alone: if that goes unused, `get` knows.
  Member::Report<T> report() {
    return [promise = std::move(promise_)](Result<T> result) { promise->set_value(std::move(result)); };
  }
  // Waits. A member that was closed before it got to the question answers `unavailable`.
  Result<T> get() {
    try {
      return future_.get();
    } catch (const std::future_error&) {
      return fail(closing_error());
    }
  }

 private:
  std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future_ = promise_->get_future();
};

}  // namespace parley::queue::kafka
