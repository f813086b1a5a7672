// FrameCache: frames by address, as many bytes of them as it may hold; the ones that came first go first.
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_map>

#include "store/journal.h"

namespace parley::store {

class FrameCache {
 public:
  explicit FrameCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  void put(const Frame& frame) {
    if (!frames_.try_emplace(frame.at, frame).second) return;
    order_.push_back(frame.at);
    bytes_ += cost(frame);
    while (bytes_ > most_bytes_) drop_first();
  }
  const Frame* find(Address at) const {
    const auto found = frames_.find(at);
    return found == frames_.end() ? nullptr : &found->second;
  }

 private:
  // A small frame's body shares a block with nothing else: count what surrounds it too.
  static std::size_t cost(const Frame& frame) { return frame.body.size() + 128; }
  void drop_first() {
    const auto first = frames_.find(order_.front());
    bytes_ -= cost(first->second);
    frames_.erase(first);
    order_.pop_front();
  }

  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::unordered_map<Address, Frame> frames_;
  std::deque<Address> order_;
};

}  // namespace parley::store
