#include "store/open_group.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "store/records.h"

namespace parley::store {
namespace {

constexpr std::size_t room_step = 64 << 10;  // asked for at once, so that most records ask nothing

}  // namespace

void OpenGroup::begin(WallTime time) {
  time_ = time;
  room_ = 0;
}

Result<void> OpenGroup::room(std::size_t records, std::size_t bytes) {
  const std::size_t need = body_.size() + records * max_record_head + bytes;
  if (need <= room_ && (room_for_ == Journal::Spend::space || spend_ == Journal::Spend::reserve)) return {};
  if (need > max_frame_body) {
    return fail(Error(Code::resource_exhausted, Blame::caller, fmt::format("{} bytes are too many for one group", need))
                    .with_reason("too_large"));
  }
  // Where space is short, only what is needed.
  const std::size_t ahead = journal_.full() ? need : std::min(need + room_step, max_frame_body);
  auto made = journal_.make_room(ahead, spend_);
  if (!made) {
    ++refused_;
    if (made.error().code() != Code::resource_exhausted) halted_ = made.error();
    return made;
  }
  room_ = ahead;
  room_for_ = spend_;
  return {};
}

Result<void> OpenGroup::add(int model, std::string_view record) {
  if (auto found = room(1, record.size()); !found) return found;
  const std::size_t offset = append_record(body_, model, record);
  models_[static_cast<std::size_t>(model)]->apply(
      record, {.frame = journal_.end(), .offset = static_cast<std::uint32_t>(offset)}, time_, view_);
  return {};
}

Result<void> OpenGroup::commit() {
  if (halted_) return fail(*halted_);
  if (body_.empty()) return {};
  const std::size_t usual = body_.size();
  // The room was seen to before anything was applied, whoever may use it by now.
  auto frame = journal_.append(Bytes(std::exchange(body_, {})), time_, Journal::Spend::reserve);
  if (!frame) return fail(std::move(frame).error());
  body_.reserve(usual);
  return journal_.sync();
}

}  // namespace parley::store
