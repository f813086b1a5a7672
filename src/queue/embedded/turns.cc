// A model's turns: operations run, whoever waits for what they did is served in the same group, and after the sync all
// of them hear of it.
#include <algorithm>
#include <utility>

#include "queue/embedded/model.h"
#include "queue/embedded/ops.h"

namespace parley::queue::embedded {

void Model::touch(GroupState& group) {
  if (group.touched || group.waiters.empty()) return;
  group.touched = true;
  touched_.push_back(&group);
}

std::vector<Op*> Model::run_turn(std::vector<Op*> ops, store::Group& group) {
  if (!later_.empty()) {
    ops.insert(ops.begin(), later_.begin(), later_.end());
    later_.clear();
  }
  std::vector<Op*> finished;
  finished.reserve(ops.size());
  for (Op* op : ops) {
    switch (op->run(*this, group)) {
      case Op::Step::complete: finished.push_back(op); break;
      case Op::Step::again: later_.push_back(op); break;
      case Op::Step::waits: break;
    }
  }
  // Whoever waits is no worse off for a full disk: the next turn may use the reserve.
  const bool refused = std::any_of(finished.begin(), finished.end(), [](const Op* op) {
    return op->stores() && op->error && op->error->code() == Code::resource_exhausted;
  });
  if (!refused) serve(group, finished);
  if (!later_.empty() || !touched_.empty()) again_();
  return finished;
}

void Model::serve(store::Group& group, std::vector<Op*>& finished) {
  std::vector<GroupState*> groups;
  groups.swap(touched_);
  for (GroupState* state : groups) {
    state->touched = false;
    while (!state->waiters.empty()) {
      LeaseOp* op = state->waiters.front();
      if (!lease(*op, *state, group)) break;
      state->waiters.pop_front();
      op->waits_in = nullptr;
      finished.push_back(op);
    }
  }
}

void Model::end_turn(const std::vector<Op*>& finished, const Result<void>& durable) {
  for (Op* op : finished) {
    if (!durable) {
      op->error = durable.error();
    } else if (!op->error) {
      op->synced(*this);
    }
    op->completions->completed(*op);
  }
  if (durable) {
    for (GroupState* state : std::exchange(unwritten_, {})) touch(*state);
    if (!touched_.empty()) again_();
    return feed_readers();
  }
  // Halted: nobody is served any more.
  const auto fail_all = [&](auto& waiting) {
    for (auto* op : waiting) {
      op->error = durable.error();
      op->waits_in = nullptr;
      op->completions->completed(*op);
    }
    waiting.clear();
  };
  for (const auto& group : groups_) {
    if (group != nullptr) fail_all(group->waiters);
  }
  for (const auto& channel : logs_) fail_all(channel->readers);
  fail_all_later(durable.error());
}

void Model::fail_all_later(const Error& why) {
  for (Op* op : std::exchange(later_, {})) {
    op->error = why;
    op->completions->completed(*op);
  }
}

void Model::feed_readers() {
  for (Channel* channel : std::exchange(fed_, {})) {
    std::vector<ReadOp*> waiting = std::exchange(channel->readers, {});
    for (ReadOp* op : waiting) {
      if (op->fill(*this)) {
        op->waits_in = nullptr;
        op->completions->completed(*op);
      } else {
        channel->readers.push_back(op);
      }
    }
  }
}

}  // namespace parley::queue::embedded
