#include "queue/embedded/open_set.h"

#include <algorithm>

#include "queue/embedded/keys.h"
#include "queue/embedded/sure.h"

namespace parley::queue::embedded {

const Open* OpenSet::find(Seq seq) const {
  const auto at = open_.find(seq);
  return at == open_.end() ? nullptr : &at->second;
}

const Open* OpenSet::fetch(Seq seq, store::View& view) {
  if (const Open* open = find(seq)) return open;
  const std::optional<Open> away = take_back(seq, view);
  if (!away) return nullptr;
  attach(seq, *away);
  return &(open_[seq] = *away);
}

bool OpenSet::contains(Seq seq, store::View& view) const {
  if (open_.contains(seq)) return true;
  const auto has = [&](char family) { return sure(view.get(at_key(family, seq))).has_value(); };
  return (delayed_away_ > 0 && has(keys::delayed_at)) || (parked_away_ > 0 && has(keys::parked_at));
}

void OpenSet::insert(Seq seq, Open open, store::View& view) {
  attach(seq, open);
  open_[seq] = open;
  place(seq, view);
}

void OpenSet::erase(Seq seq, store::View& view) {
  const auto at = open_.find(seq);
  if (at == open_.end()) {
    take_back(seq, view);
    return;
  }
  detach(seq, at->second);
  open_.erase(at);
  refill_delayed(view);
}

void OpenSet::update(Seq seq, const std::function<void(Open&)>& change, store::View& view) {
  if (fetch(seq, view) == nullptr) return;
  Open& open = open_[seq];
  detach(seq, open);
  change(open);
  attach(seq, open);
  place(seq, view);
  refill_delayed(view);
}

void OpenSet::hold_line(Line line) { ++lines_[line].holders; }

std::optional<Seq> OpenSet::release_line(Line line, store::View& view) {
  const auto at = lines_.find(line);
  if (at == lines_.end()) return std::nullopt;
  Waiting& waiting = at->second;
  if (waiting.holders > 0) --waiting.holders;
  return go_on(line, view);
}

std::optional<Seq> OpenSet::go_on(Line line, store::View& view) {
  const auto at = lines_.find(line);
  if (at == lines_.end() || at->second.holders > 0) return std::nullopt;
  Waiting& waiting = at->second;
  refill_parked(line, waiting, view);
  if (waiting.parked.empty()) {
    lines_.erase(at);
    return std::nullopt;
  }
  const Seq next = *waiting.parked.begin();
  waiting.holders = 1;
  update(
      next,
      [](Open& open) {
        open.state = Open::State::ready;
        open.holds_line = true;
      },
      view);
  return next;
}

void OpenSet::hold_dead(Line line, Seq seq) {
  Waiting& waiting = lines_[line];
  if (!waiting.dead.insert(seq).second) return;
  ++waiting.holders;
  if (waiting.dead.size() == 1) ++held_lines_;
}

bool OpenSet::free_dead(Line line, Seq seq) {
  const auto at = lines_.find(line);
  if (at == lines_.end() || at->second.dead.erase(seq) == 0) return false;
  --at->second.holders;
  if (at->second.dead.empty()) --held_lines_;
  return true;
}

void OpenSet::free_all_dead(store::View& view) {
  std::map<Line, std::set<Seq>> all;
  for (const auto& [line, waiting] : lines_) {
    if (!waiting.dead.empty()) all.emplace(line, waiting.dead);
  }
  for (const auto& [line, dead] : all) {
    for (const Seq seq : dead) free_dead(line, seq);
    go_on(line, view);
  }
}

void OpenSet::attach(Seq seq, const Open& open) {
  switch (open.state) {
    case Open::State::leased: leases_.emplace(open.when, seq); break;
    case Open::State::ready: ready_.insert(seq); break;
    case Open::State::delayed: delayed_.emplace(open.when, seq); break;
    case Open::State::parked:
      lines_[open.line].parked.insert(seq);
      ++parked_here_;
      break;
  }
}

void OpenSet::detach(Seq seq, const Open& open) {
  switch (open.state) {
    case Open::State::leased: leases_.erase({open.when, seq}); break;
    case Open::State::ready: ready_.erase(seq); break;
    case Open::State::delayed: delayed_.erase({open.when, seq}); break;
    case Open::State::parked:
      lines_[open.line].parked.erase(seq);
      --parked_here_;
      break;
  }
}

void OpenSet::place(Seq seq, store::View& view) {
  const Open& open = open_[seq];
  if (open.state == Open::State::delayed) {
    if (delayed_away_ > 0 && Due(open.when, seq) >= delayed_bound_) {
      send_away(seq, view);
    } else if (delayed_.size() > bounds_.delayed) {
      spill_delayed(view);
    }
  } else if (open.state == Open::State::parked) {
    Waiting& waiting = lines_[open.line];
    if (waiting.away > 0
            ? seq >= waiting.bound
            : parked_here_ > bounds_.parked && waiting.parked.size() > 1 && seq == *waiting.parked.rbegin())
      send_away(seq, view);
  }
}

void OpenSet::send_away(Seq seq, store::View& view) {
  const auto at = open_.find(seq);
  const Open& open = at->second;
  std::string value;
  Writer out(value);
  Put put{out};
  const_cast<Open&>(open).fields(put);
  std::string where;
  Writer to(where);
  if (open.state == Open::State::delayed) {
    view.put(keys::make(keys::delayed, {group_, static_cast<std::uint64_t>(open.when), seq}), value);
    to.number(static_cast<std::uint64_t>(open.when));
    view.put(at_key(keys::delayed_at, seq), where);
    if (delayed_away_++ == 0) delayed_bound_ = {open.when, seq};
  } else {
    view.put(keys::make(keys::parked, {group_, open.line, seq}), value);
    to.number(open.line);
    view.put(at_key(keys::parked_at, seq), where);
    Waiting& waiting = lines_[open.line];
    if (waiting.away++ == 0) waiting.bound = seq;
    ++parked_away_;
  }
  detach(seq, open);
  open_.erase(at);
}

// The later half goes.
void OpenSet::spill_delayed(store::View& view) {
  const std::size_t keep = bounds_.delayed / 2;
  while (delayed_.size() > keep) {
    const Due last = *delayed_.rbegin();
    send_away(last.second, view);
    delayed_bound_ = std::min(delayed_bound_, last);
  }
}

void OpenSet::refill_delayed(store::View& view) {
  while (delayed_away_ > 0 && (delayed_.empty() || *delayed_.begin() >= delayed_bound_)) {
    std::vector<std::pair<Seq, Open>> found;
    const std::string from =
        keys::make(keys::delayed, {group_, static_cast<std::uint64_t>(delayed_bound_.first), delayed_bound_.second});
    std::string last;
    sure(view.scan(from, keys::make(keys::delayed, {std::uint64_t{group_} + 1}),
                   [&](std::string_view key, std::string_view value) {
                     Reader in(value);
                     Take take{in};
                     Open open;
                     open.fields(take);
                     found.emplace_back(keys::part(key, 2), open);
                     last = key;
                     return found.size() < bounds_.chunk;
                   }));
    if (found.empty()) return;
    view.remove_range(from, last + '\0');
    delayed_away_ -= found.size();
    delayed_bound_ = {found.back().second.when, found.back().first + 1};
    for (const auto& [seq, open] : found) {
      view.remove(at_key(keys::delayed_at, seq));
      attach(seq, open);
      open_[seq] = open;
    }
  }
}

void OpenSet::refill_parked(Line line, Waiting& waiting, store::View& view) {
  if (waiting.away == 0 || (!waiting.parked.empty() && *waiting.parked.begin() < waiting.bound)) return;
  std::vector<std::pair<Seq, Open>> found;
  const std::string from = keys::make(keys::parked, {group_, line, waiting.bound});
  std::string last;
  sure(view.scan(from, keys::make(keys::parked, {group_, line, ~Seq{0}}),
                 [&](std::string_view key, std::string_view value) {
                   Reader in(value);
                   Take take{in};
                   Open open;
                   open.fields(take);
                   found.emplace_back(keys::part(key, 2), open);
                   last = key;
                   return found.size() < std::max<std::size_t>(1, bounds_.chunk / 16);
                 }));
  if (found.empty()) return;
  view.remove_range(from, last + '\0');
  waiting.away -= found.size();
  waiting.bound = found.back().first + 1;
  parked_away_ -= found.size();
  for (const auto& [seq, open] : found) {
    view.remove(at_key(keys::parked_at, seq));
    attach(seq, open);
    open_[seq] = open;
  }
}

std::optional<Open> OpenSet::read_from(char at_family, char family, Seq seq, store::View& view) const {
  const auto where = sure(view.get(at_key(at_family, seq)));
  if (!where) return std::nullopt;
  const auto value = sure(view.get(keys::make(family, {group_, Reader(*where).number(), seq})));
  if (!value) return std::nullopt;
  Open open;
  Reader in(*value);
  Take take{in};
  open.fields(take);
  return open;
}

std::optional<Open> OpenSet::take_from(char at_family, char family, Seq seq, store::View& view) {
  const std::optional<Open> open = read_from(at_family, family, seq, view);
  if (!open) return open;
  const bool delayed = family == keys::delayed;
  view.remove(at_key(at_family, seq));
  view.remove(keys::make(family, {group_, delayed ? static_cast<std::uint64_t>(open->when) : open->line, seq}));
  return open;
}

std::optional<Open> OpenSet::take_back(Seq seq, store::View& view) {
  if (delayed_away_ > 0) {
    if (const auto open = take_from(keys::delayed_at, keys::delayed, seq, view)) {
      --delayed_away_;
      return open;
    }
  }
  if (parked_away_ > 0) {
    if (const auto open = take_from(keys::parked_at, keys::parked, seq, view)) {
      --parked_away_;
      --lines_[open->line].away;
      return open;
    }
  }
  return std::nullopt;
}

std::optional<Open> OpenSet::peek(Seq seq, store::View& view) const {
  if (const Open* open = find(seq)) return *open;
  std::optional<Open> open;
  if (delayed_away_ > 0) open = read_from(keys::delayed_at, keys::delayed, seq, view);
  if (!open && parked_away_ > 0) open = read_from(keys::parked_at, keys::parked, seq, view);
  return open;
}

std::string OpenSet::at_key(char family, Seq seq) const { return keys::make(family, {group_, seq}); }

std::optional<Seq> OpenSet::first(store::View& view) const {
  std::optional<Seq> first;
  if (!open_.empty()) first = open_.begin()->first;
  const auto look = [&](char family) {
    sure(view.scan(keys::make(family, {group_}), keys::make(family, {std::uint64_t{group_} + 1}),
                   [&](std::string_view key, std::string_view) {
                     first = std::min(first.value_or(~Seq{0}), keys::part(key, 1));
                     return false;
                   }));
  };
  if (delayed_away_ > 0) look(keys::delayed_at);
  if (parked_away_ > 0) look(keys::parked_at);
  return first;
}

void OpenSet::each_of(Open::State state, Seq from, store::View& view, const std::function<bool(Seq)>& each) const {
  auto here = open_.lower_bound(from);
  bool more = true;
  const auto emit_before = [&](Seq end) {
    for (; more && here != open_.end() && here->first < end; ++here) {
      if (here->second.state == state) more = each(here->first);
    }
  };
  const bool away = state == Open::State::delayed  ? delayed_away_ > 0
                    : state == Open::State::parked ? parked_away_ > 0
                                                   : false;
  if (away) {
    const char family = state == Open::State::delayed ? keys::delayed_at : keys::parked_at;
    sure(view.scan(at_key(family, from), keys::make(family, {std::uint64_t{group_} + 1}),
                   [&](std::string_view key, std::string_view) {
                     const Seq seq = keys::part(key, 1);
                     emit_before(seq);
                     if (more) more = each(seq);
                     return more;
                   }));
  }
  emit_before(~Seq{0});
}

void OpenSet::clear(store::View& view) {
  for (const char family : {keys::delayed, keys::delayed_at, keys::parked, keys::parked_at}) {
    view.remove_range(keys::make(family, {group_}), keys::make(family, {std::uint64_t{group_} + 1}));
  }
  *this = OpenSet(group_, bounds_);
}

void OpenSet::save(Writer& out) const {
  Put put{out};
  out.number(open_.size());
  for (const auto& [seq, open] : open_) {
    out.number(seq);
    const_cast<Open&>(open).fields(put);
  }
  put(delayed_away_), put(delayed_bound_.first), put(delayed_bound_.second), put(parked_away_);
  out.number(lines_.size());
  for (const auto& [line, waiting] : lines_) put(line), put(waiting.holders), put(waiting.away), put(waiting.bound);
  out.number(held_lines_);
  for (const auto& [line, waiting] : lines_) {
    if (waiting.dead.empty()) continue;
    put(line);
    put(std::vector<Seq>(waiting.dead.begin(), waiting.dead.end()));
  }
}

void OpenSet::load(Reader& in) {
  Take take{in};
  const std::uint64_t count = in.number();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const Seq seq = in.number();
    Open open;
    open.fields(take);
    open_.emplace_hint(open_.end(), seq, open);
    attach(seq, open);
  }
  take(delayed_away_), take(delayed_bound_.first), take(delayed_bound_.second), take(parked_away_);
  const std::uint64_t lines = in.number();
  for (std::uint64_t i = 0; i < lines && in.ok(); ++i) {
    Line line = 0;
    take(line);
    Waiting& waiting = lines_[line];
    take(waiting.holders), take(waiting.away), take(waiting.bound);
  }
  if (in.at_end()) return;  // written before dead letters could hold lines
  held_lines_ = in.number();
  for (std::size_t i = 0; i < held_lines_ && in.ok(); ++i) {
    Line line = 0;
    std::vector<Seq> dead;
    take(line), take(dead);
    lines_[line].dead.insert(dead.begin(), dead.end());
  }
}

}  // namespace parley::queue::embedded
