// Making room: the journal is dropped from its old end, so one message that stays (a dead letter, a due time next week)
// would hold all that came after it. Once less than half of the journal's bytes is needed still, the oldest segment's
// needed messages are written again at the new end, a little at a time, until it is half again. So the journal stays
// within about twice what is needed, and what is moved is no more than what others have freed.
//
// On a full disk that goes for a journal of any size, and for its last segment: a few messages must not keep it full.
// But what others need to free space is not taken: only what takes a small part of the room that is left is moved.
#include <string>
#include <utility>
#include <vector>

#include "queue/embedded/model.h"
#include "queue/embedded/ops.h"
#include "queue/embedded/sure.h"
#include "store/records.h"

namespace parley::queue::embedded {
namespace {

constexpr std::size_t step_bytes = 256 << 10;
constexpr std::uint64_t part_of_room = 4;  // of what is left on a full disk
constexpr Millis between_steps = 2;
constexpr Millis between_looks = 1'000;

}  // namespace

class Compaction {
 public:
  Compaction(Model& model, store::Group& group) : model_(model), group_(group), now_(millis(group.time())) {}

  std::optional<Millis> step() {
    const std::vector<store::Journal::Segment> segments = model_.journal().segments();
    if (segments.empty() || (!full_ && segments.size() < 2)) return std::nullopt;
    const bool large = model_.journal().end() - segments.front().from >= model_.options().compact_above;
    if (!full_ && !large) return now_ + between_looks;
    if (model_.compacting_ == 0 && !choose(segments)) return now_ + between_looks;
    if (full_ && !fits(segments.front().from)) return now_ + between_looks;
    std::size_t looked = 0;
    while (model_.compacting_ != 0 && looked < step_bytes) {
      const Result<store::Frame> frame = model_.journal().read(std::max(model_.compacting_, segments.front().from));
      if (!frame) model_.compacting_ = 0, model_.skipped_ = true;
      if (!frame || !move(*frame)) return now_ + between_looks;
      looked += frame->body.size();
      model_.compacting_ = frame->next < model_.compact_to_ ? frame->next : 0;
    }
    if (model_.compacting_ == 0 && !model_.skipped_) model_.moved_to_ = model_.compact_to_;
    return now_ + between_steps;
  }

 private:
  bool fits(store::Address begin) {
    const store::Address from = std::max(model_.compacting_, begin);
    return from >= model_.compact_to_ ||
           model_.live_.sum(from, model_.compact_to_).bytes <= model_.journal().last_room() / part_of_room;
  }

  // The oldest that was not looked through yet, where that is worth it.
  bool choose(const std::vector<store::Journal::Segment>& segments) {
    // What is not needed at the front, or was looked through, goes with the next checkpoint by itself.
    const store::Address end = model_.journal().end();
    const store::Address from = std::max(model_.live_.needed_from(end), model_.compact_to_);
    if (from >= end || (!full_ && end - from < model_.options().compact_above)) return false;
    if (model_.live_.sum(from, end).bytes * 2 >= end - from) return false;
    for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
      const store::Journal::Segment& segment = segments[i];
      if (segment.to <= model_.compact_to_ || model_.live_.sum(segment.from, segment.to).messages == 0) continue;
      model_.compacting_ = segment.from;
      model_.compact_to_ = segment.to;
      return true;
    }
    if (full_) model_.journal().let_last_go();
    return false;
  }

  // All of the frame or nothing: a run leaves its frame as a whole.
  bool move(const store::Frame& frame) {
    std::vector<std::string> records;
    std::size_t bytes = 0;
    const auto walked = store::read_records(
        frame.body.view(), [&](std::uint64_t number, std::string_view record, std::size_t) -> Result<void> {
          if (number != static_cast<std::uint64_t>(model_.options().number)) return {};
          Moved moved{.run = 0, .from = frame.at, .what = {}, .time = millis(frame.time)};
          if (!is_needed(record, frame.at, moved)) return {};
          write(moved, records.emplace_back());
          bytes += records.back().size();
          return {};
        });
    if (!walked || !group_.room(records.size(), bytes)) return false;
    for (const std::string& record : records) {
      if (!group_.add(model_.options().number, record)) return false;
    }
    return true;
  }

  bool is_needed(std::string_view record, store::Address frame, Moved& moved) {
    Reader from(record);
    const auto kind = static_cast<RecordKind>(from.byte());
    if (kind != RecordKind::published && kind != RecordKind::moved) return false;
    if (kind == RecordKind::moved) {
      Moved before = read<Moved>(from);
      moved.what = before.what;
      if (before.time != 0) moved.time = before.time;
    } else {
      moved.what = read<Published>(from);
    }
    if (!from.ok() || moved.what.log >= model_.logs_.size()) return false;
    Channel& channel = *model_.logs_[moved.what.log];
    Log& log = channel.log;
    const Seq seq = moved.what.seq;
    const RunPtr run = sure(log.index.at_or_after(seq, model_.view()));
    if (!run || run->frame != frame || run->first() > seq) return false;
    const Run::Stretch* stretch = run->at_or_after(seq);
    if (stretch == nullptr || stretch->first > seq) return false;
    moved.run = run->first();
    if (log.options.topic) return seq >= log.begin;
    for (const auto& [name, state] : channel.groups) {
      if (state->needs(seq, stretch->has_due, model_.view())) return true;
    }
    return false;
  }

  Model& model_;
  store::Group& group_;
  const Millis now_;
  const bool full_ = model_.journal().full();
};

std::optional<Millis> compact(Model& model, store::Group& group) { return Compaction(model, group).step(); }

}  // namespace parley::queue::embedded
