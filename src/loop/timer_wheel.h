// TimerWheel: the pending timers of one shard, hashed by time into slots of 4 ms. A timer further away than one
// revolution (about 16 s) stays in its slot and is looked at once a revolution.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/deadline.h"
#include "loop/timer.h"

namespace parley {

class TimerWheel {
 public:
  explicit TimerWheel(Instant start) : base_(start) {}

  // Fires every timer whose time has come. A timer set by a firing one waits for the next call.
  void advance(Instant now);
  // When to call `advance` next at the latest; nothing while no timer is set.
  std::optional<Instant> next() const;

 private:
  friend class Timer;
  static constexpr std::size_t slots = 4096;
  static constexpr Duration tick = std::chrono::milliseconds(4);

  std::int64_t tick_of(Instant when) const { return (when - base_) / tick; }
  void insert(Timer& timer);
  void remove(Timer& timer);

  Instant base_;
  std::int64_t swept_ = 0;  // every slot of an earlier tick is empty or holds only later revolutions
  std::array<Timer*, slots> heads_{};
  std::array<std::uint64_t, slots / 64> occupied_{};  // a bit a slot
  std::size_t count_ = 0;
};

}  // namespace parley
