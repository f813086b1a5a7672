// Model: all queues and topics of a node, as the ledger sees them: it applies records, saves and loads the state, and
// lets time pass. Decisions are the operations' (ops.h) and the ticks' (tick.cc); they change nothing but by adding
// records. Used on the ledger's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/broker.h"
#include "queue/embedded/group_state.h"
#include "queue/embedded/live_map.h"
#include "queue/embedded/log.h"
#include "queue/embedded/op.h"
#include "queue/embedded/records.h"
#include "store/ledger.h"

namespace parley::queue::embedded {

class ReadOp;

struct ModelOptions {
  int number = 0;  // the ledger's for this model
  OpenSet::Bounds bounds;
  std::size_t busy_lines = 65'536;          // a group's; at so many keys that wait for a retry its cursor stops
  std::size_t waiters = 16'384;             // a group's
  std::uint64_t compact_above = 256 << 20;  // bytes of journal; below, space is not worth moving messages for
  int steps = 1'024;  // messages that one decision looks at, at most, before others get their turn
};

inline Millis millis(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime wall(Millis millis) { return WallTime(WallTime::duration(millis)); }

// A queue or topic with its groups; a queue has one, called "".
struct Channel {
  Channel(LogId id, LogOptions options) : log(id, std::move(options)) {}
  Log log;
  std::map<std::string, GroupState*, std::less<>> groups;
  std::vector<ReadOp*> readers;  // who waits for more
  Millis forgot_until = 0;       // dedup entries that end before this are gone
  Seq forgot_seq = 0;
};

class Model final : public store::Model {
 public:
  explicit Model(ModelOptions options);
  ~Model() override;

  void apply(std::string_view record, store::RecordPlace place, WallTime time, store::View& view) override;
  void save(store::View& view) override;
  Result<void> load(store::View& view) override;
  std::optional<WallTime> tick(store::Group& group) override;
  std::optional<WallTime> due() const override;
  store::Address needed_from(store::View& view) override;

  // Before the first operation. `again` asks for a turn on the ledger's thread, soon: `run_turn` is to be called.
  void attach(store::Journal& journal, store::View& view, std::function<void()> again);
  // A turn: runs `ops`, and whoever waited for what they did; then, after the sync, `end_turn` with what that gave.
  std::vector<Op*> run_turn(std::vector<Op*> ops, store::Group& group);
  void end_turn(const std::vector<Op*>& finished, const Result<void>& durable);

  // For operations.
  const ModelOptions& options() const { return options_; }
  store::Journal& journal() { return *journal_; }
  store::View& view() { return *view_; }
  Channel* find(std::string_view name);
  // not_found.
  Result<Channel*> channel(std::string_view name);
  Result<GroupState*> group(const Source& source);
  const std::map<std::string, Channel*, std::less<>>& channels() const { return by_name_; }
  LogId next_log() const { return static_cast<LogId>(logs_.size()); }
  // The lowest that no group has.
  GroupId next_group() const;
  std::uint64_t next_tokens(std::size_t count) { return (token_ += count) - count; }
  Recent& recent() { return recent_; }
  OpenFrames& frames() { return frames_; }
  template <class Record>
  Result<void> add(store::Group& group, const Record& record) {
    write(record, scratch_);
    return group.add(options_.number, scratch_);
  }
  Result<std::optional<Look>> look(GroupState& group, Seq seq) { return group.log().look(seq, frames_, *view_); }
  // Leases for `op` what there is. False: nothing is, and `op` may wait.
  bool lease(LeaseOp& op, GroupState& state, store::Group& group);
  // Who waits in `state` is looked after once more: in the next turn; after the sync, when a frame can be read.
  void look_again(GroupState& state);
  void look_after_sync(GroupState& state);
  void read_ready(Channel& channel) { fed_.push_back(&channel); }

 private:
  friend class Tick;
  friend class Compaction;
  template <class Record>
  void to_group(Reader& from, Millis now, store::View& view);
  void apply_published(const Published& record, store::RecordPlace place, Millis now, store::View& view);
  void apply_moved(const Moved& record, store::RecordPlace place, store::View& view);
  void apply_trimmed(const Trimmed& record, store::View& view);
  void apply_forgot(const Forgot& record, store::View& view);
  void declare(const LogDeclared& record);
  void declare(const GroupDeclared& record, store::View& view);
  void apply_deleted(const GroupDeleted& record, store::View& view);
  void touch(GroupState& group);
  void serve(store::Group& group, std::vector<Op*>& finished);
  void feed_readers();
  void fail_all_later(const Error& why);

  ModelOptions options_;
  store::Journal* journal_ = nullptr;
  store::View* view_ = nullptr;
  std::function<void()> again_;
  std::vector<std::unique_ptr<Channel>> logs_;       // by id
  std::vector<std::unique_ptr<GroupState>> groups_;  // by id; null: deleted
  std::map<std::string, Channel*, std::less<>> by_name_;
  LiveMap live_;
  Recent recent_;
  OpenFrames frames_;
  std::vector<GroupState*> touched_;
  std::vector<GroupState*> unwritten_;
  std::vector<Channel*> fed_;
  std::vector<Op*> later_;
  std::uint64_t token_;
  store::Address compacting_ = 0;  // the next frame to look at; 0: none
  store::Address compact_to_ = 0;  // before it, frames' messages were moved on
  store::Address moved_to_ = 0;    // and all that is needed was
  bool skipped_ = false;           // something before `compact_to_` was not looked at: it could not be read
  Millis last_time_ = 0;
  std::string scratch_;
};

}  // namespace parley::queue::embedded
