#include "filter/limits.h"

namespace parley::filter {

Task<Result<void>> Limits::handle(Call& call) {
  if (pending_->now >= pending_->max) {
    co_return fail(Error(Code::resource_exhausted, Blame::us, "too many calls are under way; try again later")
                       .with_reason("too_many_calls")
                       .safe_to_retry());
  }
  ++pending_->now;  // before the first suspension, or two calls both pass the limit
  if (pending_->default_deadline > Duration::zero() && call.deadline().is_never() && call.method().is_unary()) {
    call.set_deadline(Deadline::after(call.started(), pending_->default_deadline));
  }
  Result<void> status = co_await inner_->handle(call);
  --pending_->now;
  co_return status;
}

}  // namespace parley::filter
