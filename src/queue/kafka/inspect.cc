// Core, for people: what waits, how much, where groups are, and moving them.
#include <algorithm>

#include <fmt/format.h>

#include "queue/kafka/answer.h"
#include "queue/kafka/core.h"
#include "queue/kafka/error.h"

namespace parley::queue::kafka {
namespace {

constexpr Duration step = std::chrono::seconds(2);

std::uint64_t open_behind(const Progress& progress, const Watermarks& marks) {
  std::int64_t left = marks.high - std::max(progress.watermark, marks.low);
  for (const OffsetRange& range : progress.settled) left -= range.to - range.from;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0));
}

Place place_of(LogPartition at, std::int64_t offset) {
  return {.in_retry = at.log == 1, .partition = at.partition, .offset = offset};
}

}  // namespace

Result<Core::Picture> Core::picture(const Source& source, bool with_entries) {
  if (auto there = check_topic(source.name); !there) return fail(there.error());
  Picture out;
  if (auto member = find_member(source)) {
    Answer<Holding> answer;
    member->look(with_entries, answer.report());
    auto holding = answer.get();
    if (!holding) return fail(holding.error());
    out.holding = *std::move(holding);
  }
  const Names n = names(source);
  const auto logs = n.logs();
  for (int log = 0; log < std::ssize(logs); ++log) {
    const std::string& topic = logs[static_cast<std::size_t>(log)];
    auto count = admin_.partitions(topic);
    if (!count && log == 1 && count.error().code() == Code::not_found) {
      return fail(
          Error(Code::not_found, Blame::caller, fmt::format("topic {} has no group {}", source.name, source.group))
              .with_reason("no_such_group"));
    }
    if (!count) return fail(count.error());
    auto committed = admin_.progress(n.group, topic);
    if (!committed) return fail(committed.error());
    auto begins = admin_.places_of(topic, false);
    if (!begins) return fail(begins.error());
    auto ends = admin_.places_of(topic, true);
    if (!ends) return fail(ends.error());
    for (std::int32_t partition = 0; partition < *count; ++partition) {
      const LogPartition at{.log = log, .partition = partition};
      const Watermarks marks{.low = (*begins)[partition], .high = (*ends)[partition]};
      out.marks[at] = marks;
      if (const auto held = out.holding.progress.find(at); held != out.holding.progress.end()) {
        out.progress[at] = held->second;
      } else if (const auto found = committed->find(partition); found != committed->end()) {
        out.progress[at] = found->second;
      } else {
        out.progress[at].watermark = marks.low;
      }
    }
  }
  return out;
}

Result<std::vector<Peeked>> Core::peek(const PeekRequest& request) {
  if (request.shelf == Shelf::dead) return peek_dead(request);
  auto pictured = picture(request.source, true);
  if (!pictured) return fail(pictured.error());
  std::vector<Peeked> out;
  for (const auto& [at, progress] : pictured->progress) {
    if (std::ssize(out) >= request.max_messages) break;
    if (auto done = peek_partition(request, *pictured, at, out); !done) return fail(done.error());
  }
  return out;
}

// What this process holds, then (of what waits) what lies behind it in the log.
Result<void> Core::peek_partition(const PeekRequest& request, const Picture& picture, LogPartition at,
                                  std::vector<Peeked>& out) {
  std::optional<Place> after;
  if (!request.after.empty()) {
    auto place = parse_place(request.after);
    if (!place) return fail(place.error());
    after = *place;
  }
  const std::string topic = log_of(names(request.source), at.log);
  if (const auto entries = picture.holding.entries.find(at); entries != picture.holding.entries.end()) {
    for (const Holding::Held& held : entries->second) {
      const Shelf shelf = held.state == Window::State::leased    ? Shelf::leased
                          : held.state == Window::State::delayed ? Shelf::delayed
                                                                 : Shelf::waiting;
      if (shelf != request.shelf || (after && place_of(at, held.offset) <= *after)) continue;
      if (std::ssize(out) >= request.max_messages) return {};
      out.push_back({.message = to_message(held.record, topic, at.partition),
                     .position = to_position(place_of(at, held.offset)),
                     .attempts = held.attempts,
                     .due = held.due,
                     .reason = "",
                     .since = {}});
    }
  }
  return peek_log(request, picture, at, out);
}

