// Wall-clock time, where it has to survive a restart or be read by people: due times, time to live, dedup windows,
// when a message was published. Milliseconds since 1970, UTC. Waiting is done on the steady clock (base/deadline.h).
#pragma once

#include <chrono>

namespace parley {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// Where wall-clock time comes from, so that tests can let 72 hours pass. Thread-safe.
class WallClock {
 public:
  virtual ~WallClock() = default;
  virtual WallTime now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace parley
