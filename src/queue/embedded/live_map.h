// LiveMap: how much the journal still holds the only copy of, by stretches of 1 MiB of it. The journal up to the first
// stretch with a live message is not needed; an old stretch where little is live is worth moving it on.
//
// Small messages of a stretch are taken for equally large: a count needs nothing but the frame when a message ends.
// One of `large_message` or more has its size in the view, and is counted by its bytes: a few of these can be most of a
// stretch. Used on the ledger's thread.
#pragma once

#include <cstdint>
#include <deque>

#include "queue/embedded/codec.h"
#include "queue/embedded/records.h"
#include "store/journal.h"
#include "store/view.h"

namespace parley::queue::embedded {

class LiveMap {
 public:
  static constexpr int stretch_bits = 20;
  static constexpr std::uint64_t large_message = 16 << 10;

  // What is live in a part of the journal; bytes are of records, about.
  struct Use {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };

  // The message's record of so many bytes is in `frame`; it is there no more.
  void born(store::Address frame, LogId log, Seq seq, std::uint64_t bytes, store::View& view);
  void died(store::Address frame, LogId log, Seq seq, store::View& view);
  // The lowest address that is needed; `end` where nothing is.
  store::Address needed_from(store::Address end) const;
  // Of the stretches that have a part in [from, to).
  Use sum(store::Address from, store::Address to) const;

  void save(Writer& out) const;
  void load(Reader& in);

 private:
  struct Stretch {
    std::uint32_t live = 0;
    std::uint32_t ever = 0;
    std::uint64_t small_bytes = 0;  // of all small ones that ever were here
    std::uint32_t large_live = 0;
    std::uint32_t large_ever = 0;
    std::uint64_t large_bytes = 0;  // of the live ones
    std::uint64_t live_bytes() const;
  };
  void drop_dead();

  std::uint64_t first_ = 0;  // the number of the first stretch
  std::deque<Stretch> stretches_;
};

}  // namespace parley::queue::embedded
