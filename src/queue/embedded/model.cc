#include "queue/embedded/model.h"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "queue/embedded/keys.h"
#include "queue/embedded/message_codec.h"
#include "queue/embedded/sure.h"

namespace parley::queue::embedded {

namespace {

// Of records and of the view's keys and values; another one cannot be read.
constexpr std::uint64_t version = 2;

// What a message takes of the journal, with some for the fields that are numbers.
std::uint64_t bytes_of(const Published& record) { return record.message.size() + record.dedup.size() + 24; }

// The journal's checksums hold, so a record that makes no sense was written by another version, or by a mistake. Going
// on without it would lose messages in silence.
[[noreturn]] void refuse(std::string_view what) {
  throw std::runtime_error(
      fmt::format("the journal has a record of queues and topics {}: written by a later Parley?", what));
}

}  // namespace

Model::Model(ModelOptions options) : options_(options), frames_(options.number) {
  // Leases of an earlier run are never taken for this one's, even where a crash undid what an earlier run had counted.
  std::random_device random;
  token_ = std::uint64_t{random()} << 32 | random();
}
Model::~Model() = default;

void Model::attach(store::Journal& journal, store::View& view, std::function<void()> again) {
  journal_ = &journal;
  frames_.attach(journal);
  view_ = &view;
  again_ = std::move(again);
}

template <class Record>
void Model::to_group(Reader& from, Millis now, store::View& view) {
  const auto record = read<Record>(from);
  if (!from.ok() || record.group >= groups_.size() || groups_[record.group] == nullptr)
    refuse("of a group that is not there");
  GroupState& state = *groups_[record.group];
  state.dirty = true;
  if constexpr (requires { state.apply(record, now, view); }) {
    state.apply(record, now, view);
  } else if constexpr (requires { state.apply(record, view); }) {
    state.apply(record, view);
  } else {
    state.apply(record);
  }
  if constexpr (!std::is_same_v<Record, Leased> && !std::is_same_v<Record, Extended> && !std::is_same_v<Record, Passed>)
    touch(state);
}

void Model::apply(std::string_view record, store::RecordPlace place, WallTime time, store::View& view) {
  Reader from(record);
  const auto kind = static_cast<RecordKind>(from.byte());
  const Millis now = millis(time);
  last_time_ = now;
  switch (kind) {
    case RecordKind::nothing: return;
    case RecordKind::log: return declare(read<LogDeclared>(from));
    case RecordKind::group: return declare(read<GroupDeclared>(from), view);
    case RecordKind::published: return apply_published(read<Published>(from), place, now, view);
    case RecordKind::moved: return apply_moved(read<Moved>(from), place, view);
    case RecordKind::leased: return to_group<Leased>(from, now, view);
    case RecordKind::extended: return to_group<Extended>(from, now, view);
    case RecordKind::settled: return to_group<Settled>(from, now, view);
    case RecordKind::returned: return to_group<Returned>(from, now, view);
    case RecordKind::passed: return to_group<Passed>(from, now, view);
    case RecordKind::fell_due: return to_group<FellDue>(from, now, view);
    case RecordKind::redriven: return to_group<Redriven>(from, now, view);
    case RecordKind::purged: return to_group<Purged>(from, now, view);
    case RecordKind::paused: return to_group<Paused>(from, now, view);
    case RecordKind::seeked: return to_group<Seeked>(from, now, view);
    case RecordKind::trimmed: return apply_trimmed(read<Trimmed>(from), view);
    case RecordKind::forgot: return apply_forgot(read<Forgot>(from), view);
    case RecordKind::shifted: return to_group<Shifted>(from, now, view);
    case RecordKind::group_deleted: return apply_deleted(read<GroupDeleted>(from), view);
  }
  refuse(fmt::format("of an unknown kind, {}", static_cast<int>(kind)));
}

void Model::declare(const LogDeclared& record) {
  if (record.log == logs_.size()) {
    logs_.push_back(std::make_unique<Channel>(record.log, record.options));
    by_name_.emplace(record.options.name, logs_.back().get());
  } else if (record.log < logs_.size()) {
    logs_[record.log]->log.options = record.options;
    logs_[record.log]->log.dirty = true;
  }
}

void Model::declare(const GroupDeclared& record, store::View& view) {
  if (record.log >= logs_.size()) return;
  Channel& channel = *logs_[record.log];
  if (record.group > groups_.size()) return;
  if (record.group == groups_.size()) groups_.emplace_back();
  std::unique_ptr<GroupState>& state = groups_[record.group];
  if (state == nullptr) {
    state = std::make_unique<GroupState>(record.group, channel.log, live_, options_.bounds);
    state->begin_at(record.cursor);
    channel.groups.emplace(record.options.name, state.get());
  }
  state->declare(record.options, view);
  state->dirty = true;
  touch(*state);
}

void Model::apply_deleted(const GroupDeleted& record, store::View& view) {
  if (record.group >= groups_.size() || groups_[record.group] == nullptr) refuse("of a group that is not there");
  GroupState& state = *groups_[record.group];
  std::erase(touched_, &state);
  std::erase(unwritten_, &state);
  state.remove(view);
  logs_[state.log().id]->groups.erase(state.options().name);
  groups_[record.group].reset();
}

GroupId Model::next_group() const {
  return static_cast<GroupId>(std::find(groups_.begin(), groups_.end(), nullptr) - groups_.begin());
}

void Model::apply_published(const Published& record, store::RecordPlace place, Millis now, store::View& view) {
  if (record.log >= logs_.size()) return;
  Channel& channel = *logs_[record.log];
  Log& log = channel.log;
  log.next = record.seq + 1;
  log.last_frame = place.frame;
  log.dirty = true;
  if (journal_ == nullptr) log.durable = log.next;  // a replay reads what is durable
  log.index.append(record.seq, record.due != 0, place.frame, view);
  live_.born(place.frame, log.id, record.seq, bytes_of(record), view);
  if (!record.dedup.empty() && log.options.dedup_window > 0) {
    const Millis until = now + log.options.dedup_window;
    std::string value;
    Writer out(value);
    out.text(id_of(record.message));
    out.number(record.seq);
    out.number(static_cast<std::uint64_t>(until));
    view.put(keys::make(keys::dedup, {log.id}, record.dedup), value);
    view.put(keys::make(keys::dedup_end, {log.id, static_cast<std::uint64_t>(until), record.seq}), record.dedup);
  }
  for (const auto& [name, state] : channel.groups) {
    state->published(record, place.frame, view);
    if (!log.options.topic) state->dirty = true;
    touch(*state);
  }
}

void Model::apply_moved(const Moved& record, store::RecordPlace place, store::View& view) {
  if (record.what.log >= logs_.size()) return;
  Channel& channel = *logs_[record.what.log];
  channel.log.index.move(record.run, record.what.seq, record.what.due != 0, place.frame, view);
  live_.died(record.from, record.what.log, record.what.seq, view);
  live_.born(place.frame, record.what.log, record.what.seq, bytes_of(record.what), view);
  if (Recent::Item* item = channel.log.recent.find(record.what.seq)) item->frame = place.frame;
  if (channel.log.options.topic) return;  // what a topic's groups have open says no frame
  for (const auto& [name, state] : channel.groups) {
    state->moved(record.what.seq, place.frame, view);
    state->dirty = true;
  }
}

// Whole runs only: the one that `begin` is in stays.
void Model::apply_trimmed(const Trimmed& record, store::View& view) {
  if (record.log >= logs_.size()) return;
  Channel& channel = *logs_[record.log];
  Log& log = channel.log;
  for (Seq seq = log.begin; seq < record.begin;) {
    const RunPtr run = sure(log.index.at_or_after(seq, view));
    if (!run || run->first() >= record.begin) break;
    for (const Run::Stretch& stretch : run->stretches) {
      for (Seq dead = stretch.first; dead < stretch.end; ++dead) live_.died(run->frame, log.id, dead, view);
    }
    seq = run->last() + 1;
  }
  log.begin = record.begin;
  log.dirty = true;
  log.index.remove_before(record.begin, view);
  for (const auto& [name, state] : channel.groups) {
    state->trimmed(view);
    state->dirty = true;
  }
}

void Model::apply_forgot(const Forgot& record, store::View& view) {
  if (record.log >= logs_.size()) return;
  Channel& channel = *logs_[record.log];
  const LogId log = record.log;
  const std::string from =
      keys::make(keys::dedup_end, {log, static_cast<std::uint64_t>(channel.forgot_until), channel.forgot_seq});
  const std::string to = keys::make(keys::dedup_end, {log, static_cast<std::uint64_t>(record.until), record.seq + 1});
  std::vector<std::pair<Seq, std::string>> ended;
  sure(view.scan(from, to, [&](std::string_view key, std::string_view value) {
    ended.emplace_back(keys::part(key, 2), keys::make(keys::dedup, {log}, value));
    return true;
  }));
  for (const auto& [seq, key] : ended) {
    const auto value = sure(view.get(key));
    if (!value) continue;
    Reader in(*value);
    in.text();
    if (in.number() == seq) view.remove(key);  // or it was sent again since
  }
  view.remove_range(from, to);
  channel.forgot_until = record.until;
  channel.forgot_seq = record.seq + 1;
  channel.log.dirty = true;
}

void Model::save(store::View& view) {
  std::string value;
  Writer state(value);
  state.number(version);
  state.number(static_cast<std::uint64_t>(last_time_));
  live_.save(state);
  view.put(keys::make(keys::state, {}), value);
  for (const auto& channel : logs_) {
    Log& log = channel->log;
    const auto queue = log.options.topic ? channel->groups.end() : channel->groups.find("");
    if (queue != channel->groups.end() && queue->second->dirty)
      log.index.remove_before(queue->second->first_needed(view), view);
    log.index.save(view);
    if (!log.dirty) continue;
    value.clear();
    Writer out(value);
    Put put{out};
    log.options.fields(put);
    put(log.begin), put(log.next), put(channel->forgot_until), put(channel->forgot_seq);
    view.put(keys::make(keys::log, {log.id}), value);
    log.dirty = false;
  }
  for (const auto& group : groups_) {
    if (group != nullptr && group->dirty) group->save(view);
  }
}

Result<void> Model::load(store::View& view) {
  const auto state = view.get(keys::make(keys::state, {}));
  if (!state) return fail(state.error());
  if (!*state) return {};
  Reader in_state(**state);
  if (const std::uint64_t theirs = in_state.number(); theirs != version) {
    return fail(
        Error(Code::failed_precondition, Blame::us,
              fmt::format("the state of queues and topics has version {}, and this Parley knows {}", theirs, version))
            .with_reason("store_version"));
  }
  last_time_ = static_cast<Millis>(in_state.number());
  live_.load(in_state);
  bool ok = in_state.ok();
  const auto logs = view.scan(keys::make(keys::log, {}), keys::make(keys::log + 1, {}),
                              [&](std::string_view key, std::string_view value) {
                                Reader in(value);
                                Take take{in};
                                LogDeclared record{.log = static_cast<LogId>(keys::part(key, 0))};
                                record.options.fields(take);
                                if (!ok || record.log != logs_.size()) return ok = false;
                                declare(record);
                                Channel& channel = *logs_.back();
                                Log& log = channel.log;
                                take(log.begin), take(log.next), take(channel.forgot_until), take(channel.forgot_seq);
                                log.durable = log.next;
                                log.dirty = false;
                                return ok = in.ok();
                              });
  if (!logs) return logs;
  const auto groups = view.scan(
      keys::make(keys::group, {}), keys::make(keys::group + 1, {}), [&](std::string_view key, std::string_view value) {
        Reader in(value);
        const auto id = static_cast<GroupId>(keys::part(key, 0));
        const auto log = static_cast<LogId>(in.number());
        if (!ok || id < groups_.size() || log >= logs_.size()) return ok = false;
        Channel& channel = *logs_[log];
        groups_.resize(id);  // those between were deleted
        groups_.push_back(std::make_unique<GroupState>(id, channel.log, live_, options_.bounds));
        groups_.back()->load(in);
        channel.groups.emplace(groups_.back()->options().name, groups_.back().get());
        return ok = in.ok();
      });
  if (!groups) return groups;
  if (!ok)
    return fail(Error(Code::data_loss, Blame::us, "the state of queues and topics is damaged, or of another version"));
  return {};
}

store::Address Model::needed_from(store::View&) {
  const store::Address live = live_.needed_from(journal_ == nullptr ? 0 : journal_->end());
  // In the stretch in which a part ends that was looked through, only what is behind that place is live.
  return live < moved_to_ && moved_to_ - live < store::Address{1} << LiveMap::stretch_bits ? moved_to_ : live;
}

Channel* Model::find(std::string_view name) {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : at->second;
}

Result<Channel*> Model::channel(std::string_view name) {
  if (Channel* channel = find(name)) return channel;
  return fail(Error(Code::not_found, Blame::caller, "there is no queue or topic \"" + std::string(name) + "\""));
}

Result<GroupState*> Model::group(const Source& source) {
  const Result<Channel*> channel = this->channel(source.name);
  if (!channel) return fail(channel.error());
  const auto at = (*channel)->groups.find(source.group);
  if (at != (*channel)->groups.end()) return at->second;
  if (source.group.empty())
    return fail(Error(Code::not_found, Blame::caller, "\"" + source.name + "\" is a topic: name one of its groups"));
  return fail(Error(Code::not_found, Blame::caller,
                    (*channel)->log.options.topic ? "topic \"" + source.name + "\" has no group \"" + source.group +
                                                        "\"; committing a place makes it"
                                                  : "\"" + source.name + "\" is a queue: it has no groups"));
}

}  // namespace parley::queue::embedded
