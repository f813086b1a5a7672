// Where one message is, for a caller who was told its position.
#pragma once

#include <optional>

#include "queue/broker.h"

namespace parley::queue {

struct Located {
  Shelf shelf = Shelf::waiting;
  Peeked message;
};

// Looks at the shelves by `peek`. Right behind the head it takes one look; `locate_depth` messages of each shelf are
// looked through. Nothing: it is done with, or never was there, or lies deeper. Errors: peek's.
inline constexpr int locate_depth = 10'000;
Task<Result<std::optional<Located>>> locate(Broker& broker, Source source, Position position);

}  // namespace parley::queue
