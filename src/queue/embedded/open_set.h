// OpenSet: the messages of one group that its cursor has passed (or that were sent for a later time) and that are not
// settled: leased, ready to be offered again, waiting for their due time, or parked behind another one of their line.
//
// Most are few and in memory. Two kinds can be millions: those with a due time, and those parked behind a busy line.
// Of these the ones wanted first are in memory and the rest in the view, always behind a bound, so that reading on
// begins at the bound and never passes what was removed before. Used on the ledger's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "queue/embedded/records.h"
#include "store/view.h"

namespace parley::queue::embedded {

struct Open {
  enum class State : std::uint8_t { leased, ready, delayed, parked };
  State state = State::ready;
  bool holds_line = false;  // nobody else of its line is offered
  std::uint32_t attempts = 0;
  Line line = 0;
  std::uint64_t frame = 0;
  Millis when = 0;          // leased: until; delayed: due
  std::uint64_t token = 0;  // leased

  template <class Each>
  void fields(Each& each) {
    each(state), each(holds_line), each(attempts), each(line), each(frame), each(when);
    if (state == State::leased) each(token);
  }
};

class OpenSet {
 public:
  using Due = std::pair<Millis, Seq>;
  // How many are in memory at most before some go to the view.
  struct Bounds {
    std::size_t delayed = 16'384;
    std::size_t parked = 16'384;
    std::size_t chunk = 1'024;  // read back at once
  };

  OpenSet(GroupId group, Bounds bounds) : group_(group), bounds_(bounds) {}

  // What is in memory; null: not open, or in the view.
  const Open* find(Seq seq) const;
  // Brings it to memory. Null: not open.
  const Open* fetch(Seq seq, store::View& view);
  bool contains(Seq seq, store::View& view) const;
  // Wherever it is, and it stays there.
  std::optional<Open> peek(Seq seq, store::View& view) const;

  void insert(Seq seq, Open open, store::View& view);
  void erase(Seq seq, store::View& view);
  // Another state; `change` may change all of it.
  void update(Seq seq, const std::function<void(Open&)>& change, store::View& view);

  // Lines.
  bool is_busy(Line line) const { return line != 0 && lines_.contains(line); }
  std::size_t lines() const { return lines_.size(); }
  // Its next parked message becomes ready, if there is one; else the line is free. Returns the message's number.
  std::optional<Seq> release_line(Line line, store::View& view);
  void hold_line(Line line);
  // A dead letter holds its line, beside whoever holds it now. Freed, it holds it no more: false if it did not; whoever
  // comes next in the line waits until `go_on`.
  void hold_dead(Line line, Seq seq);
  bool free_dead(Line line, Seq seq);
  // A line that nobody holds: as release_line.
  std::optional<Seq> go_on(Line line, store::View& view);
  void free_all_dead(store::View& view);
  std::size_t held_lines() const { return held_lines_; }

  // In order: by number; by due time, of those in memory (the soonest are).
  const std::set<Seq>& ready() const { return ready_; }
  const std::set<Due>& leases() const { return leases_; }
  const std::set<Due>& delayed() const { return delayed_; }
  const std::map<Seq, Open>& in_memory() const { return open_; }

  std::uint64_t leased_count() const { return leases_.size(); }
  std::uint64_t ready_count() const { return ready_.size(); }
  std::uint64_t delayed_count() const { return delayed_.size() + delayed_away_; }
  std::uint64_t parked_count() const { return parked_here_ + parked_away_; }
  bool empty() const { return open_.empty() && delayed_away_ == 0 && parked_away_ == 0; }
  // The lowest number. Nothing: empty.
  std::optional<Seq> first(store::View& view) const;
  // Numbers of one state from `from` on, in order, wherever they are, until `each` says false.
  void each_of(Open::State state, Seq from, store::View& view, const std::function<bool(Seq)>& each) const;

  void clear(store::View& view);
  void save(Writer& out) const;
  void load(Reader& in);

 private:
  struct Waiting {
    std::uint32_t holders = 0;
    std::uint64_t away = 0;  // parked in the view, none of them before `bound`
    Seq bound = 0;
    std::set<Seq> parked;  // in memory
    std::set<Seq> dead;    // of the holders: dead letters
  };

  void attach(Seq seq, const Open& open);
  void detach(Seq seq, const Open& open);
  void place(Seq seq, store::View& view);
  void send_away(Seq seq, store::View& view);
  void spill_delayed(store::View& view);
  void refill_delayed(store::View& view);
  void refill_parked(Line line, Waiting& waiting, store::View& view);
  std::optional<Open> read_from(char at_family, char family, Seq seq, store::View& view) const;
  std::optional<Open> take_from(char at_family, char family, Seq seq, store::View& view);
  std::optional<Open> take_back(Seq seq, store::View& view);
  std::string at_key(char family, Seq seq) const;

  GroupId group_;
  Bounds bounds_;
  std::map<Seq, Open> open_;
  std::set<Seq> ready_;
  std::set<Due> leases_;
  std::set<Due> delayed_;
  std::uint64_t delayed_away_ = 0;  // in the view, none of them before `delayed_bound_`
  Due delayed_bound_;
  std::unordered_map<Line, Waiting> lines_;
  std::uint64_t parked_here_ = 0;
  std::uint64_t parked_away_ = 0;
  std::size_t held_lines_ = 0;  // that dead letters hold
};

}  // namespace parley::queue::embedded
