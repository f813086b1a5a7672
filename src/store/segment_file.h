// SegmentFile: one file of the journal. Owned by the journal, on its thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "store/files.h"
#include "store/journal.h"
#include "store/prepared_file.h"
#include "store/segment.h"

namespace parley::store {

// "0000000000001000.journal", and back.
std::string segment_name(Address base);
std::optional<Address> segment_base(std::string_view name);

class SegmentFile {
 public:
  // Writes and syncs the header, then names the file; it is a segment for good once the folder was synced.
  static Result<std::unique_ptr<SegmentFile>> begin(Files& files, const std::filesystem::path& from,
                                                    const std::filesystem::path& folder, PreparedFile prepared,
                                                    const SegmentHeader& header);
  // Errors: data_loss; failed_precondition: a later version's.
  static Result<std::unique_ptr<SegmentFile>> open(Files& files, const std::filesystem::path& folder, Address base);

  const std::filesystem::path& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }
  Address begin_address() const { return header_.base; }
  Address end() const { return end_; }
  std::uint64_t allocated() const { return allocated_; }
  // Bytes that can be written without asking the disk for space.
  std::uint64_t room() const { return allocated_ - offset_of(end_); }

  // Where its frames end, if it is not the last segment: where the next one begins.
  Result<void> ends_at(Address next_base);
  // Reads all frames of the last segment. What is behind the last good one was cut short by a crash and is erased;
  // data_loss if it had been synced, which a later frame's head or `known_synced` tells.
  Result<void> find_end(Address known_synced);

  // Space for frames up to `size`, of the file. resource_exhausted.
  Result<void> allocate(std::uint64_t size, Fill fill);
  // All of its room to the disk.
  Result<void> give_room_back();
  // The caller saw to the room.
  Result<void> append(const FrameHead& head, std::string_view body);
  Result<void> sync() { return file_->sync(); }

  // data_loss: no whole frame begins there, though one should.
  Result<Frame> read(Address at);
  // Takes the file out, for the next use.
  PreparedFile take() && { return {std::move(file_), allocated_}; }

 private:
  SegmentFile(std::filesystem::path path, std::unique_ptr<File> file, SegmentHeader header, std::uint64_t allocated);
  std::uint64_t offset_of(Address at) const { return segment_header_bytes + (at - header_.base); }
  std::unexpected<Error> damaged(Address at, std::string_view why) const;
  // Nothing where no whole frame begins before `limit`, an offset.
  Result<std::optional<Frame>> frame_at(Address at, std::uint64_t limit);
  Result<std::optional<FrameHead>> head_at(Address at, std::uint64_t limit);
  // Whether a frame behind `at` says that `at` was synced before it was written; its address.
  Result<std::optional<Address>> proof_of_damage(Address at);
  Result<void> write_again(Address from);
  Result<void> erase_tail();
  // As many of the `size` bytes as there are before `limit`; through the buffer, which reads ahead.
  Result<std::string> bytes_at(std::uint64_t offset, std::size_t size, std::uint64_t limit);
  Result<void> fill(std::uint64_t offset, std::size_t least, std::uint64_t limit);

  std::filesystem::path path_;
  std::unique_ptr<File> file_;
  SegmentHeader header_;
  std::uint32_t seed_;
  Address end_;
  std::uint64_t allocated_;
  std::string buffer_;  // of the file, from `buffer_from_` on
  std::uint64_t buffer_from_ = 0;
  std::uint64_t last_frame_ = 0;  // the size of the one read last
};

}  // namespace parley::store
