// LiveMap: how many messages the journal still holds the only copy of, by stretches of 1 MiB of it. The journal up to
// the first stretch with a live message is not needed; an old stretch where few are live is worth moving them on.
// Messages are counted, not their bytes: a count needs nothing but the frame when a message ends.
#pragma once

#include <cstdint>
#include <deque>

#include "queue/embedded/codec.h"
#include "store/journal.h"

namespace parley::queue::embedded {

class LiveMap {
 public:
  static constexpr int stretch_bits = 20;

  struct Stretch {
    std::uint32_t live = 0;
    std::uint32_t ever = 0;
    template <class Each>
    void fields(Each& each) {
      each(live), each(ever);
    }
  };

  void born(store::Address frame);
  void died(store::Address frame, std::uint32_t count = 1);
  // The lowest address that is needed; `end` where nothing is.
  store::Address needed_from(store::Address end) const;
  // Of the stretches that have a part in [from, to).
  Stretch sum(store::Address from, store::Address to) const;

  void save(Writer& out) const;
  void load(Reader& in);

 private:
  void drop_dead();

  std::uint64_t first_ = 0;  // the number of the first stretch
  std::deque<Stretch> stretches_;
};

}  // namespace parley::queue::embedded
