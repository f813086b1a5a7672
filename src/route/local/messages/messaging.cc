#include "route/local/messages/messaging.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <tuple>

#include "loop/task_group.h"
#include "route/local/messages/payload_json.h"

namespace parley::route {

Result<void> check_amounts(std::initializer_list<Amount> amounts) {
  for (const Amount& amount : amounts) {
    if (amount.value >= 0) continue;
    return invalid("`" + std::string(amount.field) + "` is negative: it is 0 (" + std::string(amount.zero) +
                   ") or more");
  }
  return {};
}

Result<void> check_amounts(const queue::api::Settlement& settlement) {
  return check_amounts({{"delay", settlement.delay.count(), "again at once"}});
}

namespace {

Result<void> check_times(const queue::api::PublishRequest& request) {
  if (request.due_time && request.delay != Duration::zero())
    return invalid("`due_time` and `delay` exclude each other: both say when the message may be delivered");
  return check_amounts({{"delay", request.delay.count(), "at once"}});
}

}  // namespace

Result<queue::Publish> admit(const Messaging& messaging, queue::api::PublishRequest request) {
  if (auto fine = check_times(request); !fine) return fail(std::move(fine).error());
  if (auto taken = take_json(messaging.api, request.message); !taken) return fail(std::move(taken).error());
  auto message = queue::api::from_api(std::move(request.message));
  if (!message) return fail(std::move(message).error());
  queue::Publish publish{.to = std::move(request.queue),
                         .message = std::move(*message),
                         .dedup = std::move(request.dedup_key),
                         .due = request.due_time,
                         .expires = request.expire_time};
  if (request.delay > Duration::zero()) {
    publish.due = WallClock().now() + std::chrono::ceil<std::chrono::milliseconds>(request.delay);
  }
  auto admitted = messaging.door.admit(*messaging.user.contract(), publish);
  if (!admitted) return fail(std::move(admitted).error());
  return publish;
}

namespace {

Task<void> release_one(queue::Broker& broker, queue::Source source, std::string lease) {
  (void)co_await broker.settle(std::move(source), std::move(lease),
                               {.kind = queue::Settlement::Kind::release, .reason = {}});
}

}  // namespace

// Together, so that they share a sync or a round trip.
Task<void> release(queue::Broker& broker, queue::Source source, std::vector<std::string> leases) {
  TaskGroup releasing;
  for (std::string& lease : leases) {
    while (releasing.live() >= max_batch) co_await releasing.changed().wait();
    releasing.spawn(release_one(broker, source, std::move(lease)));
  }
  co_await releasing.join();
}

namespace {

// When the next piece of a wait ends.
Deadline piece_of(Deadline until) { return until.sooner(Deadline::after(Shard::current().now(), wait_piece)); }

bool is_over(const Messaging& messaging, Deadline until) {
  return messaging.draining || until.passed(Shard::current().now());
}

}  // namespace

Task<Result<std::vector<queue::Delivery>>> lease_for(Messaging& messaging, Call& call, queue::LeaseRequest request,
                                                     Duration wait) {
  const Deadline until = Deadline::after(Shard::current().now(), std::min(wait, max_wait));
  for (;;) {
    request.wait = piece_of(until);
    auto leased = co_await messaging.broker.lease(request);
    if (!leased) co_return fail(std::move(leased).error());
    if (call.cancelled()) {
      std::vector<std::string> leases;
      for (queue::Delivery& delivery : *leased) leases.push_back(std::move(delivery.lease));
      co_await release(messaging.broker, request.source, std::move(leases));
      co_return fail(*call.cancelled());
    }
    if (!leased->empty() || is_over(messaging, until)) co_return leased;
  }
}

Task<Result<queue::Events>> read_for(Messaging& messaging, Call& call, queue::ReadRequest request, Duration wait) {
  const Deadline until = Deadline::after(Shard::current().now(), std::min(wait, max_wait));
  for (;;) {
    request.wait = piece_of(until);
    auto events = co_await messaging.broker.read(request);
    if (!events) co_return fail(std::move(events).error());
    if (call.cancelled()) co_return fail(*call.cancelled());
    if (!events->events.empty() || is_over(messaging, until)) co_return events;
    // Behind what was the end, or events that come between two pieces would be missed. Other places stay where they
    // are.
    go_on(*events, request.from);
  }
}

namespace {

// Shared by the waiting coroutine and the thread.
struct Listing {
  std::vector<queue::Source> names;
  std::vector<Error> silent;
  bool is_there = false;
  Signal done;
};

}  // namespace

Task<Result<Listed>> list_sources(queue::Backend& backend) {
  auto listing = std::make_shared<Listing>();
  Shard& shard = Shard::current();
  // Backends live as long as the process' shards do (node/messages), so the thread needs no parent. Nobody looks at the
  // names before it says that they are there.
  std::thread([&backend, &shard, listing] {
    listing->names = backend.list_some(listing->silent);
    shard.post([listing] {
      listing->is_there = true;
      listing->done.notify();
    });
  }).detach();
  while (!listing->is_there) co_await listing->done.wait();
  if (listing->names.empty() && !listing->silent.empty()) co_return fail(listing->silent.front());
  std::ranges::sort(listing->names, {}, [](const queue::Source& s) { return std::tie(s.name, s.group); });
  Listed listed{.sources = std::move(listing->names), .failed = {}};
  for (const Error& why : listing->silent) listed.failed.push_back(queue::api::status_of(why));
  co_return listed;
}

Task<std::optional<queue::Stats>> listed_stats(queue::Broker& broker, queue::Source source,
                                               std::vector<queue::api::Status>& failed) {
  auto stats = co_await broker.stats(source);
  if (stats) co_return *std::move(stats);
  if (stats.error().code() == Code::not_found) co_return std::nullopt;
  const std::string what = source.group.empty() ? source.name : source.name + ", group " + source.group;
  failed.push_back(queue::api::status_of(std::move(stats).error().during(what)));
  co_return std::nullopt;
}

}  // namespace parley::route
