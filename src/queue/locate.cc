#include "queue/locate.h"

namespace parley::queue {
namespace {

constexpr int page = 500;

// What is in work is asked for most often, and there is least of it.
constexpr Shelf order[] = {Shelf::leased, Shelf::dead, Shelf::delayed, Shelf::waiting};

}  // namespace

Task<Result<std::optional<Located>>> locate(Broker& broker, Source source, Position position) {
  for (const Shelf shelf : order) {
    Position after;
    for (int seen = 0; seen < locate_depth; seen += page) {
      auto peeked = co_await broker.peek({.source = source, .shelf = shelf, .after = after, .max_messages = page});
      if (!peeked) co_return fail(std::move(peeked).error());
      for (Peeked& each : *peeked) {
        if (each.position == position) co_return Located{.shelf = shelf, .message = std::move(each)};
      }
      if (std::ssize(*peeked) < page) break;
      after = peeked->back().position;
    }
  }
  co_return std::nullopt;
}

}  // namespace parley::queue
