// The operations of queue::Broker and queue::Backend, as the ledger's thread runs them (op.h). The first fields of each
// are what is asked, the rest what came of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "queue/broker.h"
#include "queue/embedded/model.h"
#include "queue/embedded/op.h"

namespace parley::queue::embedded {

class PublishOp final : public Op {
 public:
  std::string to;
  Bytes message;  // encoded
  Line line = 0;
  std::string dedup;
  Millis due = 0;
  Millis expires = 0;

  std::string id;  // a duplicate's: the first one's
  Seq seq = 0;
  bool duplicate = false;

  Step run(Model& model, store::Group& group) override;
  void synced(Model& model) override;
  bool stores() const override { return true; }
  std::size_t bytes() const override { return message.size() + dedup.size() + head_bytes; }

 private:
  friend class PublishAllOp;
  static constexpr std::size_t head_bytes = 96;  // a record's other fields, at most
  // Where it is to be stored; null where it is not: it failed, or was there before.
  Channel* check(Model& model, store::Group& group);
  void store(Model& model, Channel& channel, store::Group& group);
  bool find_duplicate(Model& model, Channel& channel, store::Group& group);
  Channel* channel_ = nullptr;
};

// All of them or none: in one group, which is one frame of the journal.
class PublishAllOp final : public Op {
 public:
  std::vector<PublishOp> parts;

  Step run(Model& model, store::Group& group) override;
  void synced(Model& model) override {
    for (PublishOp& part : parts) part.synced(model);
  }
  bool stores() const override { return true; }
  std::size_t bytes() const override;
};

class LeaseOp final : public Op {
 public:
  struct Leased {
    Seq seq;
    std::uint64_t token;
    int attempt;
    Bytes message;
  };
  Source source;
  std::size_t max_messages = 1;
  std::size_t max_bytes = 0;
  Millis lease = 0;
  bool may_wait = true;

  std::vector<Leased> got;

  Step run(Model& model, store::Group& group) override;

  GroupState* waits_in = nullptr;
};

// Ends the waiting of a LeaseOp or a ReadOp, which then completes as it is.
class CancelOp final : public Op {
 public:
  LeaseOp* lease = nullptr;
  class ReadOp* read = nullptr;
  Step run(Model& model, store::Group& group) override;
};

// What a lease's text names.
struct Grip {
  Seq seq = 0;
  std::uint64_t token = 0;
};
std::string text_of(const Grip& grip);
std::optional<Grip> grip_of(std::string_view text);

class ExtendOp final : public Op {
 public:
  Source source;
  Grip grip;
  Millis by = 0;
  Step run(Model& model, store::Group& group) override;
};

class SettleOp final : public Op {
 public:
  Source source;
  Grip grip;
  Settlement how;
  Step run(Model& model, store::Group& group) override;
};

class PeekOp final : public Op {
 public:
  struct Found {
    Seq seq;
    int attempts;
    Millis due;
    Millis since;
    std::string reason;
    Bytes message;
  };
  PeekRequest request;
  Seq after = 0;
  std::vector<Found> found;
  Step run(Model& model, store::Group& group) override;

 private:
  Result<void> take(Model& model, GroupState& state, Seq seq);
  Result<void> take_dead(Model& model, GroupState& state);
  Result<void> add_ahead(Model& model, GroupState& state, std::size_t most, std::vector<Seq>& seqs);
};

// Where one message is, by its number.
class FindOp final : public Op {
 public:
  Source source;
  Seq seq = 0;
  std::optional<Shelf> shelf;  // nothing: settled, or never there
  PeekOp::Found found{};
  Step run(Model& model, store::Group& group) override;
};

class RedriveOp final : public Op {
 public:
  Source source;
  std::vector<Seq> which;
  bool all = false;
  std::uint64_t count = 0;
  Step run(Model& model, store::Group& group) override;

 private:
  Seq from_ = 0;
  std::uint64_t left_ = 0;
  bool begun_ = false;
};

class PurgeOp final : public Op {
 public:
  Source source;
  Shelf shelf = Shelf::waiting;
  std::uint64_t count = 0;
  Step run(Model& model, store::Group& group) override;

 private:
  std::vector<Seq> some(Model& model, GroupState& state);
  Seq to_ = 0;  // messages that come later stay
};

class PauseOp final : public Op {
 public:
  Source source;
  bool paused = false;
  Step run(Model& model, store::Group& group) override;
};

class StatsOp final : public Op {
 public:
  Source source;
  Stats stats;
  Step run(Model& model, store::Group& group) override;
};

class ReadOp final : public Op {
 public:
  std::string topic;
  From from;
  Seq next = 0;  // the first that is wanted; 0: as `from` says
  std::size_t max_messages = 100;
  std::size_t max_bytes = 0;
  bool may_wait = true;

  struct Got {
    Seq seq;
    Bytes message;
  };
  std::vector<Got> got;

  Step run(Model& model, store::Group& group) override;
  // What there is and synced. False: nothing.
  bool fill(Model& model);
  Channel* waits_in = nullptr;

 private:
  Channel* channel_ = nullptr;
};

class CommitOp final : public Op {
 public:
  Source source;
  From to;
  Step run(Model& model, store::Group& group) override;
};

class DeleteGroupOp final : public Op {
 public:
  Source source;
  Step run(Model& model, store::Group& group) override;
};

class CheckpointOp final : public Op {
 public:
  Source source;
  Seq seq = 0;  // the last that is behind it; 0: none
  Step run(Model& model, store::Group& group) override;
};

class DeclareOp final : public Op {
 public:
  const Declarations* wanted = nullptr;
  // Not `stores`: a few bytes, without which a start on a full disk could not go on consuming.
  Step run(Model& model, store::Group& group) override;

 private:
  Result<void> log(Model& model, store::Group& group, LogOptions options);
  Result<void> consumer(Model& model, store::Group& group, const Consumer& wanted);
};

class ListOp final : public Op {
 public:
  std::vector<Source> sources;
  Step run(Model& model, store::Group& group) override;
};

// The first message that a reader or a group that begins at `from` is to see.
Result<Seq> start_of(const From& from, Log& log, Model& model);
// A position's number: 0 for "". invalid_argument.
Result<Seq> seq_of(const Position& position);
// Makes a group of a topic.
Result<GroupState*> make_group(Model& model, store::Group& group, Channel& channel, GroupOptions options, Seq cursor);
// What has fallen due is ready.
Result<void> fall_due(Model& model, GroupState& state, store::Group& group);
// A step of making room in the journal (compact.cc). When the next is due, if there is one.
std::optional<Millis> compact(Model& model, store::Group& group);
// Common refusals.
Error lease_lost();
Error refused(const Error& why);

}  // namespace parley::queue::embedded
