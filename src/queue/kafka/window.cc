#include "queue/kafka/window.h"

#include <algorithm>
#include <utility>

namespace parley::queue::kafka {

Window::Window(const Progress& from, bool keyed, Limits limits)
    : keyed_(keyed), limits_(limits), restored_(from), restored_end_(from.horizon()), next_(from.watermark) {}

const OpenMessage* Window::restored(std::int64_t offset) const {
  const auto found = std::ranges::lower_bound(restored_.open, offset, {}, &OpenMessage::offset);
  return found == restored_.open.end() || found->offset != offset ? nullptr : &*found;
}

void Window::add(Record record, const Now& now) {
  const std::int64_t offset = record.offset;
  if (offset < next_) return;
  next_ = offset + 1;
  if (offset >= restored_end_) {
    restored_.settled.clear();
    restored_.open.clear();
  }
  if (restored_.is_settled(offset)) return;
  Entry& entry = entries_[offset];
  entry.record = std::move(record);
  bytes_ += entry.record.bytes();
  ++counts_[static_cast<std::size_t>(State::waiting)];
  std::optional<WallTime> due = due_time(entry.record);
  if (const OpenMessage* before = restored(offset)) {
    entry.attempts = before->attempts;
    if (entry.attempts > 0) ++attempted_;
    entry.is_cut_off = entry.attempts > 0 && !before->due;
    if (before->due) due = before->due;
  }
  if (due && *due > now.wall) {
    entry.is_scheduled = entry.attempts == 0;
    // Ours are not later (broker.cc); another's would hold up all behind it.
    if (entry.is_scheduled) due = std::min(*due, now.wall + longest_schedule);
    delay(offset, entry, *due, now);
  }
  if (!entry.is_scheduled) join_chain(offset, entry);
  refresh_ready(offset, entry);
}

void Window::delay(std::int64_t offset, Entry& entry, WallTime due, const Now& now) {
  set_state(entry, State::delayed);
  entry.due = due;
  set_timer(offset, entry, now.steady + std::min<Duration>(time_until(due, now.wall), limits_.longest_delay));
}

bool Window::is_full() const {
  return next_ - watermark() >= limits_.offsets || entries_.size() >= limits_.open || bytes_ >= limits_.bytes;
}
bool Window::has_room() const {
  return next_ - watermark() <= limits_.offsets / 2 && entries_.size() <= limits_.open / 2 &&
         bytes_ <= limits_.bytes / 2;
}

std::optional<std::int64_t> Window::first_ready() const {
  // Those that were delivered before come first anyway or are few; a new one needs a place in the commit.
  for (const std::int64_t offset : ready_) {
    if (attempted_ < limits_.attempted || entries_.at(offset).attempts > 0) return offset;
  }
  return std::nullopt;
}

const Window::Entry& Window::lease(std::int64_t offset, std::uint64_t lease, Instant until) {
  Entry& entry = entries_.at(offset);
  if (++entry.attempts == 1) ++attempted_;
  entry.lease = lease;
  entry.is_cut_off = false;
  set_state(entry, State::leased);
  set_timer(offset, entry, until);
  refresh_ready(offset, entry);
  return entry;
}

const Window::Entry* Window::find(std::int64_t offset) const {
  const auto found = entries_.find(offset);
  return found == entries_.end() ? nullptr : &found->second;
}

void Window::extend(std::int64_t offset, Instant until) {
  Entry& entry = entries_.at(offset);
  clear_timer(offset, entry);
  set_timer(offset, entry, until);
}

void Window::settle(std::int64_t offset) {
  const auto found = entries_.find(offset);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  clear_timer(offset, entry);
  ready_.erase(offset);
  bytes_ -= entry.record.bytes();
  --counts_[static_cast<std::size_t>(entry.state)];
  if (entry.attempts > 0) --attempted_;
  leave_chain(offset, entry);
  entries_.erase(found);
}

void Window::join_chain(std::int64_t offset, const Entry& entry) {
  if (keyed_ && !entry.record.key.empty()) chains_[entry.record.key].push_back(offset);
}

void Window::leave_chain(std::int64_t offset, const Entry& entry) {
  if (!keyed_ || entry.record.key.empty() || entry.is_scheduled) return;
  const auto chain = chains_.find(entry.record.key);
  const bool was_head = chain->second.front() == offset;
  std::erase(chain->second, offset);
  if (chain->second.empty()) {
    chains_.erase(chain);
  } else if (was_head) {
    const std::int64_t next = chain->second.front();
    refresh_ready(next, entries_.at(next));
  }
}

void Window::retry(std::int64_t offset, Duration delay, const Now& now) {
  Entry& entry = entries_.at(offset);
  clear_timer(offset, entry);
  if (delay <= Duration::zero()) {
    set_state(entry, State::waiting);
  } else {
    set_state(entry, State::delayed);
    entry.due = now.wall + std::chrono::ceil<std::chrono::milliseconds>(delay);
    set_timer(offset, entry, now.steady + delay);
  }
  refresh_ready(offset, entry);
}

void Window::release(std::int64_t offset) {
  Entry& entry = entries_.at(offset);
  if (--entry.attempts == 0) --attempted_;
  put_back(offset);
}

void Window::bury(std::int64_t offset) {
  Entry& entry = entries_.at(offset);
  clear_timer(offset, entry);
  set_state(entry, State::dying);
  refresh_ready(offset, entry);
}

void Window::put_back(std::int64_t offset) {
  Entry& entry = entries_.at(offset);
  clear_timer(offset, entry);
  set_state(entry, State::waiting);
  refresh_ready(offset, entry);
}

std::vector<std::uint64_t> Window::tick(Instant now) {
  std::vector<std::uint64_t> ended;
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const std::int64_t offset = timers_.begin()->second;
    Entry& entry = entries_.at(offset);
    if (entry.state == State::leased) {
      ended.push_back(entry.lease);
      entry.is_cut_off = true;
    }
    if (std::exchange(entry.is_scheduled, false)) join_chain(offset, entry);
    put_back(offset);
  }
  return ended;
}

