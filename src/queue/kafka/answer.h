// Answer: for a thread that may wait, what a member's thread says.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "queue/kafka/member.h"

namespace parley::queue::kafka {

template <class T>
class Answer {
 public:
  Member::Report<T> report() const {
    return [promise = promise_](Result<T> result) { promise->set_value(std::move(result)); };
  }
  Result<T> get() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
};

}  // namespace parley::queue::kafka
