#include "filter/limits.h"

namespace parley::filter {
namespace {

// One of the calls under way; given back also where the handler throws.
class Place {
 public:
  explicit Place(Pending& pending) : pending_(pending) { ++pending_.now; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { --pending_.now; }

 private:
  Pending& pending_;
};

}  // namespace

Task<Result<void>> Limits::handle(Call& call) {
  if (pending_->now >= pending_->max) {
    co_return fail(Error(Code::resource_exhausted, Blame::us, "too many calls are under way; try again later")
                       .with_reason("too_many_calls")
                       .safe_to_retry());
  }
  const Place place(*pending_);  // before the first suspension, or two calls both pass the limit
  if (pending_->default_deadline > Duration::zero() && call.deadline().is_never() && call.method().is_unary()) {
    call.set_deadline(Deadline::after(call.started(), pending_->default_deadline));
  }
  co_return co_await inner_->handle(call);
}

}  // namespace parley::filter