std::optional<Instant> Window::next_tick() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

std::uint64_t Window::purge(State which) {
  std::vector<std::int64_t> gone;
  for (const auto& [offset, entry] : entries_) {
    if (entry.state == which) gone.push_back(offset);
  }
  for (const std::int64_t offset : gone) settle(offset);
  return gone.size();
}

std::uint64_t Window::skip_to(std::int64_t end) {
  std::uint64_t skipped = 0;
  for (std::int64_t offset = next_; offset < end; ++offset) skipped += restored_.is_settled(offset) ? 0 : 1;
  next_ = std::max(next_, end);
  return skipped;
}

std::int64_t Window::watermark() const {
  if (!entries_.empty()) return entries_.begin()->first;
  // Nothing open: go over what was settled before and not read again.
  std::int64_t mark = next_;
  for (const OffsetRange& range : restored_.settled) {
    if (range.from <= mark && range.to > mark) mark = range.to;
  }
  return mark;
}

Progress Window::progress() const {
  Progress out;
  out.watermark = watermark();
  std::int64_t from = out.watermark;
  const auto settled_until = [&](std::int64_t to) {
    if (to > from && from > out.watermark) out.settled.push_back({from, to});
  };
  for (const auto& [offset, entry] : entries_) {
    settled_until(offset);
    from = offset + 1;
    const bool is_delayed = entry.state == State::delayed;
    if (entry.attempts == 0) continue;  // its record says when it is due
    out.open.push_back({.offset = offset, .attempts = entry.attempts, .due = is_delayed ? entry.due : std::nullopt});
  }
  settled_until(next_);
  for (OffsetRange range : restored_.settled) {
    range.from = std::max({range.from, next_, out.watermark});
    if (range.from >= range.to) continue;
    if (!out.settled.empty() && out.settled.back().to == range.from) {
      out.settled.back().to = range.to;
    } else {
      out.settled.push_back(range);
    }
  }
  for (const OpenMessage& message : restored_.open) {
    if (message.offset >= next_) out.open.push_back(message);
  }
  return out;
}

void Window::set_state(Entry& entry, State state) {
  --counts_[static_cast<std::size_t>(entry.state)];
  ++counts_[static_cast<std::size_t>(state)];
  entry.state = state;
  entry.due.reset();
  if (state != State::leased) entry.lease = 0;
}

void Window::set_timer(std::int64_t offset, Entry& entry, Instant when) {
  entry.when = when;
  timers_.emplace(when, offset);
}
void Window::clear_timer(std::int64_t offset, const Entry& entry) { timers_.erase({entry.when, offset}); }

bool Window::is_head(std::int64_t offset, const Entry& entry) const {
  if (!keyed_ || entry.record.key.empty()) return true;
  const auto chain = chains_.find(entry.record.key);
  return chain != chains_.end() && chain->second.front() == offset;
}

void Window::refresh_ready(std::int64_t offset, const Entry& entry) {
  if (entry.state == State::waiting && is_head(offset, entry)) {
    ready_.insert(offset);
  } else {
    ready_.erase(offset);
  }
}

}  // namespace parley::queue::kafka
