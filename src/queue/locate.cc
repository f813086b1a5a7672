#include "queue/locate.h"

namespace parley::queue {
namespace {

constexpr int page = 500;

// What is in work is asked for most often, and there is least of it.
constexpr Shelf order[] = {Shelf::leased, Shelf::dead, Shelf::delayed, Shelf::waiting};

Error too_deep() {
  return Error(Code::unimplemented, Blame::us,
               "the message is not among the first 10,000 of any shelf, and this backend cannot look for it deeper")
      .with_reason("not_by_this_backend");
}

Task<Result<std::optional<Located>>> look_through(Broker& broker, Source source, Position position) {
  bool is_deeper = false;
  for (const Shelf shelf : order) {
    Position after;
    int seen = 0;
    for (; seen < locate_depth; seen += page) {
      auto peeked = co_await broker.peek({.source = source, .shelf = shelf, .after = after, .max_messages = page});
      if (!peeked) co_return fail(std::move(peeked).error());
      for (Peeked& each : *peeked) {
        if (each.position == position) co_return Located{.shelf = shelf, .message = std::move(each)};
      }
      if (std::ssize(*peeked) < page) break;
      after = peeked->back().position;
    }
    is_deeper |= seen >= locate_depth;
  }
  if (is_deeper) co_return fail(too_deep());
  co_return std::nullopt;
}

}  // namespace

Task<Result<std::optional<Located>>> locate(Broker& broker, Source source, Position position) {
  auto found = co_await broker.where_is(source, position);
  if (found || found.error().reason() != "not_by_this_backend") co_return found;
  co_return co_await look_through(broker, std::move(source), std::move(position));
}

}  // namespace parley::queue
