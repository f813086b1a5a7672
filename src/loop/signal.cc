#include "loop/signal.h"

#include "loop/shard.h"

namespace parley {

void Signal::Waiter::await_suspend(std::coroutine_handle<> who) noexcept {
  who_ = who;
  next_ = signal_->first_;
  signal_->first_ = this;
}

void Signal::Waiter::leave() noexcept {
  if (signal_ == nullptr) return;
  for (Waiter** at = &signal_->first_; *at != nullptr; at = &(*at)->next_) {
    if (*at == this) {
      *at = next_;
      break;
    }
  }
}

void Signal::notify() {
  while (first_ != nullptr) {
    Waiter* waiter = first_;
    first_ = waiter->next_;
    waiter->signal_ = nullptr;
    Shard::current().resume_later(waiter->who_);
  }
}

}  // namespace parley
