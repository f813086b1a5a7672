// Watermark: tells a wait without progress.
#pragma once

#include <cstdint>

#include "base/deadline.h"

namespace parley::net {

// Looked at by every sweep, so that nothing has to be noted whenever a byte moves.
class Watermark {
 public:
  // True once `waiting` was true, and `moved` the same, at every look for `bound`.
  bool is_late(bool waiting, std::uint64_t moved, Duration bound, Instant now) {
    if (!waiting || moved != moved_ || !waiting_) since_ = now;
    waiting_ = waiting;
    moved_ = moved;
    return waiting && now - since_ >= bound;
  }

 private:
  std::uint64_t moved_ = 0;
  Instant since_;
  bool waiting_ = false;
};

}  // namespace parley::net
