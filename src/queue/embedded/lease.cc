// Deciding what a lease gets: what is ready again first, then what the cursor has not looked at. What the cursor passes
// is recorded (leased, parked behind its key, expired), so it is never looked at twice.
#include <algorithm>
#include <utility>

#include "queue/embedded/model.h"
#include "queue/embedded/ops.h"

namespace parley::queue::embedded {
namespace {

class Decision {
 public:
  Decision(Model& model, LeaseOp& op, GroupState& state, store::Group& group)
      : model_(model), op_(op), state_(state), group_(group), now_(millis(group.time())) {}

  // False: nothing was found. An error is the operation's.
  bool run() {
    room_ = std::min(op_.max_messages, state_.room());
    if (room_ == 0) return false;
    Result<void> did = fall_due(model_, state_, group_);
    if (did) did = take_ready();
    if (did) did = take_ahead();
    if (did) did = record();
    if (!did) {
      op_.got.clear();
      op_.error = refused(did.error());
      return true;
    }
    return !op_.got.empty();
  }

 private:
  bool is_full() const { return full_ || leased_.taken.size() >= room_; }
  bool expired(const Look& look) const { return look.expires != 0 && look.expires <= now_; }
  // False: it is one too many bytes.
  bool take(const Look& look, Taken taken, int attempt) {
    const std::size_t size = look.message.size();
    if (!op_.got.empty() && bytes_ + size > op_.max_bytes) {
      full_ = true;
      return false;
    }
    bytes_ += size;
    leased_.taken.push_back(taken);
    op_.got.push_back({look.seq, 0, attempt, hand_out_(look)});
    return true;
  }

  Result<void> take_ready() {
    int steps = model_.options().steps;
    for (const Seq seq : state_.open().ready()) {
      if (is_full() || --steps < 0) break;
      const Result<std::optional<Look>> look = model_.look(state_, seq);
      if (!look) return fail(look.error());
      if (!*look || (*look)->seq != seq) {
        // A frame that is being put together can be read in the next turn; else retention has taken the message.
        if (*look || seq < state_.log().begin) {
          passed_.gone.push_back(seq);
        } else {
          model_.look_after_sync(state_);
        }
      } else if (expired(**look)) {
        passed_.expired.push_back({.seq = seq});
      } else if (!take(**look, {.seq = seq}, static_cast<int>(state_.open().find(seq)->attempts) + 1)) {
        break;
      }
    }
    return {};
  }

  Result<void> take_ahead() {
    cursor_ = state_.cursor();
    if (state_.ahead() == 0) return {};
    const bool queue = state_.is_queue();
    int steps = model_.options().steps;
    for (; !is_full(); ++cursor_) {
      const Result<std::optional<Look>> looked = model_.look(state_, cursor_);
      if (!looked) return fail(looked.error());
      if (!*looked) {
        if (cursor_ < state_.log().next) model_.look_after_sync(state_);
        return {};
      }
      if (--steps < 0) {
        more_ = true;
        return {};
      }
      const Look& look = **looked;
      cursor_ = look.seq;
      if (!state_.is_ahead(look.seq, look.due != 0, model_.view())) continue;
      const Taken taken{.seq = look.seq, .ahead = true, .line = look.line, .frame = queue ? look.frame : 0};
      const bool keyed = state_.options().keyed && look.line != 0;
      if (expired(look)) {
        passed_.expired.push_back(taken);
      } else if (keyed && (state_.open().is_busy(look.line) || is_taken(look.line) || is_held(look.line))) {
        passed_.parked.push_back(taken);
      } else if ((keyed && state_.open().lines() >= model_.options().busy_lines) || !take(look, taken, 1)) {
        return {};
      }
    }
    return {};
  }

  bool is_taken(Line line) const {
    return std::any_of(leased_.taken.begin(), leased_.taken.end(),
                       [&](const Taken& taken) { return taken.ahead && taken.line == line; });
  }

