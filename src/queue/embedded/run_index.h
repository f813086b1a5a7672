// RunIndex: in which frame the messages of one log are. A run is what one frame holds of the log; the view has one
// small entry a run, however many messages that is, and where in the frame each of them is, the frame itself says. Runs
// do not overlap; between them may be gaps, where messages were settled and their frames dropped. Used on the ledger's
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "queue/embedded/records.h"
#include "store/ledger.h"

namespace parley::queue::embedded {

struct Run {
  // Messages with consecutive numbers.
  struct Stretch {
    Seq first;
    Seq end;       // the number behind the last one's
    bool has_due;  // open since they were published, wherever the cursor is
  };
  store::Address frame = 0;
  std::vector<Stretch> stretches;  // in order, at least one

  Seq first() const { return stretches.front().first; }
  Seq last() const { return stretches.back().end - 1; }
  // The stretch that has `seq` or, where none has, the first one behind it; null behind the last.
  const Stretch* at_or_after(Seq seq) const;
  // Adds one behind the last.
  void push_back(Seq seq, bool has_due);
};
using RunPtr = std::shared_ptr<const Run>;

class RunIndex {
 public:
  explicit RunIndex(LogId log) : log_(log) {}

  // The message's record was added to `frame`. Consecutive ones of a frame make one run.
  void append(Seq seq, bool has_due, store::Address frame, store::View& view);
  // The message's record is elsewhere now; `run` is the first of the run it was in, which goes once the first comes.
  void move(Seq run, Seq seq, bool has_due, store::Address frame, store::View& view);
  // The run that has `seq` or, where none has, the first one behind it. Errors: the view's.
  Result<RunPtr> at_or_after(Seq seq, store::View& view);
  // Forgets runs that end before `seq`.
  void remove_before(Seq seq, store::View& view);
  void remove(Seq first, store::View& view);
  // Writes what is in memory only.
  void save(store::View& view);

 private:
  void flush(std::shared_ptr<Run>& run, store::View& view);
  RunPtr cached(Seq seq);
  RunPtr keep(RunPtr run);

  LogId log_;
  std::shared_ptr<Run> open_;   // of the newest frame, not in the view yet
  std::shared_ptr<Run> moved_;  // the same of moved messages
  Seq moved_from_ = 0;
  std::vector<RunPtr> recent_;  // a few that were read last
  std::size_t next_recent_ = 0;
  std::size_t found_ = 0;  // which of these was wanted last: most likely the next one too
};

}  // namespace parley::queue::embedded
