#include "queue/embedded/group_state.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "queue/embedded/keys.h"
#include "queue/embedded/sure.h"
#include "queue/retry.h"

namespace parley::queue::embedded {
namespace {

constexpr std::size_t longest_reason = 1'024;
// More lines than this cannot wait for a retry at once: the cursor stops until one is free (decide_lease.cc).
using State = Open::State;

std::string text_of(DeadLetter& letter) {
  std::string value;
  Writer out(value);
  Put put{out};
  letter.fields(put);
  return value;
}

}  // namespace

bool GroupState::is_ahead(Seq seq, bool has_due, store::View& view) const {
  if (!has_due || !is_queue()) return true;
  if (in_place_ == 0) return false;
  return sure(view.get(keys::make(keys::in_place, {id_, seq}))).has_value();
}

void GroupState::leave_place(Seq seq, store::View& view) {
  if (in_place_ == 0 || !is_ahead(seq, true, view)) return;
  view.remove(keys::make(keys::in_place, {id_, seq}));
  --in_place_;
}

bool GroupState::needs(Seq seq, bool has_due, store::View& view) const {
  if (seq >= cursor() && is_ahead(seq, has_due, view)) return true;
  if (open_.contains(seq, view)) return true;
  return sure(dead_letter(seq, view)).has_value();
}

std::size_t GroupState::room() const {
  const std::uint64_t leased = open_.leased_count();
  return paused_ || leased >= options_.in_flight ? 0 : options_.in_flight - leased;
}

std::optional<Millis> GroupState::next_event() const {
  std::optional<Millis> next;
  if (!open_.leases().empty()) next = open_.leases().begin()->first;
  if (!open_.delayed().empty())
    next = std::min(next.value_or(open_.delayed().begin()->first), open_.delayed().begin()->first);
  return next;
}

Result<std::optional<DeadLetter>> GroupState::dead_letter(Seq seq, store::View& view) const {
  if (dead_ == 0) return std::nullopt;
  auto value = view.get(keys::make(keys::dead, {id_, seq}));
  if (!value) return fail(std::move(value.error()));
  if (!*value) return std::nullopt;
  DeadLetter letter;
  Reader in(**value);
  Take take{in};
  letter.fields(take);
  return letter;
}

Seq GroupState::first_unsettled(store::View& view) const {
  const std::optional<Seq> first = open_.first(view);
  return ahead() == 0 ? first.value_or(log_.next) : std::min(first.value_or(cursor()), cursor());
}

Seq GroupState::first_needed(store::View& view) const {
  Seq first = first_unsettled(view);
  if (dead_ == 0) return first;
  sure(view.scan(keys::make(keys::dead, {id_}), keys::make(keys::dead, {id_, first}),
                 [&](std::string_view key, std::string_view) {
                   first = keys::part(key, 1);
                   return false;
                 }));
  return first;
}

void GroupState::declare(GroupOptions options, store::View& view) {
  const bool lines_end = options_.keyed && !options.keyed;
  const bool followers_go_on = options_.followers_wait && !options.followers_wait;
  options_ = std::move(options);
  if (followers_go_on) open_.free_all_dead(view);
  if (!lines_end) return;
  std::vector<Seq> all;
  open_.each_of(State::parked, 0, view, [&](Seq seq) {
    all.push_back(seq);
    return true;
  });
  for (const Seq seq : all) open_.update(seq, [](Open& open) { open.state = State::ready; }, view);
}

void GroupState::begin_at(Seq cursor) { cursor_ = cursor; }

void GroupState::published(const Published& record, store::Address frame, store::View& view) {
  if (!is_queue()) return;
  if (record.due != 0) {
    open_.insert(record.seq, {.state = State::delayed, .line = record.line, .frame = frame, .when = record.due}, view);
    dirty = true;
  } else {
    ++ahead_;
  }
}

void GroupState::moved(Seq seq, store::Address to, store::View& view) {
  if (open_.fetch(seq, view) != nullptr) {
    open_.update(seq, [&](Open& open) { open.frame = to; }, view);
  } else if (DeadLetter letter; unbury(seq, letter, view)) {
    letter.frame = to;
    view.put(keys::make(keys::dead, {id_, seq}), text_of(letter));
    ++dead_;
  }
}

void GroupState::enter(const Taken& taken, Open open, store::View& view) {
  open.line = taken.line;
  open.frame = taken.frame;
  if (open.holds_line) open_.hold_line(open.line);
  open_.insert(taken.seq, open, view);
  leave_place(taken.seq, view);
  if (ahead_ > 0) --ahead_;
}

void GroupState::apply(const Leased& record, store::View& view) {
  std::uint64_t token = record.token;
  for (const Taken& taken : record.taken) {
    if (taken.ahead) {
      enter(taken,
            {.state = State::leased,
             .holds_line = options_.keyed && taken.line != 0,
             .attempts = 1,
             .when = record.until,
             .token = token},
            view);
    } else {
      open_.update(
          taken.seq,
          [&](Open& open) {
            open.state = State::leased;
            ++open.attempts;
            open.when = record.until;
            open.token = token;
          },
          view);
    }
    ++token;
  }
  cursor_ = std::max(cursor_, record.cursor);
}

void GroupState::apply(const Extended& record, store::View& view) {
  open_.update(record.seq, [&](Open& open) { open.when = record.until; }, view);
}

void GroupState::apply(const Settled& record, Millis now, store::View& view) {
  switch (record.outcome) {
    case Outcome::done: return finish(record.seq, view);
    case Outcome::dead: return bury(record.seq, record.reason, now, view);
    case Outcome::retry:
      return open_.update(
          record.seq,
          [&](Open& open) {
            open.state = record.due > now ? State::delayed : State::ready;
            open.when = record.due;
          },
          view);
    case Outcome::release:
      return open_.update(
          record.seq,
          [](Open& open) {
            open.state = State::ready;
            --open.attempts;
          },
          view);
  }
}

void GroupState::apply(const Returned& record, Millis now, store::View& view) {
  for (const Seq seq : record.seqs) {
    const Open* open = open_.fetch(seq, view);
    if (open == nullptr) continue;
    if (options_.attempts > 0 && open->attempts >= options_.attempts) {
      bury(seq, used_up_text(open->attempts), now, view);
    } else {
      open_.update(seq, [](Open& it) { it.state = State::ready; }, view);
    }
  }
}

void GroupState::apply(const Passed& record, Millis now, store::View& view) {
  const auto park = [&] {
    for (const Taken& taken : record.parked) {
      const bool busy = open_.is_busy(taken.line);
      enter(taken, {.state = busy ? State::parked : State::ready, .holds_line = !busy}, view);
    }
  };
  if (!options_.followers_wait) park();
  for (const Taken& taken : record.expired) {
    if (taken.ahead) enter(taken, {.state = State::ready}, view);
    bury(taken.seq, "expired", now, view);
  }
  if (options_.followers_wait) park();  // behind what has just expired, too
  for (const Seq seq : record.gone) finish(seq, view);
  cursor_ = std::max(cursor_, record.cursor);
}

void GroupState::apply(const FellDue& record, store::View& view) {
  for (const Seq seq : record.seqs) {
    const Open* open = open_.fetch(seq, view);
    if (open == nullptr || open->state != State::delayed) continue;
    if (options_.keyed && open->line != 0 && seq >= cursor()) {
      // Others of its line, sent before it, may still be ahead: it is offered when the cursor comes to it.
      open_.erase(seq, view);
      view.put(keys::make(keys::in_place, {id_, seq}), "");
      ++in_place_;
      ++ahead_;
      continue;
    }
    const bool takes_line = !open->holds_line && options_.keyed && open->line != 0;
    const bool parks = takes_line && open_.is_busy(open->line);
    if (takes_line && !parks) open_.hold_line(open->line);
    open_.update(
        seq,
        [&](Open& it) {
          it.state = parks ? State::parked : State::ready;
          it.holds_line = it.holds_line || (takes_line && !parks);
        },
        view);
  }
}

void GroupState::apply(const Redriven& record, Millis now, store::View& view) {
  for (const Seq seq : record.seqs) {
    DeadLetter letter;
    if (!unbury(seq, letter, view)) continue;
    const bool held = open_.free_dead(letter.line, seq);
    if (!open_.contains(seq, view)) {
      // Before its followers, and behind other dead letters of its line: these hold it still.
      open_.insert(seq,
                   {.state = held ? State::parked : State::delayed,
                    .line = letter.line,
                    .frame = letter.frame,
                    .when = held ? 0 : now},
                   view);
    }
    if (held) open_.go_on(letter.line, view);
  }
}

void GroupState::apply(const Purged& record, store::View& view) {
  for (const Seq seq : record.seqs) {
    DeadLetter letter;
    if (open_.fetch(seq, view) != nullptr) {
      finish(seq, view);
    } else if (unbury(seq, letter, view)) {
      if (is_queue()) live_.died(letter.frame, log_.id, seq, view);
      free_line(letter.line, seq, view);
    }
  }
  if (record.cursor > cursor()) purge_ahead(record.cursor, view);
}

void GroupState::purge_ahead(Seq to, store::View& view) {
  if (is_queue()) {
    for (Seq seq = cursor(); seq < to;) {
      const RunPtr run = sure(log_.index.at_or_after(seq, view));
      if (!run) break;
      const Run::Stretch& stretch = *run->at_or_after(seq);
      for (seq = std::max(seq, stretch.first); seq < std::min(to, stretch.end); ++seq) {
        if (!is_ahead(seq, stretch.has_due, view)) continue;
        if (stretch.has_due) leave_place(seq, view);
        live_.died(run->frame, log_.id, seq, view);
        if (ahead_ > 0) --ahead_;
      }
    }
  }
  cursor_ = to;
}

void GroupState::apply(const Seeked& record, store::View& view) {
  open_.clear(view);
  cursor_ = record.cursor;
}

void GroupState::apply(const Shifted& record, store::View& view) {
  std::vector<Seq> all;
  for (const auto& [seq, open] : open_.in_memory()) {
    if (open.state == State::leased || (open.state == State::delayed && open.attempts > 0)) all.push_back(seq);
  }
  for (const Seq seq : all) open_.update(seq, [&](Open& open) { open.when -= record.back; }, view);
}

void GroupState::trimmed(store::View& view) {
  std::vector<Seq> all;
  for (const State state : {State::ready, State::delayed, State::parked}) {
    open_.each_of(state, 0, view, [&](Seq seq) {
      if (seq < log_.begin) all.push_back(seq);
      return seq < log_.begin;
    });
  }
  for (const Seq seq : all) finish(seq, view);
  if (dead_ == 0) return;
  const std::string from = keys::make(keys::dead, {id_, 0});
  const std::string to = keys::make(keys::dead, {id_, log_.begin});
  std::vector<std::pair<Line, Seq>> holders;
  sure(view.scan(from, to, [&](std::string_view key, std::string_view value) {
    --dead_;
    if (open_.held_lines() == 0) return true;
    DeadLetter letter;
    Reader in(value);
    Take take{in};
    letter.fields(take);
    holders.emplace_back(letter.line, keys::part(key, 1));
    return true;
  }));
  view.remove_range(from, to);
  for (const auto& [line, seq] : holders) free_line(line, seq, view);
}

void GroupState::free_line(Line line, Seq seq, store::View& view) {
  if (open_.free_dead(line, seq)) open_.go_on(line, view);
}

// Settled for good.
void GroupState::finish(Seq seq, store::View& view) {
  const Open* open = open_.fetch(seq, view);
  if (open == nullptr) return;
  const Open was = *open;
  open_.erase(seq, view);
  if (is_queue()) live_.died(was.frame, log_.id, seq, view);
  if (was.holds_line) open_.release_line(was.line, view);
}

void GroupState::bury(Seq seq, std::string_view reason, Millis now, store::View& view) {
  const Open* open = open_.fetch(seq, view);
  if (open == nullptr) return;
  const Open was = *open;
  DeadLetter old;
  unbury(seq, old, view);  // a topic's group that was moved back meets its dead letters again
  DeadLetter letter{.attempts = was.attempts,
                    .since = now,
                    .line = was.line,
                    .frame = was.frame,
                    .reason = std::string(reason.substr(0, longest_reason))};
  view.put(keys::make(keys::dead, {id_, seq}), text_of(letter));
  ++dead_;
  open_.erase(seq, view);
  if (options_.followers_wait && was.line != 0) open_.hold_dead(was.line, seq);
  if (was.holds_line) open_.release_line(was.line, view);
}

bool GroupState::unbury(Seq seq, DeadLetter& out, store::View& view) {
  std::optional<DeadLetter> letter = sure(dead_letter(seq, view));
  if (!letter) return false;
  out = *std::move(letter);
  view.remove(keys::make(keys::dead, {id_, seq}));
  --dead_;
  return true;
}

void GroupState::save(store::View& view) {
  std::string value;
  Writer out(value);
  Put put{out};
  put(log_.id);
  options_.fields(put);
  put(cursor_), put(ahead_), put(in_place_), put(dead_), put(paused_);
  open_.save(out);
  view.put(keys::make(keys::group, {id_}), value);
  dirty = false;
}

void GroupState::remove(store::View& view) {
  open_.clear(view);
  view.remove_range(keys::make(keys::dead, {id_}), keys::make(keys::dead, {std::uint64_t{id_} + 1}));
  view.remove(keys::make(keys::group, {id_}));
}

void GroupState::load(Reader& in) {
  Take take{in};
  options_.fields(take);
  take(cursor_), take(ahead_), take(in_place_), take(dead_), take(paused_);
  open_.load(in);
  dirty = false;
}

}  // namespace parley::queue::embedded
