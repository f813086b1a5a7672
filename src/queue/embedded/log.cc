#include "queue/embedded/log.h"

#include <algorithm>
#include <utility>

#include "store/records.h"

namespace parley::queue::embedded {
namespace {

Bytes slice_of(const Bytes& whole, std::string_view part) {
  return whole.slice(static_cast<std::size_t>(part.data() - whole.data()), part.size());
}

}  // namespace

void Recent::drop_first(Shelf& shelf) {
  bytes_ -= shelf.items.front().message.size() + sizeof(Item);
  shelf.items.pop_front();
  ++shelf.first;
}

void Recent::add(Shelf& shelf, Seq seq, Item item) {
  while (!shelf.items.empty() && shelf.first + shelf.items.size() != seq) drop_first(shelf);
  if (shelf.items.empty()) shelf.first = seq;
  bytes_ += item.message.size() + sizeof(Item);
  shelf.items.push_back(std::move(item));
  order_.push_back({&shelf, seq});
  while (!order_.empty() && (bytes_ > limit || !order_.front().is_taken())) {
    if (order_.front().is_taken()) drop_first(*order_.front().shelf);
    order_.pop_front();
  }
}

Result<WallTime> Log::time_of(const Run& run, store::Journal& journal, int model) {
  if (timed_ == run.frame && timed_first_ == run.first()) return time_;
  const Result<store::Frame> frame = journal.read(run.frame);
  if (!frame) return fail(frame.error());
  WallTime time = frame->time;
  // Moved ones say when: all of a run were in one frame before.
  const auto walked = store::read_records(
      frame->body.view(), [&](std::uint64_t number, std::string_view record, std::size_t) -> Result<void> {
        Reader from(record);
        if (number != static_cast<std::uint64_t>(model) || static_cast<RecordKind>(from.byte()) != RecordKind::moved)
          return {};
        const auto moved = read<Moved>(from);
        if (from.ok() && moved.what.log == id && moved.what.seq == run.first() && moved.time != 0)
          time = WallTime(WallTime::duration(moved.time));
        return {};
      });
  if (!walked) return fail(walked.error());
  timed_ = run.frame;
  timed_first_ = run.first();
  return time_ = time;
}

void Log::remember(Recent& all, Seq seq, Recent::Item item) {
  const std::uint64_t behind = seq - std::min(seq, furthest_);
  if (behind * (item.message.size() + sizeof(Recent::Item)) <= Recent::limit) all.add(recent, seq, std::move(item));
}

Result<std::optional<Look>> Log::look(Seq seq, OpenFrames& frames, store::View& view) {
  if (seq < begin) seq = begin;
  if (seq >= next) return std::nullopt;
  furthest_ = std::max(furthest_, seq);
  if (const Recent::Item* item = recent.find(seq))
    return Look{seq, item->frame, item->line, item->due, item->expires, item->message};
  const store::Journal& journal = frames.journal();
  Result<RunPtr> run = index.at_or_after(seq, view);
  // Where the frame is gone all was settled: messages with a due time may be, before the cursor comes to them.
  while (run && *run && (*run)->frame < journal.begin()) run = index.at_or_after(seq = (*run)->last() + 1, view);
  if (!run) return fail(run.error());
  if (!*run || (*run)->frame >= journal.end()) return std::nullopt;
  seq = std::max(seq, (*run)->at_or_after(seq)->first);
  const Result<const OpenFrame*> frame = frames.at((*run)->frame);
  if (!frame) return fail(frame.error());
  const std::optional<std::uint32_t> offset = (*frame)->offset_of(id, seq);
  if (!offset) return fail(Error(Code::data_loss, Blame::us, "the index of messages is damaged"));
  const Bytes& body = (*frame)->body();
  Reader from(body.view().substr(*offset));
  from.byte();
  const auto what = read<Published>(from);
  if (!from.ok()) return fail(Error(Code::data_loss, Blame::us, "a message's record is damaged"));
  return Look{seq, (*run)->frame, what.line, what.due, what.expires, slice_of(body, what.message)};
}

}  // namespace parley::queue::embedded
