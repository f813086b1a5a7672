// Answer: for a thread that may wait, what a member's thread says.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "queue/kafka/member.h"
#include "queue/kafka/pending.h"

namespace parley::queue::kafka {

template <class T>
class Answer {
 public:
  // Once. Whoever drops it without a word (a member that has ended) says `unavailable` by that.
  Member::Report<T> report() {
    return [promise = std::move(promise_)](Result<T> result) { promise->set_value(std::move(result)); };
  }
  Result<T> get() {
    try {
      return answer_.get();
    } catch (const std::future_error&) {
      return fail(closing_error());
    }
  }

 private:
  std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> answer_ = promise_->get_future();
};

}  // namespace parley::queue::kafka
