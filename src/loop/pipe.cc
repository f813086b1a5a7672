#include "loop/pipe.h"

#include <utility>

#include "loop/shard.h"

namespace parley {
namespace {

constexpr std::size_t compact_at = 64;  // slices read from the front of a queue that never runs empty

void wake(std::coroutine_handle<>& waiter) {
  if (auto who = std::exchange(waiter, nullptr)) Shard::current().resume_later(who);
}

}  // namespace

void Pipe::wake_reader() { wake(reader_); }
void Pipe::wake_writer() { wake(writer_); }

void Pipe::drop_front() {
  has_first_ = head_ < queue_.size();
  if (!has_first_) {
    first_ = Bytes();
    return;
  }
  first_ = std::move(queue_[head_++]);
  if (head_ == queue_.size()) {
    queue_.clear();
    head_ = 0;
  } else if (head_ >= compact_at && head_ * 2 > queue_.size()) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void Pipe::drop_all() {
  first_ = Bytes();
  has_first_ = false;
  queue_.clear();
  head_ = 0;
  bytes_ = 0;
}

Result<std::optional<Bytes>> Pipe::take() {
  if (aborted_) return fail(*aborted_);
  if (!has_first_) return std::nullopt;
  Bytes slice = std::move(first_);
  drop_front();
  bytes_ -= slice.size();
  if (!is_full()) wake_writer();
  if (observer_ != nullptr) observer_->pipe_read(*this, slice.size());
  if (breaks_with_ && !has_first_) abort(*std::exchange(breaks_with_, std::nullopt));
  return slice;
}

void Pipe::consume(std::size_t bytes) {
  bytes_ -= bytes;
  if (bytes == first_.size()) {
    drop_front();
  } else {
    first_ = first_.slice(bytes);
  }
  if (!is_full()) wake_writer();
}

void Pipe::discard() {
  const std::size_t dropped = bytes_;
  drop_all();
  discarding_ = true;
  wake_writer();
  if (dropped > 0 && observer_ != nullptr) observer_->pipe_read(*this, dropped);
}

void Pipe::push(Bytes slice) {
  if (ended_ || aborted_ || breaks_with_) return;
  if (discarding_) {
    if (observer_ != nullptr) observer_->pipe_read(*this, slice.size());
    return;
  }
  bytes_ += slice.size();
  if (has_first_) {
    queue_.push_back(std::move(slice));
  } else {
    first_ = std::move(slice);
    has_first_ = true;
  }
  wake_reader();
  if (observer_ != nullptr) observer_->pipe_written(*this);
}

void Pipe::end() {
  if (ended_ || aborted_ || breaks_with_) return;
  ended_ = true;
  wake_reader();
  if (observer_ != nullptr) observer_->pipe_written(*this);
}

void Pipe::break_off(Error why) {
  if (ended_) return;  // all of it came
  if (!has_first_) return abort(std::move(why));
  if (!aborted_) breaks_with_ = std::move(why);
}

void Pipe::abort(Error why) {
  if (is_done()) return;
  aborted_ = std::move(why);
  drop_all();
  wake_reader();
  wake_writer();
  if (observer_ != nullptr) observer_->pipe_written(*this);
}

}  // namespace parley
