// Journal: the only thing that is synced. A sequence of frames in segment files; a frame is one group of transactions
// that became durable together. docs/formats/store.md has the bytes.
//
// An address is a frame's byte position in the whole journal (segments are named after the address they begin with),
// so addresses grow for ever and never name two frames; a frame's successor begins where it ends, across segments too.
// A new journal begins at `first_address`, so 0 is before every frame. Owned and used by the ledger's thread.
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
#include "store/segment.h"

namespace parley::store {

struct Frame {
  Address at = 0;
  Address next = 0;  // of the frame behind it
  WallTime time{};
  Bytes body;
};

struct JournalOptions {
  std::uint64_t segment_bytes = 64 << 20;
  std::uint64_t reserve_bytes = 16 << 20;  // kept for what frees space (`Spend::reserve`)
  std::size_t recent_bytes = 2 << 20;      // of frames just written, kept in memory
  bool ahead_by_thread = true;  // the next segment is made on a thread of its own; else by `tidy`, while it is awaited
  Address synced = 0;           // known to be on the disk: what is missing or damaged before it is never a torn tail
};

class Journal {
 public:
  // Whether a frame may use the reserve: settlements and the like, which free space, go on when the disk is full.
  enum class Spend : std::uint8_t { space, reserve };

  // Opens or creates. A torn tail (an incomplete or damaged last frame, nothing behind it that proves it had been
  // synced) is truncated; damage in the middle is data_loss with file and offset.
  static Result<std::unique_ptr<Journal>> open(Files& files, std::filesystem::path folder, JournalOptions options);
  // The last of the reserve, which an open journal keeps for the next start: for a journal that is not open.
  static Result<void> release_reserve(Files& files, const std::filesystem::path& folder);
  virtual ~Journal() = default;

  // The first frame that is kept, and where the next one goes.
  virtual Address begin() const = 0;
  virtual Address end() const = 0;
  // Frames before it are on the disk.
  virtual Address synced() const = 0;

  // Sees to space for a frame with such a body; an append of no more than that does not run out of it.
  // resource_exhausted: the disk is full. It stays full for Spend::space until `tidy` has the reserve back.
  virtual Result<void> make_room(std::size_t body_bytes, Spend spend) = 0;
  virtual bool full() const = 0;
  // Gives the reserve up where it has one, but for a part that only a start gives up: to the view, without whose
  // checkpoints no segment can be dropped.
  virtual Result<void> release_reserve() { return {}; }  // none to give up
  // Written, not synced: gone after a crash until `sync` has returned. resource_exhausted: the disk is full, nothing
  // was written. invalid_argument: more than `max_frame_body`. Any other error: the journal is halted, and so are later
  // calls.
  virtual Result<Frame> append(Bytes body, WallTime time, Spend spend) = 0;
  virtual Result<void> sync() = 0;
  // What can be done ahead, when nobody waits: the next segment, and the reserve if it was given up. Cheap if there is
  // nothing to do; while the disk is full it tries again each time. An error: halted.
  virtual Result<void> tidy() = 0;

  // A frame that was appended, synced or not; checksummed. Recent ones come from memory. not_found: removed;
  // out_of_range: not written yet; data_loss: damaged, with file and offset.
  virtual Result<Frame> read(Address at) = 0;
  // Calls `each` for the frames from `from` on. Ends with the first error, also of `each`.
  virtual Result<void> replay(Address from, const std::function<Result<void>(const Frame&)>& each) = 0;

  // Segments, oldest first, and dropping those that end at `needed` or before it: whoever knows what is still needed
  // says so. The last one stays, unless the disk is full: then `tidy` begins another one, so that it can go too.
  struct Segment {
    Address from = 0;
    Address to = 0;
    std::uint64_t file_bytes = 0;
  };
  virtual std::vector<Segment> segments() const = 0;
  virtual Result<void> remove_before(Address needed) = 0;
  // Little of the last segment is needed, and that little is to be moved: while the disk is full, `tidy` begins another
  // one behind it, if it is large.
  virtual void let_last_go() {}
  // Bytes that can still be written while the disk is full, about; the view has to have some of them.
  virtual std::uint64_t last_room() const { return ~std::uint64_t{0}; }
};

}  // namespace parley::store
