// Wall-clock time, where it has to survive a restart or be read by people: due times, time to live, dedup windows,
// when a message was published. Milliseconds since 1970, UTC. Waiting is done on the steady clock (base/deadline.h).
#pragma once

#include <chrono>

namespace parley {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// How long it is until `then`: zero at least, and a year at most. Due times come from outside and may name the year
// 9999; their difference in the nanoseconds of a Duration overflows after 292 years.
inline std::chrono::nanoseconds time_until(WallTime then, WallTime now) {
  constexpr std::chrono::milliseconds year = std::chrono::hours(24 * 365);
  if (then <= now) return {};
  return then >= now + year ? year : then - now;
}

// Where wall-clock time comes from, so that tests can let 72 hours pass. Thread-safe.
class WallClock {
 public:
  virtual ~WallClock() = default;
  virtual WallTime now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace parley
