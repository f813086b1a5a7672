// Core's dead letters: a topic of their own. Which of them went back or were purged is a note; what is gone at its
// beginning is deleted.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "queue/kafka/core.h"
#include "queue/kafka/error.h"

namespace parley::queue::kafka {
namespace {

constexpr Duration step = std::chrono::seconds(2);
constexpr std::size_t no_limit = 900'000;  // of a note: below Kafka's default for one message

std::string taken_key(const Source& source, std::int32_t partition) {
  return fmt::format("taken {} {}", note_name(source), partition);
}

}  // namespace

Result<Progress> Core::taken(const Source& source, std::int32_t partition) {
  auto marks = admin_.watermarks(names(source).dead, partition);
  if (!marks) return fail(marks.error());
  Progress progress{.watermark = marks->low, .settled = {}, .open = {}};
  const auto note = notes_.get(taken_key(source, partition));
  if (!note) return progress;
  std::int64_t watermark = 0;
  std::from_chars(note->data(), note->data() + note->size(), watermark);
  const std::size_t blank = note->find(' ');
  Progress noted =
      decode_progress(watermark, blank == std::string::npos ? "" : std::string_view(*note).substr(blank + 1));
  if (watermark < marks->low) {  // deleted further than it says
    for (const OffsetRange& range : noted.settled) {
      for (std::int64_t o = std::max(range.from, marks->low); o < range.to; ++o) progress.settle(o);
    }
    return progress;
  }
  return noted;
}

Result<void> Core::put_taken(const Source& source, std::int32_t partition, const Progress& progress) {
  auto noted = notes_.put(taken_key(source, partition),
                          fmt::format("{} {}", progress.watermark, encode_progress(progress, no_limit)));
  if (!noted) return noted;
  return admin_.delete_before(names(source).dead, partition, progress.watermark);
}

// each(partition, record) of every dead letter that is there, until it returns false.
template <class Each>
Result<void> Core::each_dead(const Source& source, Each each) {
  const std::string topic = names(source).dead;
  auto count = admin_.partitions(topic);
  if (!count) {
    // A group that never was here has none.
    if (count.error().code() == Code::not_found) return check_topic(source.name);
    return fail(count.error());
  }
  if (auto opened = notes_.open(); !opened) return fail(opened.error());
  for (std::int32_t partition = 0; partition < *count; ++partition) {
    auto gone = taken(source, partition);
    if (!gone) return fail(gone.error());
    auto marks = admin_.watermarks(topic, partition);
    if (!marks) return fail(marks.error());
    if (gone->watermark >= marks->high) continue;
    auto reader = LogReader::open(cluster_, topic, {{partition, gone->watermark}});
    if (!reader) return fail(reader.error());
    const Instant until = Clock::now() + cluster_.settings.timeout;
    while ((*reader)->places().at(partition) < marks->high && !(*reader)->at_end()) {
      auto item = (*reader)->next(step);
      if (!item) return fail(item.error());
      if (!*item && Clock::now() > until) {
        return fail(cluster_.explain(RD_KAFKA_RESP_ERR__TIMED_OUT, "reading " + topic));
      }
      if (!*item || gone->is_settled((*item)->record.offset)) continue;
      if (!each(partition, std::move((*item)->record))) return {};
    }
  }
  return {};
}

Result<std::vector<Peeked>> Core::peek_dead(const PeekRequest& request) {
  std::optional<Place> after;
  if (!request.after.empty()) {
    auto place = parse_place(request.after);
    if (!place) return fail(place.error());
    after = *place;
  }
  std::vector<Peeked> out;
  auto done = each_dead(request.source, [&](std::int32_t partition, Record record) {
    const Place place{.in_retry = false, .partition = partition, .offset = record.offset};
    if (after && place <= *after) return true;
    if (std::ssize(out) >= request.max_messages) return false;
    const DeadLetter letter = read_letter(record);
    record = exhume(std::move(record));
    Record original = record;
    original.offset = letter.offset;
    out.push_back({.message = to_message(original, letter.log, letter.partition),
                   .position = to_position(place),
                   .attempts = letter.attempts,
                   .due = {},
                   .reason = letter.reason,
                   .since = letter.since});
    return true;
  });
  if (!done) return fail(done.error());
  return out;
}

Result<std::uint64_t> Core::redrive(const Source& source, const std::vector<Position>& which) {
  std::vector<Place> wanted;
  for (const Position& position : which) {
    auto place = parse_place(position);
    if (!place) return fail(place.error());
    wanted.push_back(*place);
  }
  const std::lock_guard one_at_a_time(dead_lock_);
  const Names n = names(source);
  const std::string& target = n.retry.empty() ? n.log : n.retry;
  std::map<std::int32_t, Progress> gone;
  std::uint64_t count = 0;
  std::optional<Error> failed;
  auto done = each_dead(source, [&](std::int32_t partition, Record record) {
    const Place place{.in_retry = false, .partition = partition, .offset = record.offset};
    if (!which.empty() && std::ranges::find(wanted, place) == wanted.end()) return true;
    if (!gone.contains(partition)) {
      auto before = taken(source, partition);
      if (!before) return failed = before.error(), false;
      gone[partition] = *before;
    }
    const DeadLetter letter = read_letter(record);
    Record again = exhume(std::move(record));
    // One that was named by its place in the log (a plain producer's) keeps that name.
    if (again.find("ce_id") == nullptr) {
      Record original = again;
      original.offset = letter.offset;
      again.headers.push_back({.name = "ce_id", .value = to_message(original, letter.log, letter.partition).id});
    }
    again.time = clock_.now().time_since_epoch().count();
    auto placed = producer_.produce_and_wait(target, -1, again);
    if (!placed) return failed = placed.error(), false;
    gone[partition].settle(place.offset);
    return ++count, true;
  });
  // What went back is written down whatever came after it.
  for (const auto& [partition, progress] : gone) {
    if (auto put = put_taken(source, partition, progress); !put && !failed) failed = put.error();
  }
  if (failed) return fail(*failed);
  if (!done) return fail(done.error());
  return count;
}

Result<std::uint64_t> Core::purge_dead(const Source& source) {
  const std::lock_guard one_at_a_time(dead_lock_);
  auto count = count_dead(source);
  if (!count || *count == 0) return count;
  const std::string topic = names(source).dead;
  auto ends = admin_.places_of(topic, true);
  if (!ends) return fail(ends.error());
  for (const auto& [partition, end] : *ends) {
    auto put = put_taken(source, partition, Progress{.watermark = end, .settled = {}, .open = {}});
    if (!put) return fail(put.error());
  }
  return count;
}

Result<std::uint64_t> Core::count_dead(const Source& source) {
  auto ends = admin_.places_of(names(source).dead, true);
  if (!ends) {
    if (ends.error().code() == Code::not_found) return 0;
    return fail(ends.error());
  }
  if (auto opened = notes_.open(); !opened) return fail(opened.error());
  std::uint64_t sum = 0;
  for (const auto& [partition, end] : *ends) {
    auto gone = taken(source, partition);
    if (!gone) return fail(gone.error());
    std::int64_t left = end - gone->watermark;
    for (const OffsetRange& range : gone->settled) left -= range.to - range.from;
    sum += static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0));
  }
  return sum;
}

}  // namespace parley::queue::kafka
