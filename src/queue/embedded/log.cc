#include "queue/embedded/log.h"

#include <utility>

namespace parley::queue::embedded {
namespace {

Bytes slice_of(const Bytes& whole, std::string_view part) {
  return whole.slice(static_cast<std::size_t>(part.data() - whole.data()), part.size());
}

}  // namespace

void Recent::add(Shelf& shelf, Seq seq, Item item) {
  if (shelf.items.empty()) shelf.first = seq;
  bytes_ += item.message.size() + sizeof(Item);
  shelf.items.push_back(std::move(item));
  order_.push_back(&shelf);
  while (bytes_ > limit) {
    Shelf& oldest = *order_.front();
    order_.pop_front();
    bytes_ -= oldest.items.front().message.size() + sizeof(Item);
    oldest.items.pop_front();
    ++oldest.first;
  }
}

Result<std::optional<Look>> Log::look(Seq seq, store::Journal& journal, store::View& view) {
  if (seq < begin) seq = begin;
  if (seq >= next) return std::nullopt;
  if (const Recent::Item* item = recent.find(seq))
    return Look{seq, item->frame, item->line, item->due, item->expires, item->message};
  Result<RunPtr> run = index.at_or_after(seq, view);
  // Where the frame is gone all was settled: messages with a due time may be, before the cursor comes to them.
  while (run && *run && (*run)->frame < journal.begin()) run = index.at_or_after(seq = (*run)->last() + 1, view);
  if (!run) return fail(run.error());
  if (!*run || (*run)->frame >= journal.end()) return std::nullopt;
  const Run::Place& place = *(*run)->from(seq);
  if (frame_.body.empty() || frame_.at != (*run)->frame) {
    Result<store::Frame> read_frame = journal.read((*run)->frame);
    if (!read_frame) return fail(std::move(read_frame.error()));
    frame_ = *std::move(read_frame);
  }
  if (place.offset >= frame_.body.size())
    return fail(Error(Code::data_loss, Blame::us, "the index of messages is damaged"));
  Reader from(frame_.body.view().substr(place.offset));
  const auto kind = static_cast<RecordKind>(from.byte());
  const auto what = read<Published>(from);
  if ((kind != RecordKind::published && kind != RecordKind::moved) || !from.ok() || what.log != id ||
      what.seq != place.seq)
    return fail(Error(Code::data_loss, Blame::us, "the index of messages is damaged"));
  return Look{what.seq, (*run)->frame, what.line, what.due, what.expires, slice_of(frame_.body, what.message)};
}

}  // namespace parley::queue::embedded
