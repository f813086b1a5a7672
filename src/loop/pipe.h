// Pipe: a stream of byte slices between one producer and one consumer on one shard, bounded in bytes. It carries
// messages across the waist and body chunks between a protocol and its user; a slice written is a slice read.
//
//   producer:  co_await pipe.write(slice) …  pipe.end()
//   consumer:  while (auto next = co_await pipe.read(); next && *next) use(**next);
//
// The bound holds as `limit` plus one slice: a write queues its slice and then waits while more than `limit` bytes are
// queued. `end` lets what is queued be read; `abort` drops it: reads and writes then fail with its error. The first of
// them wins, but an abort overrules an end that was not read yet.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace parley {

class Pipe;

// A side of a pipe that is driven by callbacks (a protocol's connection) instead of awaiting.
class PipeObserver {
 public:
  virtual void pipe_written(Pipe&) {}                      // something to read, an end or an abort
  virtual void pipe_read(Pipe&, std::size_t /*bytes*/) {}  // the consumer took a slice: credit can be returned
  virtual void pipe_awaited(Pipe&) {}                      // the consumer waits: nothing is there to read
 protected:
  ~PipeObserver() = default;
};

class Pipe {
 public:
  static constexpr std::size_t default_limit = 64 * 1024;
  explicit Pipe(std::size_t limit = default_limit) : limit_(limit) {}
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void observe(PipeObserver* observer) { observer_ = observer; }
  // For whoever knows what the stream is. Before a writer waits.
  void set_limit(std::size_t limit) { limit_ = limit; }

  // Consumer.
  struct Read {
    Pipe& pipe;
    bool await_ready() const noexcept { return pipe.is_readable(); }
    void await_suspend(std::coroutine_handle<> who) noexcept { pipe.wait_to_read(who); }
    // The next slice; nothing at the end; the abort's error.
    Result<std::optional<Bytes>> await_resume() { return pipe.take(); }
  };
  Read read() { return {*this}; }
  struct Readable {
    Pipe& pipe;
    bool await_ready() const noexcept { return pipe.is_readable(); }
    void await_suspend(std::coroutine_handle<> who) noexcept { pipe.wait_to_read(who); }
    void await_resume() const noexcept {}
  };
  // Waits until `read` would not wait: a slice is there, or the end, or an abort. Takes nothing.
  Readable readable() { return {*this}; }
  bool is_readable() const { return has_first_ || ended_ || aborted_.has_value(); }
  // What `read` gives; call it only while `is_readable()`.
  Result<std::optional<Bytes>> take();
  // The slice that `take` would give, if there is one.
  const Bytes* front() const { return has_first_ ? &first_ : nullptr; }
  // Nobody will read any more, and nobody is to blame: drops what is queued and whatever is written from now on; no
  // writer waits.
  void discard();
  // For a producer that can spare itself the work.
  bool discards() const { return discarding_; }
  // For consumers that send a slice in parts: drops the first `bytes` of the front slice.
  void consume(std::size_t bytes);

  // Producer.
  struct Write {
    Pipe& pipe;
    bool await_ready() const noexcept { return !pipe.is_full(); }
    void await_suspend(std::coroutine_handle<> who) noexcept { pipe.writer_ = who; }
    Result<void> await_resume() {
      if (pipe.aborted_) return fail(*pipe.aborted_);
      return {};
    }
  };
  // Queues `slice` at once, then waits while the pipe is over its limit. Errors: the abort's.
  Write write(Bytes slice) {
    push(std::move(slice));
    return {*this};
  }
  // Queues without waiting: for producers that bound themselves (a flow-control window).
  void push(Bytes slice);
  bool is_full() const { return bytes_ > limit_ && !aborted_; }
  void end();
  // The producer broke off through no fault of the consumer: what is queued can still be read, then reads fail with
  // `why`.
  void break_off(Error why);

  // Either side.
  void abort(Error why);
  bool is_ended() const { return ended_; }
  const std::optional<Error>& aborted() const { return aborted_; }
  // Nothing will ever come any more: aborted, or ended and read to the end.
  bool is_done() const { return aborted_.has_value() || (ended_ && !has_first_); }
  std::size_t count() const { return (has_first_ ? 1 : 0) + queue_.size() - head_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void wait_to_read(std::coroutine_handle<> who) {
    reader_ = who;
    if (observer_ != nullptr) observer_->pipe_awaited(*this);
  }
  void wake_reader();
  void wake_writer();
  void drop_front();
  void drop_all();

  Bytes first_;               // the front: a pipe that holds one slice at a time allocates nothing
  std::vector<Bytes> queue_;  // the rest, from head_ on; cleared whenever it runs empty, so its storage is reused
  std::size_t head_ = 0;
  std::size_t bytes_ = 0;
  std::size_t limit_;
  bool has_first_ = false;
  bool ended_ = false;
  bool discarding_ = false;
  std::optional<Error> aborted_;
  std::optional<Error> breaks_with_;  // once the queue is read
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> writer_;
  PipeObserver* observer_ = nullptr;
};

}  // namespace parley
