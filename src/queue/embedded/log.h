// Log: one queue's or topic's messages by number, oldest first; who has handled what is its groups' matter. Messages
// themselves lie in the journal only: the log knows in which frame (RunIndex) and keeps the newest ones at hand, since
// most messages are wanted at once. Used on the ledger's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/bytes.h"
#include "queue/embedded/open_frames.h"
#include "queue/embedded/records.h"
#include "queue/embedded/run_index.h"
#include "store/ledger.h"

namespace parley::queue::embedded {

// What a decision needs to know about a message.
struct Look {
  Seq seq = 0;
  store::Address frame = 0;
  Line line = 0;
  Millis due = 0;
  Millis expires = 0;
  Bytes message;  // encoded; may be a part of its frame, which it holds in memory
};

// Messages on their way to a shard, which copies them (`Bytes::compact`): parts of the first few frames. Behind these
// they are copied here, or a few small messages could hold many frames in memory.
class HandOut {
 public:
  Bytes operator()(const Look& look) {
    if (look.frame != frame_) ++frames_;
    frame_ = look.frame;
    return frames_ <= most_frames ? look.message : look.message.compact();
  }

 private:
  static constexpr int most_frames = 8;
  store::Address frame_ = 0;
  int frames_ = 0;
};

// The newest messages of all logs, within one bound in bytes: whoever is oldest goes first. A shelf has one log's,
// without gaps.
class Recent {
 public:
  static constexpr std::size_t limit = 16 << 20;
  struct Item {
    Line line = 0;
    Millis due = 0;
    Millis expires = 0;
    store::Address frame = 0;
    Bytes message;
  };
  struct Shelf {
    Seq first = 0;
    std::deque<Item> items;
    Item* find(Seq seq) { return seq >= first && seq - first < items.size() ? &items[seq - first] : nullptr; }
  };
  // Behind a gap the shelf begins anew.
  void add(Shelf& shelf, Seq seq, Item item);

 private:
  struct Place {
    Shelf* shelf;
    Seq seq;
    bool is_taken() const { return !shelf->items.empty() && shelf->first <= seq; }
  };
  void drop_first(Shelf& shelf);

  std::deque<Place> order_;
  std::size_t bytes_ = 0;
};

struct Log {
  Log(LogId log, LogOptions how) : id(log), options(std::move(how)), index(log) {}

  // The first message at or behind `seq` that there is. Nothing: none is, or its frame is not written yet (the group
  // being put together).
  Result<std::optional<Look>> look(Seq seq, OpenFrames& frames, store::View& view);
  // When a run's messages were published. The one that was asked for last is remembered: retention asks for its oldest
  // at each tick.
  Result<WallTime> time_of(const Run& run, store::Journal& journal, int model);
  // Takes the newest message into `recent`, unless whoever is furthest is still too far behind to find it there.
  void remember(Recent& all, Seq seq, Recent::Item item);

  const LogId id;
  LogOptions options;
  Seq begin = 1;    // before it retention has trimmed
  Seq next = 1;     // the next message's
  Seq durable = 1;  // before it all is synced: what readers may see
  RunIndex index;
  store::Address last_frame = 0;  // that a message was added to
  Recent::Shelf recent;
  bool dirty = true;

 private:
  Seq furthest_ = 0;          // that was looked at
  store::Address timed_ = 0;  // a run's frame and first message, and when it was published
  Seq timed_first_ = 0;
  WallTime time_{};
};

}  // namespace parley::queue::embedded
