#include "queue/embedded/live_map.h"

#include <algorithm>
#include <string>

#include "queue/embedded/keys.h"
#include "queue/embedded/sure.h"

namespace parley::queue::embedded {

void LiveMap::born(store::Address frame, LogId log, Seq seq, std::uint64_t bytes, store::View& view) {
  const std::uint64_t n = frame >> stretch_bits;
  if (stretches_.empty()) first_ = n;
  while (first_ + stretches_.size() <= n) stretches_.emplace_back();
  Stretch& stretch = stretches_[n - first_];
  ++stretch.live;
  ++stretch.ever;
  if (bytes < large_message) {
    stretch.small_bytes += bytes;
    return;
  }
  ++stretch.large_live;
  ++stretch.large_ever;
  stretch.large_bytes += bytes;
  std::string value;
  Writer(value).number(bytes);
  view.put(keys::make(keys::large, {log, seq}), value);
}

void LiveMap::died(store::Address frame, LogId log, Seq seq, store::View& view) {
  const std::uint64_t n = frame >> stretch_bits;
  if (n < first_ || n - first_ >= stretches_.size()) return;
  Stretch& stretch = stretches_[n - first_];
  if (stretch.live > 0) --stretch.live;
  if (stretch.large_live > 0) {
    const std::string key = keys::make(keys::large, {log, seq});
    if (const auto value = sure(view.get(key))) {
      --stretch.large_live;
      stretch.large_bytes -= std::min(stretch.large_bytes, Reader(*value).number());
      view.remove(key);
    }
  }
  if (stretch.live == 0 && n == first_) drop_dead();
}

void LiveMap::drop_dead() {
  while (stretches_.size() > 1 && stretches_.front().live == 0) {
    stretches_.pop_front();
    ++first_;
  }
}

store::Address LiveMap::needed_from(store::Address end) const {
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    if (stretches_[i].live > 0) return std::min(end, (first_ + i) << stretch_bits);
  }
  return end;
}

std::uint64_t LiveMap::Stretch::live_bytes() const {
  const std::uint64_t small_ever = ever - std::min(ever, large_ever);
  const std::uint64_t small_live = live - std::min(live, large_live);
  return large_bytes + (small_ever == 0 ? 0 : small_bytes * small_live / small_ever);
}

LiveMap::Use LiveMap::sum(store::Address from, store::Address to) const {
  Use out;
  const std::uint64_t last = std::min(((to - 1) >> stretch_bits) + 1, first_ + stretches_.size());
  for (std::uint64_t n = std::max(from >> stretch_bits, first_); n < last; ++n) {
    out.messages += stretches_[n - first_].live;
    out.bytes += stretches_[n - first_].live_bytes();
  }
  return out;
}

void LiveMap::save(Writer& out) const {
  Put put{out};
  put(first_), put(stretches_.size());
  for (const Stretch& one : stretches_) put(one.live), put(one.ever);
  for (const Stretch& one : stretches_)
    put(one.small_bytes), put(one.large_live), put(one.large_ever), put(one.large_bytes);
}

void LiveMap::load(Reader& in) {
  Take take{in};
  std::uint64_t count = 0;
  take(first_), take(count);
  stretches_.clear();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    Stretch& one = stretches_.emplace_back();
    take(one.live), take(one.ever);
  }
  const bool has_sizes = !in.at_end();  // an earlier writer had counts only: each stretch is taken for full
  for (Stretch& one : stretches_) {
    if (has_sizes) {
      take(one.small_bytes), take(one.large_live), take(one.large_ever), take(one.large_bytes);
    } else {
      one.small_bytes = std::uint64_t{1} << stretch_bits;
    }
  }
}

}  // namespace parley::queue::embedded
