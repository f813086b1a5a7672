// Redrive, purge, pause.
#include <algorithm>
#include <utility>

#include "queue/embedded/keys.h"
#include "queue/embedded/ops.h"
#include "queue/embedded/sure.h"

namespace parley::queue::embedded {
namespace {

using State = Open::State;

std::vector<Seq> dead_from(GroupState& state, Seq from, std::size_t most, store::View& view) {
  std::vector<Seq> seqs;
  sure(view.scan(keys::make(keys::dead, {state.id(), from}), keys::make(keys::dead, {std::uint64_t{state.id()} + 1}),
                 [&](std::string_view key, std::string_view) {
                   seqs.push_back(keys::part(key, 1));
                   return seqs.size() < most;
                 }));
  return seqs;
}

}  // namespace

Op::Step RedriveOp::run(Model& model, store::Group& group) {
  const Result<GroupState*> found = model.group(source);
  if (!found) {
    error = found.error();
    return Step::complete;
  }
  GroupState& state = **found;
  const auto most = static_cast<std::size_t>(model.options().steps);
  if (!begun_) {
    begun_ = true;
    left_ = all ? state.dead() : which.size();
    std::sort(which.begin(), which.end());
  }
  Redriven record{.group = state.id()};
  bool more = false;
  if (all) {
    record.seqs = dead_from(state, from_, std::min<std::uint64_t>(most, left_), model.view());
    left_ -= record.seqs.size();
    if (!record.seqs.empty()) from_ = record.seqs.back() + 1;
    more = left_ > 0 && !record.seqs.empty();
  } else {
    for (std::size_t looked = 0; looked < most && left_ > 0; ++looked) {
      const Seq seq = which[which.size() - left_--];
      const auto letter = state.dead_letter(seq, model.view());
      if (letter && *letter) record.seqs.push_back(seq);
    }
    more = left_ > 0;
  }
  if (!record.seqs.empty()) {
    const std::uint64_t dead = state.dead();
    Result<void> added = model.add(group, record);
    if (added) added = fall_due(model, state, group);
    count += dead - state.dead();
    if (!added) error = refused(added.error());
  }
  return more && !error ? Step::again : Step::complete;
}

std::vector<Seq> PurgeOp::some(Model& model, GroupState& state) {
  std::vector<Seq> seqs;
  const auto most = static_cast<std::size_t>(model.options().steps);
  const auto collect = [&](State which) {
    state.open().each_of(which, 0, model.view(), [&](Seq seq) {
      if (seq >= to_ || seqs.size() >= most) return false;
      seqs.push_back(seq);
      return true;
    });
  };
  switch (shelf) {
    case Shelf::dead: seqs = dead_from(state, 0, most, model.view()); break;
    case Shelf::delayed: collect(State::delayed); break;
    case Shelf::waiting:
      collect(State::parked);
      collect(State::ready);
      break;
    case Shelf::leased: break;
  }
  return seqs;
}

Op::Step PurgeOp::run(Model& model, store::Group& group) {
  const Result<GroupState*> found = model.group(source);
  if (found && shelf != Shelf::leased) {
    GroupState& state = **found;
    if (to_ == 0) to_ = state.log().next;
    const auto on_shelf = [&] {
      switch (shelf) {
        case Shelf::dead: return state.dead();
        case Shelf::delayed: return state.open().delayed_count();
        default: return state.waiting();
      }
    };
    Purged record{.group = state.id(), .seqs = some(model, state)};
    if (record.seqs.empty() && shelf == Shelf::waiting && state.cursor() < to_) {
      record.cursor = state.is_queue() ? std::min(to_, state.cursor() + static_cast<Seq>(model.options().steps)) : to_;
    }
    if (record.seqs.empty() && record.cursor == 0) return Step::complete;
    const std::uint64_t before = on_shelf();
    const Result<void> added = model.add(group, record);
    if (!added) {
      error = refused(added.error());
      return Step::complete;
    }
    const std::uint64_t after = on_shelf();
    count += before - std::min(before, after);
    return Step::again;
  }
  error =
      found ? Error(Code::invalid_argument, Blame::caller, "what is leased is in somebody's hands: it cannot be purged")
            : found.error();
  return Step::complete;
}

Op::Step PauseOp::run(Model& model, store::Group& group) {
  const Result<GroupState*> state = model.group(source);
  if (!state) {
    error = state.error();
  } else if ((*state)->paused() != paused) {
    if (auto added = model.add(group, Paused{.group = (*state)->id(), .paused = paused}); !added)
      error = refused(added.error());
  }
  return Step::complete;
}

}  // namespace parley::queue::embedded
