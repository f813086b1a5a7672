// Ring: the last messages of one stream, as the frames that sockets send: each is made once a format, and shared by all
// who send it. Readers keep a number of their own; one that comes too late sees what it missed.
//
// On one shard.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "edge/websocket/frames.h"

namespace parley::edge::websocket {

class Ring {
 public:
  struct Bounds {
    std::size_t messages = 0;                    // that are kept in any case, up to `most`
    std::size_t bytes = std::size_t{256} << 10;  // that are kept in any case
    std::size_t most = std::size_t{16} << 20;    // bytes, whatever else is said
  };
  // `reply`: the type of the messages. `epoch`: what positions begin with; "" for messages without positions.
  Ring(const contract::MessageTable& reply, const Bounds& bounds, std::string epoch)
      : reply_(reply), bounds_(bounds), epoch_(std::move(epoch)) {}

  struct Entry {
    Bytes message;
    std::array<Bytes, 2> frames;     // by format
    std::uint64_t bytes_so_far = 0;  // of the stream's messages, with this one
  };
  void push(Bytes message) { push({.message = std::move(message), .frames = {}}); }
  // With the frames that it has already.
  void push(Entry entry);
  // The next message has this number, beyond next(): those before it were missed, and nothing is held.
  void skip_to(std::uint64_t number);
  // The messages that are held have the numbers first() to next() - 1.
  std::uint64_t first() const { return first_; }
  std::uint64_t next() const { return first_ + entries_.size(); }
  const Entry& entry(std::uint64_t number) const { return entries_[number - first_]; }
  // Of all messages that were ever pushed.
  std::uint64_t bytes_so_far() const { return bytes_so_far_; }
  // As a whole WebSocket frame, uncompressed. Errors: internal, as `put_message`.
  Result<Bytes> frame(std::uint64_t number, Format format);

  // "k3x-1007". The number that follows a position of this ring's; nothing for another's, or where that one is gone.
  std::optional<std::uint64_t> after(std::string_view position) const;

 private:
  std::string position_of(std::uint64_t number) const;

  const contract::MessageTable& reply_;
  Bounds bounds_;
  std::string epoch_;
  std::deque<Entry> entries_;
  std::uint64_t first_ = 1;
  std::size_t bytes_ = 0;  // held
  std::uint64_t bytes_so_far_ = 0;
};

}  // namespace parley::edge::websocket
