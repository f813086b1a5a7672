// parley.Queues/Redrive: dead letters wait again, those that are asked for, as fast as is asked for.
#include <algorithm>

#include "route/local/messages/messaging.h"

namespace parley::route {
namespace {

namespace api = queue::api;

constexpr int page = 200;
// A limited redrive goes in so many steps a second.
constexpr int steps_a_second = 10;

bool has_filter(const api::RedriveRequest& request) {
  return !request.key.empty() || !request.reason.empty() || !request.type.empty();
}

bool is_wanted(const api::RedriveRequest& request, const queue::Peeked& dead) {
  const queue::Message& message = dead.message;
  return (request.ids.empty() || std::ranges::find(request.ids, message.id) != request.ids.end()) &&
         (request.key.empty() || message.key == request.key) &&
         (request.type.empty() || message.type == request.type) &&
         (request.reason.empty() || dead.reason.contains(request.reason));
}

// One redrive. Lives in the call's coroutine.
class Redrive {
 public:
  Redrive(Messaging& messaging, Call& call, api::RedriveRequest request)
      : messaging_(messaging), call_(call), request_(std::move(request)), began_(WallClock().now()) {}

  Task<Result<api::RedriveResponse>> run() {
    queue::Position after;
    for (;;) {
      auto dead = co_await messaging_.broker.peek(
          {.source = source(), .shelf = queue::Shelf::dead, .after = after, .max_messages = page});
      if (!dead) co_return fail(std::move(dead).error());
      if (auto done = co_await redrive(*dead); !done) co_return fail(std::move(done).error());
      if (std::ssize(*dead) < page) co_return api::RedriveResponse{.count = count_};
      after = dead->back().position;
    }
  }

 private:
  queue::Source source() const { return {.name = request_.queue, .group = request_.group}; }

  Task<Result<void>> redrive(const std::vector<queue::Peeked>& dead) {
    std::vector<queue::Position> wanted;
    for (const queue::Peeked& each : dead) {
      // What died again while this runs is left, or a poisoned message would go round for ever.
      if (each.since && *each.since > began_) continue;
      if (is_wanted(request_, each)) wanted.push_back(each.position);
    }
    if (request_.dry_run) {
      count_ += wanted.size();
      co_return Result<void>();
    }
    const auto step = request_.per_second > 0
                          ? std::max<std::size_t>(1, static_cast<std::size_t>(request_.per_second / steps_a_second))
                          : wanted.size();
    for (std::size_t at = 0; at < wanted.size(); at += step) {
      if (call_.cancelled()) co_return fail(*call_.cancelled());
      const auto from = wanted.begin() + static_cast<std::ptrdiff_t>(at);
      const auto size = static_cast<std::ptrdiff_t>(std::min(step, wanted.size() - at));
      auto count = co_await messaging_.broker.redrive(source(), {from, from + size});
      if (!count) co_return fail(std::move(count).error());
      count_ += *count;
      if (request_.per_second > 0)
        co_await Shard::current().sleep(std::chrono::nanoseconds(std::chrono::seconds(size)) / request_.per_second);
    }
    co_return Result<void>();
  }

  Messaging& messaging_;
  Call& call_;
  const api::RedriveRequest request_;
  const WallTime began_;
  std::uint64_t count_ = 0;
};

// Who knows positions has looked: another node, say.
Task<Result<api::RedriveResponse>> redrive_at(Messaging& messaging, api::RedriveRequest request) {
  if (request.all || !request.ids.empty() || has_filter(request) || request.per_second != 0 || request.dry_run)
    co_return invalid("`positions` stands alone");
  auto count =
      co_await messaging.broker.redrive({.name = request.queue, .group = request.group}, std::move(request.positions));
  if (!count) co_return fail(std::move(count).error());
  co_return api::RedriveResponse{.count = *count};
}

Task<Result<api::RedriveResponse>> redrive(Messaging& messaging, Call& call, api::RedriveRequest request) {
  if (!request.positions.empty()) co_return co_await redrive_at(messaging, std::move(request));
  if (!request.all && request.ids.empty() && !has_filter(request))
    co_return invalid("say which dead letters: `all`, some `ids`, or a `key`, `reason` or `type`");
  if (request.all && !request.ids.empty()) co_return invalid("`all` and `ids` exclude each other");
  auto fine = check_amounts({{"per_second", request.per_second, "all at once"}});
  if (!fine) co_return fail(std::move(fine).error());
  Redrive run(messaging, call, std::move(request));
  co_return co_await run.run();
}

}  // namespace

void add_redrive(LocalRoute& route, Messaging& messaging) {
  Messaging* m = &messaging;
  unary_about<api::RedriveRequest, api::RedriveResponse>(
      route, messaging, "/parley.Queues/Redrive",
      [m](Call& call, api::RedriveRequest request) { return redrive(*m, call, std::move(request)); });
}

}  // namespace parley::route
