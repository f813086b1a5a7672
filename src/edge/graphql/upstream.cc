#include "edge/graphql/upstream.h"

#include <utility>

#include "loop/task_group.h"

namespace parley::edge::graphql {
namespace {

Error wrong_count(std::string_view count) {
  return Error(Code::unimplemented, Blame::upstream,
               "the service sent " + std::string(count) + " to a call with one reply")
      .with_reason("bad_reply");
}

// Reads the one reply to its end.
Task<void> read_reply(Call& call, Fetch& fetch) {
  bool got_one = false;
  for (;;) {
    auto reply = co_await call.replies.read();
    if (!reply) {
      fetch.error = std::move(reply).error();
      co_return;
    }
    if (!*reply) break;
    if (got_one) {
      fetch.error = wrong_count("two replies");
      call.cancel(*fetch.error);
      co_return;
    }
    got_one = true;
    fetch.reply = std::move(**reply);
  }
  co_await call.wait_finished();
  if (call.status() != nullptr) {
    fetch.error = *call.status();
  } else if (!got_one) {
    fetch.error = wrong_count("no reply");
  }
}

}  // namespace

Upstream::Live::Live(Upstream& upstream, Call& call) : upstream_(upstream), call_(call) {
  next_ = upstream_.live_;
  previous_ = &upstream_.live_;
  if (next_ != nullptr) next_->previous_ = &next_;
  upstream_.live_ = this;
}

Upstream::Live::~Live() {
  *previous_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

Result<void> Upstream::prepare(Call& call) {
  if (cancelled_) return fail(*cancelled_);
  if (count_ >= max_calls_) {
    return fail(Error(Code::resource_exhausted, Blame::caller,
                      "the operation needs more than " + std::to_string(max_calls_) + " upstream calls")
                    .with_reason("too_many_upstream_calls"));
  }
  ++count_;
  call.metadata = context_.metadata;
  call.caller = context_.caller;
  if (!context_.deadline.is_never()) call.set_deadline(context_.deadline);
  return {};
}

Task<void> Upstream::call(Fetch& fetch) {
  Call call(context_.contract, *fetch.method, "graphql");
  if (auto ready = prepare(call); !ready) {
    fetch.error = std::move(ready).error();
    co_return;
  }
  const Live live(*this, call);
  call.requests.push(fetch.request);
  call.requests.end();
  TaskGroup tasks;
  tasks.spawn(answer(*fetch.handler, call));
  co_await read_reply(call, fetch);
  fetch.headers = std::move(call.headers);
  if (tasks.live() > 0) co_await tasks.join();
}

void Upstream::cancel(const Error& why) {
  if (cancelled_) return;
  cancelled_ = why;
  // A listener of a call may end other calls; none is added, as `prepare` refuses.
  for (Live* live = live_; live != nullptr; live = live->next_) live->call_.cancel(why);
}

}  // namespace parley::edge::graphql