Result<void> Core::peek_log(const PeekRequest& request, const Picture& picture, LogPartition at,
                            std::vector<Peeked>& out) {
  const auto held = picture.holding.next.find(at);
  const bool is_held = held != picture.holding.next.end();
  if (request.shelf == Shelf::leased || (is_held && request.shelf == Shelf::delayed)) return {};
  const Progress& progress = picture.progress.at(at);
  const Watermarks& marks = picture.marks.at(at);
  std::int64_t from = std::max(is_held ? held->second : progress.watermark, marks.low);
  if (!request.after.empty()) {
    auto after = parse_place(request.after);
    if (after && after->in_retry == (at.log == 1) && after->partition == at.partition) {
      from = std::max(from, after->offset + 1);
    } else if (after && place_of(at, marks.high) < *after) {
      return {};
    }
  }
  if (from >= marks.high || std::ssize(out) >= request.max_messages) return {};
  const std::string topic = log_of(names(request.source), at.log);
  auto reader = LogReader::open(cluster_, topic, {{at.partition, from}});
  if (!reader) return fail(reader.error());
  const Instant until = Clock::now() + cluster_.settings.timeout;
  while (std::ssize(out) < request.max_messages && (*reader)->places().at(at.partition) < marks.high &&
         !(*reader)->at_end() && Clock::now() < until) {
    auto item = (*reader)->next(step);
    if (!item) return fail(item.error());
    if (!*item || progress.is_settled((*item)->record.offset)) continue;
    const Record& record = (*item)->record;
    const auto open = std::ranges::find(progress.open, record.offset, &OpenMessage::offset);
    const bool known = open != progress.open.end();
    auto due = known && open->due ? open->due : due_time(record);
    if (due && *due <= clock_.now()) due.reset();
    if (due.has_value() != (request.shelf == Shelf::delayed)) continue;
    out.push_back({.message = to_message(record, topic, at.partition),
                   .position = to_position(place_of(at, record.offset)),
                   .attempts = known ? open->attempts : 0,
                   .due = due,
                   .reason = "",
                   .since = {}});
  }
  return {};
}

Result<Stats> Core::stats(const Source& source) {
  auto pictured = picture(source, false);
  if (!pictured) return fail(pictured.error());
  Stats stats;
  std::uint64_t open = 0;
  bool all_ours = true;
  for (const auto& [at, progress] : pictured->progress) {
    open += open_behind(progress, pictured->marks.at(at));
    if (pictured->holding.next.contains(at)) continue;
    all_ours = false;
    for (const OpenMessage& message : progress.open) {
      if (message.due && *message.due > clock_.now()) ++stats.delayed;
    }
  }
  stats.leased = pictured->holding.leased;
  stats.delayed += pictured->holding.delayed;
  stats.waiting = open - std::min(open, stats.leased + stats.delayed);
  auto dead = count_dead(source);
  if (!dead) return fail(dead.error());
  stats.dead = *dead;
  if (open > stats.leased) {
    PeekRequest first{.source = source, .shelf = Shelf::waiting, .after = "", .max_messages = 1};
    auto peeked = peek(first);
    if (peeked && !peeked->empty()) stats.oldest = peeked->front().message.time;
  }
  if (auto opened = notes_.open(); !opened) return fail(opened.error());
  // The note comes a moment before its member obeys it.
  stats.paused = pictured->holding.is_paused.value_or(notes_.get("paused " + note_name(source)).has_value());
  // Offsets are not counts where a log was compacted or written by transactions; other nodes' leases are theirs.
  stats.estimated = {"waiting", "oldest"};
  if (!all_ours) stats.estimated.insert(stats.estimated.end(), {"leased", "delayed"});
  return stats;
}

Result<void> Core::pause(const Source& source, bool paused) {
  if (auto there = check_topic(source.name); !there) return there;
  return notes_.put("paused " + note_name(source), paused ? std::optional<std::string>("yes") : std::nullopt);
}

Result<std::map<LogPartition, std::int64_t>> Core::all_ends(const Source& source) {
  const auto logs = names(source).logs();
  std::map<LogPartition, std::int64_t> out;
  for (int log = 0; log < std::ssize(logs); ++log) {
    auto ends = admin_.places_of(logs[static_cast<std::size_t>(log)], true);
    if (!ends) return fail(ends.error());
    for (const auto& [partition, end] : *ends) out[{.log = log, .partition = partition}] = end;
  }
  return out;
}

