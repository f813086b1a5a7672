// Positions as text. One record is "PARTITION:OFFSET", with an "r" before it in a group's retry topic. A reader's place
// in a topic covers all partitions: "0:12,1:40", the last offset that was read of each; a partition that is not named
// was not read at all. Where that would exceed a Position's 128 bytes it is "~" and packed offsets (base64url).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "queue/message.h"

namespace parley::queue::kafka {

struct Place {
  bool in_retry = false;
  std::int32_t partition = 0;
  std::int64_t offset = 0;

  auto operator<=>(const Place&) const = default;
};

Position to_position(const Place& place);
// Errors: invalid_argument.
Result<Place> parse_place(std::string_view position);

// The next offset to read of each partition.
using Places = std::map<std::int32_t, std::int64_t>;

// Errors: unimplemented (reason "not_by_this_backend") if the topic has too many partitions for a position.
Result<Position> to_position(const Places& next);
// "" is before the first. Errors: invalid_argument.
Result<Places> parse_places(std::string_view position);

}  // namespace parley::queue::kafka
