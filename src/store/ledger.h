// Ledger: one thread that owns a journal and the view of it. Work from any thread joins a group: each piece decides on
// the state, adds records, and hears of the outcome once the group's single sync is done. Group commit: while one group
// is synced the next one gathers.
//
// What the records mean is a model's matter (queues and topics, event streams): the ledger gives each record back to
// the model that wrote it, in order, when it replays. A record says what happened, not what was asked, so replaying
// decides nothing: a model changes its state only in `apply`, which is given its records the same way live and in a
// replay. One group is one frame, so all records of one piece of work, whatever models they belong to, are durable
// together or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "base/wall_time.h"
#include "store/files.h"
#include "store/journal.h"
#include "store/view.h"

namespace parley::store {

// Where a record is: its frame, and the offset of its bytes in the frame's body.
struct RecordPlace {
  Address frame = 0;
  std::uint32_t offset = 0;
};

// The group that is being put together. Used within `Work::run` and `Model::tick`, on the ledger's thread.
class Group {
 public:
  virtual ~Group() = default;
  // The frame's time: what replays see as well. The wall clock's, which may jump, back too.
  virtual WallTime time() const = 0;
  // Adds a record of `model` and has it applied at once. resource_exhausted: the disk is full and this work may not
  // use the reserve (`Work::frees`; a tick may), or the group would be too large; nothing was added. A work that adds
  // several records and cannot do with the first ones alone asks for `room` before.
  virtual Result<void> add(int model, std::string_view record) = 0;
  // That records of so many bytes together can be added: then `add` does not fail. The same errors.
  virtual Result<void> room(std::size_t records, std::size_t bytes) = 0;
};

class Model {
 public:
  virtual ~Model() = default;
  // Changes the state. `record` lives as long as the call. `place` lets the model find the record's bytes again.
  virtual void apply(std::string_view record, RecordPlace place, WallTime time, View& view) = 0;
  // Writes whatever it holds in memory into the view: a checkpoint follows.
  virtual void save(View& view) = 0;
  // Reads that back, before the replay.
  virtual Result<void> load(View& view) = 0;
  // Called when the time it asked for last has come: leases that ran out, messages that fell due. Returns when next.
  virtual std::optional<WallTime> tick(Group& group) = 0;
  // Asked after every group: whether a tick is wanted sooner than the last one said (a lease began, say).
  virtual std::optional<WallTime> due() const { return std::nullopt; }
  // The lowest address that it still needs frames from; the journal's end or beyond: none. Asked after a
  // checkpoint, and time and again while the disk is full.
  virtual Address needed_from(View& view) = 0;
};

class Work {
 public:
  virtual ~Work() = default;
  // Whether it frees space: then it goes on when the disk is full.
  virtual bool frees() const { return false; }
  // On the ledger's thread: reads the models' state, adds records.
  virtual void run(Group& group) = 0;
  // On the ledger's thread, after the sync (or at once where the group was empty); an error is the store's: it halted.
  virtual void done(const Result<void>& durable) = 0;
};

struct LedgerOptions {
  JournalOptions journal{};
  ViewOptions view{};
  std::uint64_t checkpoint_bytes = 64 << 20;            // of journal between two checkpoints
  Duration checkpoint_every = std::chrono::seconds(5);  // if anything happened
  std::size_t group_bytes = 1 << 20;                    // no more work joins a group above that
};

class Ledger {
 public:
  // `models` are indexed by what `Group::add` is given, and outlive the ledger; replays before it returns, on the
  // calling thread. `clock` outlives it. Errors: data_loss with file and offset; failed_precondition: another process
  // has the folder, or a later version wrote it; resource_exhausted: no space for a first segment.
  static Result<std::unique_ptr<Ledger>> open(Files& files, const std::filesystem::path& folder,
                                              std::vector<Model*> models, const WallClock& clock,
                                              LedgerOptions options);
  virtual ~Ledger() = default;  // finishes what was submitted, and makes a last checkpoint

  // Any thread. `work` stays alive until `done` was called. Nothing at all: it looks at the clock again, which tests do
  // after they moved it.
  virtual void submit(std::span<Work* const> work) = 0;
  // From the ledger's thread only.
  virtual Journal& journal() = 0;
  virtual View& view() = 0;
  // Any thread. Why it halted, if it did: a failed sync, damage.
  virtual std::optional<Error> halted() const = 0;
  // Any thread. What has happened since it was opened.
  struct Counts {
    std::uint64_t groups = 0;  // each one frame and one sync
    std::uint64_t works = 0;
    std::uint64_t bytes = 0;  // of frames' bodies
    std::uint64_t checkpoints = 0;
    std::uint64_t refused = 0;  // records for which the disk was too full
    bool disk_full = false;
  };
  virtual Counts counts() const = 0;
};

}  // namespace parley::store
