// What happens because time passes: leases run out, messages fall due or expire, dedup windows and retention end. Each
// in bounded steps, so that nobody waits behind a million of them.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "queue/embedded/keys.h"
#include "queue/embedded/model.h"
#include "queue/embedded/ops.h"
#include "queue/embedded/sure.h"

namespace parley::queue::embedded {
namespace {

// The wall clock is looked at again after so long at the latest, since it may jump.
constexpr Millis longest_wait = 60'000;
// What can be moved to make room on a full disk is looked for so often.
constexpr Millis full_disk_look = 1'000;
// Set back by less than this nobody notices.
constexpr Millis clock_slack = 2'000;

}  // namespace

class Tick {
 public:
  Tick(Model& model, store::Group& group)
      : model_(model),
        group_(group),
        now_(millis(group.time())),
        steps_(static_cast<std::size_t>(model.options_.steps)) {}

  Millis run() {
    const Millis back = model_.last_time_ - now_;
    const bool set_back = model_.last_time_ != 0 && back > clock_slack;
    model_.last_time_ = now_;
    for (const auto& state : model_.groups_) {
      if (state == nullptr) continue;
      if (set_back) add(Shifted{.group = state->id(), .back = back});
      run_out(*state);
      fall_due(*state);
      expire_head(*state);
      tell_busy(*state);
    }
    for (const auto& channel : model_.logs_) {
      forget(*channel);
      trim(channel->log);
    }
    if (const auto more = compact(model_, group_)) wake_at(*more);
    return next_;
  }

 private:
  // A full disk is no reason to stop: what cannot be recorded is tried again.
  template <class Record>
  bool add(const Record& record) {
    if (model_.add(group_, record)) return true;
    wake_at(now_ + 1'000);
    return false;
  }
  void wake_at(Millis when) { next_ = std::min(next_, std::max(when, now_ + 1)); }

  void run_out(GroupState& state) {
    Returned record{.group = state.id()};
    for (const auto& [until, seq] : state.open().leases()) {
      if (until > now_ || record.seqs.size() >= steps_) break;
      record.seqs.push_back(seq);
    }
    if (!record.seqs.empty()) add(record);
    if (!state.open().leases().empty()) wake_at(state.open().leases().begin()->first);
  }

  void fall_due(GroupState& state) {
    if (state.open().delayed().empty()) return;
    if (!embedded::fall_due(model_, state, group_)) return wake_at(now_ + 1'000);
    if (state.open().delayed().empty()) return;
    // More is due than anybody asks for: a lease looks itself.
    const Millis first = state.open().delayed().begin()->first;
    wake_at(first <= now_ ? now_ + 1'000 : first);
  }

  // The oldest that waits and has outlived its time. Others behind one that has not are found when they are met.
  void expire_head(GroupState& state) {
    if (!state.is_queue() || state.ahead() == 0) return;
    Passed record{.group = state.id(), .cursor = state.cursor()};
    std::optional<Millis> next;
    for (std::size_t i = 0; i < steps_; ++i) {
      const auto look = model_.look(state, record.cursor);
      if (!look || !*look) break;
      const bool ahead = state.is_ahead((*look)->seq, (*look)->due != 0, model_.view());
      if (ahead && (*look)->expires == 0) break;
      if (ahead && (*look)->expires > now_) {
        next = (*look)->expires;
        break;
      }
      record.cursor = (*look)->seq + 1;
      next = now_;
      if (!ahead) continue;
      record.expired.push_back({.seq = (*look)->seq, .ahead = true, .line = (*look)->line, .frame = (*look)->frame});
    }
    if (!record.expired.empty()) add(record);
    if (next) wake_at(*next);
  }

  // Once, until a quarter of them is free: nothing else would say why others wait.
  void tell_busy(GroupState& state) {
    const std::size_t lines = state.open().lines();
    const std::size_t most = model_.options_.busy_lines;
    if (lines < most / 4 * 3) state.told_busy = false;
    if (lines < most || std::exchange(state.told_busy, true)) return;
    const std::string& group = state.options().name;
    log::warn(
        "\"{}\"{}: {} keys are busy at once, {} of them held by dead letters; no other message is looked at until "
        "one of them is free",
        state.log().options.name, group.empty() ? "" : ", group \"" + group + "\"", lines, state.open().held_lines());
  }

  void forget(Channel& channel) {
    const LogId log = channel.log.id;
    if (channel.log.options.dedup_window == 0) return;
    Forgot record{.log = log};
    std::size_t count = 0;
    std::optional<Millis> next;
    sure(model_.view().scan(
        keys::make(keys::dedup_end, {log, static_cast<std::uint64_t>(channel.forgot_until), channel.forgot_seq}),
        keys::make(keys::dedup_end, {std::uint64_t{log} + 1}), [&](std::string_view key, std::string_view) {
          const auto until = static_cast<Millis>(keys::part(key, 1));
          if (until > now_ || ++count > steps_) {
            next = until;
            return false;
          }
          record.until = until;
          record.seq = keys::part(key, 2);
          return true;
        }));
    if (record.until != 0) add(record);
    // Nobody notices an entry that stays a little longer: not each is worth waking up for.
    if (next) wake_at(std::max(*next, now_ + (count > steps_ ? 1 : 1'000)));
  }

  // Frames go once their youngest message is older than `keep`.
  void trim(Log& log) {
    if (!log.options.topic || log.options.keep == 0) return;
    Trimmed record{.log = log.id, .begin = log.begin};
    for (int runs = 0; runs < 64 && record.begin < log.next; ++runs) {
      const Result<RunPtr> run = log.index.at_or_after(record.begin, model_.view());
      if (!run || !*run || (*run)->frame >= model_.journal().end()) break;
      const Result<WallTime> written = log.time_of(**run, model_.journal(), model_.options_.number);
      if (!written) break;
      const Millis end = millis(*written) + log.options.keep;
      wake_at(end);
      if (end > now_) break;
      record.begin = (*run)->last() + 1;
    }
    if (record.begin > log.begin) add(record);
  }

  Model& model_;
  store::Group& group_;
  const Millis now_;
  const std::size_t steps_;
  Millis next_ = now_ + longest_wait;
};

std::optional<WallTime> Model::tick(store::Group& group) {
  if (journal_ == nullptr) return group.time() + std::chrono::milliseconds(10);
  const Millis next = Tick(*this, group).run();
  if (!touched_.empty()) again_();
  return wall(next);
}

std::optional<WallTime> Model::due() const {
  std::optional<Millis> next;
  if (journal_ != nullptr && journal_->full()) next = last_time_ + full_disk_look;
  for (const auto& group : groups_) {
    if (group == nullptr) continue;
    if (const auto own = group->next_event()) next = std::min(next.value_or(*own), *own);
  }
  if (!next) return std::nullopt;
  return wall(*next);
}

}  // namespace parley::queue::embedded
