#include "call/call.h"

#include <utility>

#include "loop/shard.h"

namespace parley {

Call::Call(contract::ContractPtr contract, const contract::Method& method, std::string_view edge)
    : contract_(std::move(contract)),
      method_(method),
      edge_(edge),
      started_(Shard::current().now()),
      deadline_timer_([](void* self) { static_cast<Call*>(self)->deadline_passed(); }, this) {
  replies.observe(this);
}

Call::~Call() = default;

// A handler that waits for its reply to be read must not wait for an edge that waits for its headers.
void Call::pipe_written(Pipe& replies_pipe) {
  if (replies_pipe.count() > 0) headers_complete();
}

void Call::deadline_passed() { cancel(Error(Code::deadline_exceeded, Blame::caller, std::string(deadline_text_))); }

void Call::set_deadline(Deadline deadline) {
  deadline_ = deadline_.sooner(deadline);
  Shard& shard = Shard::current();
  // Below the timers' grain an upstream may be quicker than the timer: what is late already is not sent.
  if (deadline_.passed(shard.read_clock())) return deadline_passed();
  deadline_timer_.set(shard.timers(), deadline_);
}

void Call::headers_complete() {
  if (headers_complete_) return;
  headers_complete_ = true;
  changed_.notify();
}

Task<void> Call::wait_headers() {
  while (!headers_complete_ && !finished_ && !cancelled_) co_await changed_.wait();
}

void Call::finish(Result<void> status) {
  if (finished_) return;
  finished_ = true;
  if (cancelled_) {
    status_ = cancelled_;
  } else if (!status) {
    status_ = std::move(status).error();
  }
  deadline_timer_.clear();
  if (!requests.is_done()) {
    // Whoever still writes requests hears that nobody reads them any more.
    requests.abort(status_ ? *status_
                           : Error(Code::cancelled, Blame::caller, "the call has ended").with_reason("call_ended"));
  }
  replies.end();
  changed_.notify();
}

Task<void> Call::wait_finished() {
  while (!finished_) co_await changed_.wait();
}

void Call::cancel(Error why) {
  if (cancelled_ || finished_) return;
  cancelled_ = std::move(why);
  requests.abort(*cancelled_);
  replies.abort(*cancelled_);
  changed_.notify();
  // A listener may take itself or others away.
  while (listeners_ != nullptr) {
    OnCancel* listener = listeners_;
    listeners_ = std::exchange(listener->next_, nullptr);
    listener->listener_(*cancelled_);
  }
}

Call::OnCancel::OnCancel(Call& call, std::function<void(const Error&)> listener)
    : call_(call), listener_(std::move(listener)) {
  if (call_.cancelled_) {
    listener_(*call_.cancelled_);
    return;
  }
  next_ = std::exchange(call_.listeners_, this);
}

Call::OnCancel::~OnCancel() {
  for (OnCancel** at = &call_.listeners_; *at != nullptr; at = &(*at)->next_) {
    if (*at == this) {
      *at = next_;
      return;
    }
  }
}

}  // namespace parley
