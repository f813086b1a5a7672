#include "queue/embedded/live_map.h"

#include <algorithm>
#include <vector>

namespace parley::queue::embedded {

void LiveMap::born(store::Address frame) {
  const std::uint64_t n = frame >> stretch_bits;
  if (stretches_.empty()) first_ = n;
  while (first_ + stretches_.size() <= n) stretches_.emplace_back();
  Stretch& stretch = stretches_[n - first_];
  ++stretch.live;
  ++stretch.ever;
}

void LiveMap::died(store::Address frame, std::uint32_t count) {
  const std::uint64_t n = frame >> stretch_bits;
  if (n < first_ || n - first_ >= stretches_.size()) return;
  Stretch& stretch = stretches_[n - first_];
  stretch.live -= std::min(stretch.live, count);
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

LiveMap::Stretch LiveMap::sum(store::Address from, store::Address to) const {
  Stretch out;
  const std::uint64_t last = std::min(((to - 1) >> stretch_bits) + 1, first_ + stretches_.size());
  for (std::uint64_t n = std::max(from >> stretch_bits, first_); n < last; ++n) {
    out.live += stretches_[n - first_].live;
    out.ever += stretches_[n - first_].ever;
  }
  return out;
}

void LiveMap::save(Writer& out) const {
  out.number(first_);
  const std::vector<Stretch> list(stretches_.begin(), stretches_.end());
  Put{out}(list);
}

void LiveMap::load(Reader& in) {
  first_ = in.number();
  std::vector<Stretch> list;
  Take{in}(list);
  stretches_.assign(list.begin(), list.end());
}

}  // namespace parley::queue::embedded
