#include "queue/reach.h"

#include <fmt/format.h>

#include "base/log.h"

namespace parley::queue {
namespace {

constexpr Duration between_tries = std::chrono::milliseconds(250);
constexpr Duration tell_every = std::chrono::seconds(10);

}  // namespace

void Reach::begin(const Declarations& wanted) {
  const std::lock_guard lock(lock_);
  needed_ = !wanted.queues.empty() || !wanted.topics.empty();
}

void Reach::reached() {
  const std::lock_guard lock(lock_);
  reached_ = true;
  why_.reset();
}

void Reach::missed(const Error& why) {
  const std::lock_guard lock(lock_);
  why_ = why;
}

std::optional<Error> Reach::unreached() const {
  const std::lock_guard lock(lock_);
  if (!needed_ || reached_) return std::nullopt;
  const Error why = why_.value_or(Error(Code::unavailable, Blame::upstream, "no answer yet"));
  return Error(why).during(where_ + " was not reached since the start");
}

void Reach::stop() {
  const std::lock_guard lock(lock_);
  stopped_ = true;
  changed_.notify_all();
}

bool Reach::sleep(Duration how_long) {
  std::unique_lock lock(lock_);
  return !changed_.wait_for(lock, how_long, [this] { return stopped_; });
}

Result<void> Reach::wait(const Declarations& wanted, const std::function<Result<void>()>& attempt,
                         const std::function<bool(const Error&)>& passes) {
  begin(wanted);
  const Instant until = Clock::now() + patience_;
  Instant tell{};
  for (;;) {
    auto done = attempt();
    if (done) {
      reached();
      return done;
    }
    if (!passes(done.error())) return done;
    missed(done.error());
    const Instant now = Clock::now();
    if (now >= until)
      return fail(Error(done.error()).during(fmt::format("waited {} s for it", patience_ / std::chrono::seconds(1))));
    if (now >= tell) {
      log::warn("messages: {}; waiting for it", done.error().message());
      tell = now + tell_every;
    }
    if (!sleep(between_tries))
      return fail(Error(Code::unavailable, Blame::us, "the node stops").with_reason("closing"));
  }
}

}  // namespace parley::queue
