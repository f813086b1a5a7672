// Looking inside: peek, stats, list.
#include <algorithm>
#include <utility>

#include "queue/embedded/keys.h"
#include "queue/embedded/message_codec.h"
#include "queue/embedded/ops.h"

namespace parley::queue::embedded {
namespace {

using State = Open::State;

Result<std::optional<WallTime>> time_at(Model& model, Log& log, Seq seq) {
  const auto look = log.look(seq, model.frames(), model.view());
  if (!look) return fail(look.error());
  if (!*look) return std::nullopt;
  return time_of((*look)->message.view());
}

}  // namespace

Op::Step PeekOp::run(Model& model, store::Group&) {
  const auto did = [&]() -> Result<void> {
    const Result<GroupState*> state = model.group(request.source);
    if (!state) return fail(state.error());
    const auto most = static_cast<std::size_t>(std::max(0, request.max_messages));
    std::vector<Seq> seqs;
    const auto collect = [&](State which) {
      std::size_t count = 0;
      (*state)->open().each_of(which, after + 1, model.view(), [&](Seq seq) {
        if (count < most) seqs.push_back(seq);
        return ++count < most;
      });
    };
    switch (request.shelf) {
      case Shelf::dead: return take_dead(model, **state);
      case Shelf::leased: collect(State::leased); break;
      case Shelf::delayed: collect(State::delayed); break;
      case Shelf::waiting:
        collect(State::ready);
        collect(State::parked);
        if (auto ahead = add_ahead(model, **state, most, seqs); !ahead) return ahead;
        break;
    }
    std::sort(seqs.begin(), seqs.end());
    for (const Seq seq : seqs) {
      if (found.size() == most) break;
      if (auto taken = take(model, **state, seq); !taken) return taken;
    }
    return {};
  }();
  if (!did) error = did.error();
  return Step::complete;
}

Result<void> PeekOp::add_ahead(Model& model, GroupState& state, std::size_t most, std::vector<Seq>& seqs) {
  std::size_t count = 0;
  for (Seq seq = std::max(after + 1, state.cursor()); count < most; ++seq) {
    const auto look = model.look(state, seq);
    if (!look) return fail(look.error());
    if (!*look) break;
    seq = (*look)->seq;
    if (!state.is_ahead(seq, (*look)->due != 0, model.view())) continue;
    seqs.push_back(seq);
    ++count;
  }
  return {};
}

Result<void> PeekOp::take(Model& model, GroupState& state, Seq seq) {
  const auto look = model.look(state, seq);
  if (!look) return fail(look.error());
  if (!*look || (*look)->seq != seq) return {};  // retention has taken it
  const std::optional<Open> open = state.open().peek(seq, model.view());
  found.push_back({.seq = seq,
                   .attempts = open ? static_cast<int>(open->attempts) : 0,
                   .due = open && open->state == State::delayed ? open->when : 0,
                   .since = 0,
                   .reason = {},
                   .message = (*look)->message.compact()});
  return {};
}

Result<void> PeekOp::take_dead(Model& model, GroupState& state) {
  std::vector<std::pair<Seq, DeadLetter>> letters;
  const auto most = static_cast<std::size_t>(std::max(0, request.max_messages));
  const auto scanned = model.view().scan(keys::make(keys::dead, {state.id(), after + 1}),
                                         keys::make(keys::dead, {std::uint64_t{state.id()} + 1}),
                                         [&](std::string_view key, std::string_view value) {
                                           if (letters.size() == most) return false;
                                           Reader in(value);
                                           Take take{in};
                                           letters.emplace_back(keys::part(key, 1), DeadLetter{}).second.fields(take);
                                           return true;
                                         });
  if (!scanned) return scanned;
  for (auto& [seq, letter] : letters) {
    if (auto taken = take(model, state, seq); !taken) return taken;
    if (found.empty() || found.back().seq != seq) continue;
    found.back().attempts = static_cast<int>(letter.attempts);
    found.back().since = letter.since;
    found.back().reason = std::move(letter.reason);
  }
  return {};
}

Op::Step FindOp::run(Model& model, store::Group&) {
  const auto did = [&]() -> Result<void> {
    const Result<GroupState*> state = model.group(source);
    if (!state) return fail(state.error());
    const auto look = model.look(**state, seq);
    if (!look) return fail(look.error());
    if (!*look || (*look)->seq != seq) return {};
    const bool has_due = (*look)->due != 0;
    found.seq = seq;
    found.message = (*look)->message.compact();
    if (const std::optional<Open> open = (*state)->open().peek(seq, model.view())) {
      shelf = open->state == State::leased    ? Shelf::leased
              : open->state == State::delayed ? Shelf::delayed
                                              : Shelf::waiting;
      found.attempts = static_cast<int>(open->attempts);
      if (shelf == Shelf::delayed) found.due = open->when;
      return {};
    }
    auto letter = (*state)->dead_letter(seq, model.view());
    if (!letter) return fail(letter.error());
    if (*letter) {
      shelf = Shelf::dead;
      found.attempts = static_cast<int>((*letter)->attempts);
      found.since = (*letter)->since;
      found.reason = std::move((*letter)->reason);
    } else if (seq >= (*state)->cursor() && (*state)->is_ahead(seq, has_due, model.view())) {
      shelf = Shelf::waiting;
    }
    return {};
  }();
  if (!did) error = did.error();
  return Step::complete;
}

Op::Step StatsOp::run(Model& model, store::Group&) {
  const auto did = [&]() -> Result<void> {
    const Result<Channel*> channel = model.channel(source.name);
    if (!channel) return fail(channel.error());
    Log& log = (*channel)->log;
    Seq first = log.begin;
    if (log.options.topic && source.group.empty()) {
      stats.waiting = log.next - log.begin;
    } else {
      const Result<GroupState*> found = model.group(source);
      if (!found) return fail(found.error());
      const GroupState& state = **found;
      stats.waiting = state.waiting();
      stats.leased = state.open().leased_count();
      stats.delayed = state.open().delayed_count();
      stats.dead = state.dead();
      stats.held_keys = state.open().held_lines();
      stats.busy_keys = state.open().lines();
      stats.paused = state.paused();
      first = state.first_unsettled(model.view());
    }
    auto oldest = time_at(model, log, first);
    if (!oldest) return fail(oldest.error());
    stats.oldest = *oldest;
    return {};
  }();
  if (!did) error = did.error();
  return Step::complete;
}

Op::Step ListOp::run(Model& model, store::Group&) {
  for (const auto& [name, channel] : model.channels()) {
    if (channel->log.options.topic) sources.push_back({name, ""});
    for (const auto& [group, state] : channel->groups) sources.push_back({name, group});
  }
  return Step::complete;
}

}  // namespace parley::queue::embedded