Result<std::uint64_t> Core::purge(const Source& source, Shelf shelf) {
  if (shelf == Shelf::dead) return purge_dead(source);
  if (shelf == Shelf::leased) return invalid("what is leased cannot be purged");
  auto pictured = picture(source, false);
  if (!pictured) return fail(pictured.error());
  auto ends = all_ends(source);
  if (!ends) return fail(ends.error());
  if (pictured->holding.in_group) {
    Answer<std::uint64_t> answer;
    find_member(source)->purge(shelf, *ends, answer.report());
    return answer.get();
  }
  // Nobody of ours is in the group: its progress is rewritten, which Kafka takes if nobody else's is either.
  std::uint64_t gone = 0;
  const Names n = names(source);
  for (auto& [at, progress] : pictured->progress) {
    const auto is_delayed = [&](const OpenMessage& m) { return m.due && *m.due > clock_.now(); };
    std::map<std::int32_t, Progress> one;
    if (shelf == Shelf::delayed) {
      for (const OpenMessage& message : progress.open) {
        if (is_delayed(message)) ++gone, progress.settle(message.offset);
      }
      std::erase_if(progress.open, [&](const OpenMessage& m) { return progress.is_settled(m.offset); });
    } else {
      Progress kept{.watermark = ends->at(at), .settled = {}, .open = {}};
      std::ranges::copy_if(progress.open, std::back_inserter(kept.open), is_delayed);
      if (!kept.open.empty()) kept.watermark = kept.open.front().offset;
      for (std::size_t i = 0; i < kept.open.size(); ++i) {
        const std::int64_t from = kept.open[i].offset + 1;
        const std::int64_t to = i + 1 < kept.open.size() ? kept.open[i + 1].offset : ends->at(at);
        if (from < to) kept.settled.push_back({from, to});
      }
      gone += open_behind(progress, pictured->marks.at(at)) - kept.open.size();
      progress = kept;
    }
    one[at.partition] = progress;
    auto moved = admin_.move(n.group, log_of(n, at.log), one);
    if (!moved) return fail(moved.error());
  }
  return gone;
}

Result<Places> Core::places(const std::string& topic, const From& from) {
  const std::string log = topic_name(cluster_.settings.prefix, topic);
  switch (from.kind) {
    case From::Kind::earliest: return admin_.places_of(log, false);
    case From::Kind::latest: return admin_.places_of(log, true);
    case From::Kind::time: return admin_.places_at(log, from.time);
    case From::Kind::after: break;
  }
  auto given = parse_places(from.position);
  if (!given) return given;
  auto places = admin_.places_of(log, false);
  if (!places) return places;
  for (const auto& [partition, next] : *given) {
    if (!places->contains(partition)) return invalid(fmt::format("topic {} has no partition {}", topic, partition));
    (*places)[partition] = std::max((*places)[partition], next);
  }
  return places;
}

Result<void> Core::move(const Source& source, const From& to) {
  if (auto there = check_topic(source.name); !there) return there;
  auto target = places(source.name, to);
  if (!target) return fail(target.error());
  const Names n = names(source);
  if (auto member = find_member(source)) {
    Answer<Holding> looked;
    member->look(false, looked.report());
    auto holding = looked.get();
    if (!holding) return fail(holding.error());
    if (holding->in_group) {
      std::map<LogPartition, std::int64_t> all;
      for (const auto& [partition, offset] : *target) all[{.log = 0, .partition = partition}] = offset;
      Answer<void> answer;
      member->move(all, answer.report());
      return answer.get();
    }
  }
  std::map<std::int32_t, Progress> all;
  for (const auto& [partition, offset] : *target) all[partition].watermark = offset;
  return admin_.move(n.group, n.log, all);
}

Result<Position> Core::checkpoint(const Source& source) {
  if (auto there = check_topic(source.name); !there) return fail(there.error());
  const Names n = names(source);
  auto progress = admin_.progress(n.group, n.log);
  if (!progress) return fail(progress.error());
  Places places;
  for (const auto& [partition, p] : *progress) places[partition] = p.watermark;
  return to_position(places);
}

}  // namespace parley::queue::kafka
