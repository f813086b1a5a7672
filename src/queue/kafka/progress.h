// Progress: how far a group is in one partition. Kafka keeps one offset for it, the watermark: everything before it is
// settled. What else must survive a restart lies in that commit's metadata, a text of at most 4096 bytes: which
// messages behind the watermark are settled too, and the attempts and due times of those that are not.
//
//   "p1" base64url of: varint base (ms since 1970) · varint bits, that many bits (1: settled, from the watermark on;
//   the lowest bit of a byte first) · varint more settled ones behind them · varint open messages, each: varint
//   distance from the one before (the first: from the watermark) · varint attempts · varint due - base + 1, or 0 if it
//   is not delayed
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wall_time.h"

namespace parley::queue::kafka {

struct OpenMessage {
  std::int64_t offset = 0;
  int attempts = 0;
  std::optional<WallTime> due;  // not before

  bool operator==(const OpenMessage&) const = default;
};

// [from, to).
struct OffsetRange {
  std::int64_t from = 0;
  std::int64_t to = 0;

  bool operator==(const OffsetRange&) const = default;
};

struct Progress {
  std::int64_t watermark = 0;
  std::vector<OffsetRange> settled;  // behind the watermark, in order, apart from one another
  std::vector<OpenMessage> open;     // in order

  bool is_settled(std::int64_t offset) const;
  void settle(std::int64_t offset);
  // The log has lost what is before: retention overtook the group.
  void forget_before(std::int64_t offset);
  // Behind it nothing is known.
  std::int64_t horizon() const;
  bool operator==(const Progress&) const = default;
};

// Kafka's offset.metadata.max.bytes, with room for brokers that are set a little tighter.
inline constexpr std::size_t metadata_limit = 4000;

// What does not fit into `limit` is left out from the far end: those messages are delivered again after a restart.
std::string encode_progress(const Progress& progress, std::size_t limit = metadata_limit);
// Text that is not ours (another consumer's, a later version's) is progress without anything but the watermark.
Progress decode_progress(std::int64_t watermark, std::string_view text);

}  // namespace parley::queue::kafka
