// Journal: the only thing that is synced. A sequence of frames in segment files; a frame is one group of transactions
// that became durable together. docs/formats/store.md has the bytes.
//
// An address is a frame's byte position in the whole journal (segments are named after the address they begin with),
// so addresses grow for ever and never name two frames. Owned and used by the ledger's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/wall_time.h"
#include "store/files.h"

namespace parley::store {

using Address = std::uint64_t;

struct Frame {
  Address at = 0;
  Address next = 0;  // of the frame behind it
  WallTime time{};
  Bytes body;
};

struct JournalOptions {
  std::uint64_t segment_bytes = 64 << 20;
  std::uint64_t reserve_bytes = 16 << 20;  // kept for what frees space (`Spend::reserve`)
};

class Journal {
 public:
  // Whether a frame may use the reserve: settlements and the like, which free space, go on when the disk is full.
  enum class Spend : std::uint8_t { space, reserve };

  // Opens or creates. A torn tail (an incomplete or damaged last frame, nothing valid behind it) is truncated; damage
  // in the middle is data_loss with file and offset.
  static Result<std::unique_ptr<Journal>> open(Files& files, std::filesystem::path folder, JournalOptions options);
  virtual ~Journal() = default;

  // The first frame that is kept, and where the next one goes.
  virtual Address begin() const = 0;
  virtual Address end() const = 0;

  // Written, not synced: gone after a crash until `sync` has returned. resource_exhausted: the disk is full, nothing
  // was written. Any other error: the journal is halted, and so are later calls.
  virtual Result<Frame> append(Bytes body, WallTime time, Spend spend) = 0;
  virtual Result<void> sync() = 0;

  // A frame that was appended, synced or not; checksummed. Recent ones come from memory. not_found: removed;
  // data_loss: damaged, with file and offset.
  virtual Result<Frame> read(Address at) = 0;
  // Calls `each` for the frames from `from` on. Ends with the first error, also of `each`.
  virtual Result<void> replay(Address from, const std::function<Result<void>(const Frame&)>& each) = 0;

  // Segments, oldest first, and dropping the oldest: whoever knows what is still needed says so.
  struct Segment {
    Address from = 0;
    Address to = 0;
    std::uint64_t file_bytes = 0;
  };
  virtual std::vector<Segment> segments() const = 0;
  virtual Result<void> remove_segment(Address from) = 0;
};

}  // namespace parley::store
