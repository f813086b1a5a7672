#include "loop/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace parley {

void Timer::set(TimerWheel& wheel, Deadline deadline) {
  clear();
  if (deadline.is_never()) return;
  when_ = deadline.when();
  wheel_ = &wheel;
  wheel.insert(*this);
}

void Timer::clear() {
  if (wheel_ == nullptr) return;
  wheel_->remove(*this);
  wheel_ = nullptr;
}

void TimerWheel::insert(Timer& timer) {
  // Rounded up to the slot after its time, so that a timer never fires early.
  const std::int64_t tick = std::max(tick_of(timer.when_) + 1, swept_ + 1);
  const std::size_t slot = static_cast<std::size_t>(tick) % slots;
  Timer*& head = heads_[slot];
  timer.slot_ = static_cast<std::uint32_t>(slot);
  timer.next_ = head;
  timer.link_ = &head;
  if (head != nullptr) head->link_ = &timer.next_;
  head = &timer;
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  ++count_;
}

void TimerWheel::remove(Timer& timer) {
  *timer.link_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->link_ = timer.link_;
  // An emptied slot must not wake the loop.
  if (heads_[timer.slot_] == nullptr) occupied_[timer.slot_ / 64] &= ~(std::uint64_t{1} << (timer.slot_ % 64));
  timer.next_ = nullptr;
  timer.link_ = nullptr;
  --count_;
}

void TimerWheel::advance(Instant now) {
  const std::int64_t until = tick_of(now);
  if (count_ == 0) {
    swept_ = std::max(swept_, until);
    return;
  }
  const std::int64_t first = std::max(swept_ + 1, until - static_cast<std::int64_t>(slots) + 1);
  swept_ = std::max(swept_, until);  // before firing: what a firing timer sets lands in a later slot
  for (std::int64_t tick = first; tick <= until; ++tick) {
    const std::size_t slot = static_cast<std::size_t>(tick) % slots;
    if ((occupied_[slot / 64] >> (slot % 64) & 1) == 0) continue;
    // Detach what is due first: firing may set or clear any timer, also those of this slot.
    Timer* due = nullptr;
    for (Timer* timer = heads_[slot]; timer != nullptr;) {
      Timer* next = timer->next_;
      if (timer->when_ <= now) {
        remove(*timer);
        timer->next_ = due;
        timer->link_ = &due;
        if (due != nullptr) due->link_ = &timer->next_;
        due = timer;
        ++count_;
      }
      timer = next;
    }
    while (due != nullptr) {
      Timer* timer = due;
      timer->clear();
      timer->fire_(timer->context_);
    }
  }
}

std::optional<Instant> TimerWheel::next() const {
  if (count_ == 0) return std::nullopt;
  const std::size_t start = static_cast<std::size_t>(swept_ + 1) % slots;
  for (std::size_t step = 0; step < slots;) {
    const std::size_t slot = (start + step) % slots;
    const std::uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) {
      const auto skip = static_cast<std::size_t>(std::countr_zero(word));
      if (step + skip < slots) return base_ + (swept_ + 1 + static_cast<std::int64_t>(step + skip)) * tick;
    }
    step += 64 - slot % 64;
  }
  return base_ + (swept_ + 1 + static_cast<std::int64_t>(slots)) * tick;
}

}  // namespace parley
