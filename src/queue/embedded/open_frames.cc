#include "queue/embedded/open_frames.h"

#include <algorithm>
#include <utility>

#include "store/records.h"

namespace parley::queue::embedded {

Result<OpenFrame> OpenFrame::of(store::Frame frame, int model) {
  OpenFrame open;
  open.at_ = frame.at;
  open.body_ = std::move(frame.body);
  const auto walked = store::read_records(
      open.body_.view(), [&](std::uint64_t number, std::string_view record, std::size_t offset) -> Result<void> {
        if (number != static_cast<std::uint64_t>(model)) return {};
        Reader from(record);
        const auto kind = static_cast<RecordKind>(from.byte());
        if (kind != RecordKind::published && kind != RecordKind::moved) return {};
        const auto log = static_cast<LogId>(from.number());  // both begin so
        open.places_.push_back({.log = log, .seq = from.number(), .offset = static_cast<std::uint32_t>(offset)});
        return {};
      });
  if (!walked) return fail(walked.error());
  if (!std::ranges::is_sorted(open.places_, {}, &Place::id)) std::ranges::sort(open.places_, {}, &Place::id);
  return open;
}

std::optional<std::uint32_t> OpenFrame::offset_of(LogId log, Seq seq) const {
  if (places_.empty()) return std::nullopt;
  // Most frames have one log's, without gaps.
  const std::uint64_t guess = seq - places_.front().seq;
  if (guess < places_.size() && places_[guess].id() == std::pair(log, seq)) return places_[guess].offset;
  const auto found = std::ranges::lower_bound(places_, std::pair(log, seq), {}, &Place::id);
  if (found == places_.end() || found->id() != std::pair(log, seq)) return std::nullopt;
  return found->offset;
}

Result<const OpenFrame*> OpenFrames::at(store::Address address) {
  const auto known = std::ranges::find(frames_, address, &OpenFrame::at);
  if (known != frames_.end()) {
    frames_.splice(frames_.begin(), frames_, known);
    return &frames_.front();
  }
  Result<store::Frame> frame = journal_->read(address);
  if (!frame) return fail(std::move(frame.error()));
  Result<OpenFrame> open = OpenFrame::of(*std::move(frame), model_);
  if (!open) return fail(std::move(open.error()));
  bytes_ += open->bytes();
  frames_.push_front(*std::move(open));
  while (bytes_ > limit && frames_.size() > 1) {
    bytes_ -= frames_.back().bytes();
    frames_.pop_back();
  }
  return &frames_.front();
}

}  // namespace parley::queue::embedded
