// RunIndex: where the messages of one log are. A run is what one frame holds of the log: the frame's address and, for
// each message, its offset in the frame's body; the view has one entry a run, so a frame of many messages costs one
// write. Runs do not overlap; between them may be gaps, where messages were settled and their frames dropped.
// Used on the ledger's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "queue/embedded/records.h"
#include "store/ledger.h"

namespace parley::queue::embedded {

struct Run {
  struct Place {
    Seq seq;
    std::uint32_t offset;
    bool has_due;  // open since it was published, wherever the cursor is
  };
  store::Address frame = 0;
  std::vector<Place> places;  // sorted, at least one

  Seq first() const { return places.front().seq; }
  Seq last() const { return places.back().seq; }
  // The first that is not before `seq`; null behind the last.
  const Place* from(Seq seq) const;
};
using RunPtr = std::shared_ptr<const Run>;

class RunIndex {
 public:
  explicit RunIndex(LogId log) : log_(log) {}

  // The message's record was added. Consecutive ones of a frame make one run.
  void append(Seq seq, bool has_due, store::RecordPlace place, store::View& view);
  // The message's record is elsewhere now; `run` is the first of the run it was in, which goes once the first comes.
  void move(Seq run, Seq seq, bool has_due, store::RecordPlace place, store::View& view);
  // The run that has `seq` or, where none has, the first one behind it. Errors: the view's.
  Result<RunPtr> at_or_after(Seq seq, store::View& view);
  // Forgets runs that end before `seq`.
  void remove_before(Seq seq, store::View& view);
  void remove(Seq first, store::View& view);
  // Writes what is in memory only.
  void save(store::View& view);

 private:
  void flush(std::shared_ptr<Run>& run, store::View& view);
  RunPtr cached(Seq seq) const;
  RunPtr keep(RunPtr run);

  LogId log_;
  std::shared_ptr<Run> open_;   // of the newest frame, not in the view yet
  std::shared_ptr<Run> moved_;  // the same of moved messages
  Seq moved_from_ = 0;
  std::vector<RunPtr> recent_;  // a few that were read last
  std::size_t next_recent_ = 0;
};

}  // namespace parley::queue::embedded
