// Segment: the bytes of the journal's files, without any io. docs/formats/store.md shows them in hex.
//
// A frame's head has a checksum of its own that begins with the journal's random id and the segment's first address,
// and names the frame's address. So neither what an older use of the file left behind nor what somebody sent as a
// message can pass for a frame, and a head that is right proves what it says: up to where the journal had been synced
// when it was written. A damaged frame before that place is damage, not a write that a crash cut short.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/wall_time.h"

namespace parley::store {

using Address = std::uint64_t;  // store/journal.h says what it is

inline constexpr std::size_t segment_header_bytes = 4096;  // a page of its own: no append writes into it
inline constexpr std::uint32_t segment_version = 1;
inline constexpr Address first_address = 4096;  // of a new journal; so 0 is before everything
inline constexpr std::size_t frame_head_bytes = 40;
inline constexpr std::size_t frame_alignment = 8;
inline constexpr std::size_t max_frame_body = std::size_t{256} << 20U;
inline constexpr std::string_view frame_magic = "PFr1";

struct SegmentHeader {
  std::array<char, 16> journal{};  // random; the same in all of its segments
  Address base = 0;                // of its first frame, at offset `segment_header_bytes`
  WallTime created{};

  bool operator==(const SegmentHeader&) const = default;
};

// `segment_header_bytes` of them.
std::string encode(const SegmentHeader& header);
// Of the first `segment_header_bytes` of a file. Errors: data_loss; failed_precondition: a later version wrote it.
Result<SegmentHeader> parse_segment_header(std::string_view page);
// What the heads' checksums in that segment begin with.
std::uint32_t head_seed(const SegmentHeader& header);

struct FrameHead {
  std::uint32_t body_crc = 0;
  std::uint32_t body_bytes = 0;
  Address at = 0;
  Address synced = 0;  // the journal was on the disk up to here when this was written
  WallTime time{};

  bool operator==(const FrameHead&) const = default;
};

// Head, body, and zeroes up to the alignment.
constexpr std::uint64_t frame_bytes(std::uint64_t body_bytes) {
  return (frame_head_bytes + body_bytes + frame_alignment - 1) / frame_alignment * frame_alignment;
}
std::array<char, frame_head_bytes> encode(const FrameHead& head, std::uint32_t seed);
// Nothing where no head with that address begins `bytes`.
std::optional<FrameHead> parse_frame_head(std::string_view bytes, Address at, std::uint32_t seed);
// `rest` is all behind the head, body and padding.
bool body_is_whole(const FrameHead& head, std::string_view rest);

}  // namespace parley::store
