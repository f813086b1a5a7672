#include "net/exchange.h"

#include <utility>

namespace parley::net {

void ServerExchange::on_broken(void (*listener)(void*), void* context) {
  listener_ = listener;
  listener_context_ = context;
  if (broken_ && listener_ != nullptr) std::exchange(listener_, nullptr)(listener_context_);
}

void ServerExchange::on_drain(void (*listener)(void*), void* context) {
  drain_listener_ = listener;
  drain_context_ = context;
  if (draining_ && drain_listener_ != nullptr) std::exchange(drain_listener_, nullptr)(drain_context_);
}

void ServerExchange::tell_drain() {
  if (std::exchange(draining_, true)) return;
  if (drain_listener_ != nullptr) std::exchange(drain_listener_, nullptr)(drain_context_);
}

void ServerExchange::break_off(Error why) {
  if (broken_) return;
  broken_ = std::move(why);
  body_.abort(*broken_);
  response_body_.abort(*broken_);
  if (listener_ != nullptr) std::exchange(listener_, nullptr)(listener_context_);
}

Task<Result<const ResponseHead*>> ClientExchange::head() {
  while (!head_ && !broken_) co_await changed_.wait();
  if (head_) co_return &*head_;
  co_return fail(*broken_);
}

void ClientExchange::got_head(ResponseHead head) {
  if (head_) return;
  head_ = std::move(head);
  changed_.notify();
}

void ClientExchange::break_off(Error why) {
  if (broken_) return;
  broken_ = std::move(why);
  request_body_.abort(*broken_);
  if (broken_->blame() == Blame::upstream) {
    body_.break_off(*broken_);  // what it said before it broke was meant
  } else {
    body_.abort(*broken_);
  }
  changed_.notify();
}

}  // namespace parley::net
