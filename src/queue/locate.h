// Where one message is, for a caller who was told its position.
#pragma once

#include <optional>

#include "queue/broker.h"

namespace parley::queue {

// By Broker::where_is, or where the backend has none by `peek`: right behind the head that takes one look, and
// `locate_depth` messages of each shelf are looked through. Nothing: it is done with, or never was there. Errors:
// theirs; unimplemented, reason "not_by_this_backend", where it is not among those and a shelf has more.
inline constexpr int locate_depth = 10'000;
Task<Result<std::optional<Located>>> locate(Broker& broker, Source source, Position position);

}  // namespace parley::queue
