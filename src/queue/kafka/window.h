// Window: the messages of one partition that a consumer holds: read from Kafka, not all settled. It decides who may be
// handed out next (keys in order, one at a time), and gives the progress to commit. Pure state: time is an argument.
// Used on its consumer's thread.
//
// Invariants: `entries_` are the open messages below `next_`, in order of their offsets; what is below `next_` and not
// in it is settled. With keys, an entry is handed out only if no earlier entry of its key is open.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/deadline.h"
#include "base/wall_time.h"
#include "queue/kafka/progress.h"
#include "queue/kafka/record.h"

namespace parley::queue::kafka {

// How far ahead a message may be due: until then its partition's window has it.
inline constexpr std::chrono::milliseconds longest_schedule = std::chrono::minutes(15);

class Window {
 public:
  struct Limits {
    std::int64_t offsets = 4096;   // from the watermark to the last one read; a bitmap of it fits into a commit
    std::size_t open = 2000;       // messages
    std::size_t bytes = 16 << 20;  // of them
    std::size_t attempted = 250;   // open and delivered before: their attempts fit into a commit
    Duration longest_delay = std::chrono::hours(24);  // of a due time that was read back: clocks jump
  };
  enum class State : std::uint8_t { waiting, leased, delayed, dying };
  struct Entry {
    Record record;
    State state = State::waiting;
    int attempts = 0;
    std::uint64_t lease = 0;      // leased: which
    Instant when{};               // leased: until; delayed: until
    std::optional<WallTime> due;  // delayed
    bool is_cut_off = false;    // its last attempt ended without a word: the lease ran out, or its consumer was killed
    bool is_scheduled = false;  // was published with a due time that is to come: no follower of its key waits for it
  };
  struct Now {
    Instant steady;
    WallTime wall;
  };

  Window(const Progress& from, bool keyed, Limits limits);

  // From Kafka, in order. One that was settled before or was seen already is dropped.
  void add(Record record, const Now& now);
  // Nothing is to be read on before `has_room`.
  bool is_full() const;
  bool has_room() const;

  // The first that may be handed out; nothing if there is none.
  std::optional<std::int64_t> first_ready() const;
  // Hands it out: counts an attempt.
  const Entry& lease(std::int64_t offset, std::uint64_t lease, Instant until);
  // Null if it is not open (any more).
  const Entry* find(std::int64_t offset) const;

  void extend(std::int64_t offset, Instant until);
  void settle(std::int64_t offset);
  void retry(std::int64_t offset, Duration delay, const Now& now);
  void release(std::int64_t offset);  // the attempt is not counted
  // It is being written to the dead letters; ends with `settle` or `retry`.
  void bury(std::int64_t offset);
  void put_back(std::int64_t offset);  // waits again; attempts stay

  // Leases that ran out and delays that are over: they wait again. Returns the leases that ended.
  std::vector<std::uint64_t> tick(Instant now);
  // When to call `tick` next.
  std::optional<Instant> next_tick() const;

  // Settles all that wait (and, with `delayed`, only those that are delayed). Returns how many.
  std::uint64_t purge(State which);
  // Everything that is not open is settled, up to `end`: what was not read will not be handed out. Returns how many.
  std::uint64_t skip_to(std::int64_t end);

  Progress progress() const;
  std::int64_t watermark() const;
  std::int64_t next() const { return next_; }
  std::size_t count(State state) const { return counts_[static_cast<std::size_t>(state)]; }
  const std::map<std::int64_t, Entry>& entries() const { return entries_; }

 private:
  void set_state(Entry& entry, State state);
  void delay(std::int64_t offset, Entry& entry, WallTime due, const Now& now);
  void set_timer(std::int64_t offset, Entry& entry, Instant when);
  void clear_timer(std::int64_t offset, const Entry& entry);
  bool is_head(std::int64_t offset, const Entry& entry) const;
  void refresh_ready(std::int64_t offset, const Entry& entry);
  void join_chain(std::int64_t offset, const Entry& entry);
  void leave_chain(std::int64_t offset, const Entry& entry);
  const OpenMessage* restored(std::int64_t offset) const;

  bool keyed_;
  Limits limits_;
  Progress restored_;  // what a commit said about offsets that were not read again yet
  std::int64_t restored_end_;
  std::int64_t next_;
  std::map<std::int64_t, Entry> entries_;
  std::unordered_map<std::string, std::deque<std::int64_t>> chains_;  // open ones of a key, in order
  std::set<std::int64_t> ready_;
  std::set<std::pair<Instant, std::int64_t>> timers_;
  std::size_t counts_[4] = {};
  std::size_t bytes_ = 0;
  std::size_t attempted_ = 0;
};

}  // namespace parley::queue::kafka