  // By one that is on its way to the dead letters.
  bool is_held(Line line) const {
    return state_.options().followers_wait &&
           std::any_of(passed_.expired.begin(), passed_.expired.end(),
                       [&](const Taken& taken) { return taken.ahead && taken.line == line; });
  }

  // What is leased goes first: it makes its lines busy, which others are parked behind.
  Result<void> record() {
    passed_.group = state_.id();
    passed_.cursor = cursor_;
    const bool passes = !passed_.parked.empty() || !passed_.expired.empty() || !passed_.gone.empty();
    if (!leased_.taken.empty()) {
      leased_.group = state_.id();
      leased_.until = now_ + op_.lease;
      leased_.token = model_.next_tokens(leased_.taken.size());
      leased_.cursor = cursor_;
      for (std::size_t i = 0; i < op_.got.size(); ++i) op_.got[i].token = leased_.token + i;
      if (passes) {
        if (auto found = room_for_both(); !found) return found;
      }
      if (auto added = model_.add(group_, leased_); !added) return added;
    }
    if (passes || (leased_.taken.empty() && cursor_ > state_.cursor())) {
      if (auto added = model_.add(group_, passed_); !added) return added;
    }
    if (more_ && leased_.taken.empty()) model_.look_again(state_);
    return {};
  }

  // The cursor passes with the first record what only the second one keeps.
  Result<void> room_for_both() {
    std::string record;
    write(leased_, record);
    const std::size_t bytes = record.size();
    write(passed_, record);
    return group_.room(2, bytes + record.size());
  }

  Model& model_;
  LeaseOp& op_;
  GroupState& state_;
  store::Group& group_;
  const Millis now_;
  std::size_t room_ = 0;
  std::size_t bytes_ = 0;
  HandOut hand_out_;
  bool full_ = false;
  bool more_ = false;
  Seq cursor_ = 0;
  Leased leased_;
  Passed passed_;
};

}  // namespace

Result<void> fall_due(Model& model, GroupState& state, store::Group& group) {
  const Millis now = millis(group.time());
  const auto& delayed = state.open().delayed();
  if (delayed.empty() || delayed.begin()->first > now) return {};
  const auto most = static_cast<std::size_t>(model.options().steps);
  if (state.open().ready_count() >= most) return {};
  FellDue record{.group = state.id(), .seqs = {}};
  for (const auto& [due, seq] : delayed) {
    if (due > now || record.seqs.size() >= most) break;
    record.seqs.push_back(seq);
  }
  return model.add(group, record);
}

bool Model::lease(LeaseOp& op, GroupState& state, store::Group& group) {
  return Decision(*this, op, state, group).run();
}

void Model::look_after_sync(GroupState& state) {
  if (std::find(unwritten_.begin(), unwritten_.end(), &state) == unwritten_.end()) unwritten_.push_back(&state);
}

void Model::look_again(GroupState& state) {
  if (state.touched) return;
  state.touched = true;
  touched_.push_back(&state);
}

Op::Step LeaseOp::run(Model& model, store::Group& group) {
  const Result<GroupState*> found = model.group(source);
  if (!found) {
    error = found.error();
    return Step::complete;
  }
  GroupState& state = **found;
  if (state.waiters.empty() && model.lease(*this, state, group)) return Step::complete;
  if (!may_wait) return Step::complete;
  if (state.waiters.size() >= model.options().waiters) {
    error = Error(Code::resource_exhausted, Blame::caller, "too many wait for messages of \"" + source.name + "\"");
    return Step::complete;
  }
  state.waiters.push_back(this);
  waits_in = &state;
  return Step::waits;
}

Op::Step CancelOp::run(Model& model, store::Group&) {
  if (lease != nullptr && lease->waits_in != nullptr) {
    std::erase(lease->waits_in->waiters, lease);
    lease->waits_in = nullptr;
    lease->completions->completed(*lease);
  }
  if (read != nullptr && read->waits_in != nullptr) {
    std::erase(read->waits_in->readers, read);
    read->waits_in = nullptr;
    if (!read->error) read->fill(model);
    read->completions->completed(*read);
  }
  return Step::complete;
}

}  // namespace parley::queue::embedded
