// Deadline: a point on the steady clock by which something must be over, or never.
#pragma once

#include <chrono>
#include <optional>

namespace parley {

using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;
using Duration = Clock::duration;

class Deadline {
 public:
  static Deadline never() { return Deadline(Instant::max()); }
  static Deadline at(Instant when) { return Deadline(when); }
  // Saturates: a time-out of centuries (gRPC allows 99999999H) is never.
  static Deadline after(Instant now, Duration timeout) {
    return timeout >= Instant::max() - now ? never() : Deadline(now + timeout);
  }

  bool is_never() const { return when_ == Instant::max(); }
  Instant when() const { return when_; }
  bool passed(Instant now) const { return now >= when_; }
  // What is left, never below zero; nothing if there is no deadline.
  std::optional<Duration> left(Instant now) const {
    if (is_never()) return std::nullopt;
    return now >= when_ ? Duration::zero() : when_ - now;
  }
  Deadline sooner(Deadline other) const { return when_ < other.when_ ? *this : other; }

 private:
  explicit Deadline(Instant when) : when_(when) {}
  Instant when_;
};

}  // namespace parley
