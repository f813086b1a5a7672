// GroupState: what one consumer has seen of a log: a queue's one group, or a group of a topic. Everything before the
// cursor is settled unless it is in the open set or among the dead letters; nothing behind the cursor has been looked
// at, except messages with a due time, which are open from the start.
//
// The functions that take a record change the state as it says, live and in a replay alike. Used on the ledger's
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "queue/embedded/live_map.h"
#include "queue/embedded/log.h"
#include "queue/embedded/open_set.h"
#include "queue/embedded/records.h"

namespace parley::queue::embedded {

class LeaseOp;

struct DeadLetter {
  std::uint32_t attempts = 0;
  Millis since = 0;
  Line line = 0;
  std::uint64_t frame = 0;
  std::string reason;
  template <class Each>
  void fields(Each& each) {
    each(attempts), each(since), each(line), each(frame), each(reason);
  }
};

class GroupState {
 public:
  GroupState(GroupId id, Log& log, LiveMap& live, OpenSet::Bounds bounds)
      : id_(id), log_(log), live_(live), open_(id, bounds) {}

  GroupId id() const { return id_; }
  Log& log() const { return log_; }
  const GroupOptions& options() const { return options_; }
  bool is_queue() const { return !log_.options.topic; }
  Seq cursor() const { return std::max(cursor_, log_.begin); }
  bool paused() const { return paused_; }
  const OpenSet& open() const { return open_; }
  // Brings an open message to memory, to decide about it. Null: not open.
  const Open* fetch(Seq seq, store::View& view) { return open_.fetch(seq, view); }

  std::uint64_t ahead() const { return is_queue() ? ahead_ : log_.next - cursor(); }
  std::uint64_t waiting() const { return ahead() + open_.ready_count() + open_.parked_count(); }
  std::uint64_t dead() const { return dead_; }
  // Whether the cursor offers the message when it comes to it. One with a due time (that is not before the cursor) it
  // does if that has come and the message keeps its place in its line; else such a message is open, or was settled.
  bool is_ahead(Seq seq, bool has_due, store::View& view) const;
  // Whether the message is needed still.
  bool needs(Seq seq, bool has_due, store::View& view) const;
  // How many more may be leased now.
  std::size_t room() const;
  // When a lease runs out or a message falls due.
  std::optional<Millis> next_event() const;
  Result<std::optional<DeadLetter>> dead_letter(Seq seq, store::View& view) const;
  // The first message that is not settled, dead letters aside; the log's next one where all are.
  Seq first_unsettled(store::View& view) const;

  // The same, with the dead letters: nothing before it is needed (queues).
  Seq first_needed(store::View& view) const;

  void declare(GroupOptions options, store::View& view);
  void begin_at(Seq cursor);
  void published(const Published& record, store::Address frame, store::View& view);
  void moved(Seq seq, store::Address to, store::View& view);
  void apply(const Leased& record, store::View& view);
  void apply(const Extended& record, store::View& view);
  void apply(const Settled& record, Millis now, store::View& view);
  void apply(const Returned& record, Millis now, store::View& view);
  void apply(const Passed& record, Millis now, store::View& view);
  void apply(const FellDue& record, store::View& view);
  void apply(const Redriven& record, Millis now, store::View& view);
  void apply(const Purged& record, store::View& view);
  void apply(const Paused& record) { paused_ = record.paused; }
  void apply(const Seeked& record, store::View& view);
  void apply(const Shifted& record, store::View& view);
  // Retention has taken what is before the log's begin.
  void trimmed(store::View& view);

  void save(store::View& view);
  void load(Reader& in);
  // Of a topic: all that it has in the view goes.
  void remove(store::View& view);

  // Who waits for a message, in the order of asking; not part of the state.
  std::deque<LeaseOp*> waiters;
  // They are to be looked after at the end of the turn.
  bool touched = false;
  // It was said that no more keys can be busy.
  bool told_busy = false;
  bool dirty = true;

 private:
  void enter(const Taken& taken, Open open, store::View& view);
  void finish(Seq seq, store::View& view);
  void bury(Seq seq, std::string_view reason, Millis now, store::View& view);
  void purge_ahead(Seq to, store::View& view);
  void leave_place(Seq seq, store::View& view);
  bool unbury(Seq seq, DeadLetter& out, store::View& view);
  void free_line(Line line, Seq seq, store::View& view);

  const GroupId id_;
  Log& log_;
  LiveMap& live_;
  GroupOptions options_;
  Seq cursor_ = 1;
  std::uint64_t ahead_ = 0;     // of a queue: not looked at yet, without those that are open for their due time
  std::uint64_t in_place_ = 0;  // of those ahead: how many have a due time
  std::uint64_t dead_ = 0;
  bool paused_ = false;
  OpenSet open_;
};

}  // namespace parley::queue::embedded
