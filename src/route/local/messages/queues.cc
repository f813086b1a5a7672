// parley.Queues: the rpcs with one request and one reply.
#include <algorithm>

#include "base/fail_point.h"
#include "queue/locate.h"
#include "route/local/messages/messaging.h"
#include "route/local/messages/payload_json.h"

namespace parley::route {
namespace {

namespace api = queue::api;

void show(const Messaging& messaging, bool json, api::Message& message) {
  if (json) show_json(messaging.api, *messaging.user.contract(), message);
}

Duration lease_time(const Messaging& messaging, Duration asked, const queue::Source& source) {
  return asked > Duration::zero() ? asked : messaging.door.lease_of(*messaging.user.contract(), source);
}

Task<Result<api::PublishReceipt>> publish_one(Messaging& messaging, api::PublishRequest request) {
  auto admitted = admit(messaging, std::move(request));
  if (!admitted) co_return fail(std::move(admitted).error());
  auto receipt = co_await messaging.broker.publish(*std::move(admitted));
  if (!receipt) co_return fail(std::move(receipt).error());
  fail_point("publish_stored");
  co_return api::to_api(*receipt);
}

Result<void> check(const api::LeaseRequest& request) {
  return check_amounts({{"max_messages", request.max_messages, "the default: 1"},
                        {"max_bytes", request.max_bytes, "the default: 4 MiB"},
                        {"lease", request.lease.count(), "as the contract has it"},
                        {"wait", request.wait.count(), "it answers at once"}});
}

Task<Result<api::LeaseResponse>> lease(Messaging& messaging, Call& call, api::LeaseRequest request) {
  if (auto fine = check(request); !fine) co_return fail(std::move(fine).error());
  queue::LeaseRequest wanted;
  wanted.source = source_of(request);
  wanted.max_messages = within(request.max_messages, 1, max_batch);
  wanted.max_bytes = static_cast<std::size_t>(within(request.max_bytes, std::int64_t{4} << 20, std::int64_t{64} << 20));
  wanted.lease = lease_time(messaging, request.lease, wanted.source);
  auto leased = co_await lease_for(messaging, call, std::move(wanted), request.wait);
  if (!leased) co_return fail(std::move(leased).error());
  if (!leased->empty()) fail_point("lease_granted");
  api::LeaseResponse response;
  for (const queue::Delivery& delivery : *leased) {
    response.deliveries.push_back(api::to_api(delivery));
    show(messaging, request.json, response.deliveries.back().message);
  }
  co_return response;
}

// Several at once, so that they share a sync. Each fills its own place.
struct Outcomes {
  std::vector<std::optional<Error>> errors;
  TaskGroup tasks;
};

Task<void> settle_one(queue::Broker& broker, queue::Source source, api::Settlement how, std::optional<Error>* error) {
  if (auto fine = check_amounts(how); !fine) {
    *error = std::move(fine).error();
    co_return;
  }
  auto settled = co_await broker.settle(std::move(source), how.lease_id, api::from_api(how));
  if (!settled) *error = std::move(settled).error();
}

Task<void> extend_one(queue::Broker& broker, queue::Source source, std::string lease, Duration by,
                      std::optional<Error>* error) {
  auto extended = co_await broker.extend(std::move(source), std::move(lease), by);
  if (!extended) *error = std::move(extended).error();
}

bool are_alike(const Outcomes& outcomes) {
  const std::optional<Error>& first = outcomes.errors.front();
  return std::ranges::all_of(outcomes.errors, [&](const std::optional<Error>& one) {
    return one && one->code() == first->code() && one->reason() == first->reason();
  });
}

// Fails where all failed alike: a lone settlement that came too late is loud. Otherwise those that failed are listed.
Result<api::SettleResponse> response_of(const Outcomes& outcomes, const std::vector<std::string>& leases) {
  api::SettleResponse response;
  for (std::size_t i = 0; i < leases.size(); ++i) {
    if (outcomes.errors[i])
      response.failed.push_back({.lease_id = leases[i], .error = api::status_of(*outcomes.errors[i])});
  }
  if (!leases.empty() && response.failed.size() == leases.size() && are_alike(outcomes))
    return fail(*outcomes.errors.front());
  return response;
}

Result<void> some_leases(std::size_t count) {
  if (count == 0) return invalid("the request names no lease");
  if (count > static_cast<std::size_t>(max_batch))
    return invalid("a request names at most " + std::to_string(max_batch) + " leases");
  return {};
}

Task<Result<api::SettleResponse>> settle(Messaging& messaging, api::SettleRequest request) {
  if (auto some = some_leases(request.settlements.size()); !some) co_return fail(std::move(some).error());
  Outcomes outcomes;
  outcomes.errors.resize(request.settlements.size());
  std::vector<std::string> leases;
  for (std::size_t i = 0; i < request.settlements.size(); ++i) {
    leases.push_back(request.settlements[i].lease_id);
    outcomes.tasks.spawn(
        settle_one(messaging.broker, source_of(request), std::move(request.settlements[i]), &outcomes.errors[i]));
  }
  co_await outcomes.tasks.join();
  fail_point("settle_stored");
  co_return response_of(outcomes, leases);
}

Task<Result<api::SettleResponse>> extend(Messaging& messaging, api::ExtendRequest request) {
  if (auto some = some_leases(request.lease_ids.size()); !some) co_return fail(std::move(some).error());
  auto fine = check_amounts({{"lease", request.lease.count(), "as the contract has it"}});
  if (!fine) co_return fail(std::move(fine).error());
  Outcomes outcomes;
  outcomes.errors.resize(request.lease_ids.size());
  const queue::Source source = source_of(request);
  const Duration by = lease_time(messaging, request.lease, source);
  for (std::size_t i = 0; i < request.lease_ids.size(); ++i) {
    outcomes.tasks.spawn(extend_one(messaging.broker, source, request.lease_ids[i], by, &outcomes.errors[i]));
  }
  co_await outcomes.tasks.join();
  co_return response_of(outcomes, request.lease_ids);
}

Task<Result<api::PeekResponse>> peek(Messaging& messaging, api::PeekRequest request) {
  if (request.shelf > api::Shelf::dead) co_return invalid("there is no such shelf");
  auto fine = check_amounts({{"max_messages", request.max_messages, "the default: 20"}});
  if (!fine) co_return fail(std::move(fine).error());
  const int most = within(request.max_messages, 20, max_batch);
  auto peeked = co_await messaging.broker.peek({.source = source_of(request),
                                                .shelf = api::from_api(request.shelf),
                                                .after = request.after,
                                                .max_messages = most});
  if (!peeked) co_return fail(std::move(peeked).error());
  api::PeekResponse response;
  for (const queue::Peeked& each : *peeked) {
    response.messages.push_back(api::to_api(each));
    show(messaging, request.json, response.messages.back().message);
  }
  if (std::ssize(*peeked) >= most) response.next = peeked->back().position;
  co_return response;
}

Task<Result<api::MessageState>> get_message(Messaging& messaging, api::GetMessageRequest request) {
  auto located = co_await queue::locate(messaging.broker, source_of(request), request.position);
  if (!located) co_return fail(std::move(located).error());
  api::MessageState response;
  response.state = api::MessageState::State::done_or_unknown;
  if (!*located) co_return response;
  response.state = static_cast<api::MessageState::State>(static_cast<int>((*located)->shelf) + 1);
  response.found = api::to_api((*located)->message);
  show(messaging, request.json, response.found->message);
  co_return response;
}

Task<Result<api::PurgeResponse>> purge(Messaging& messaging, api::PurgeRequest request) {
  if (!request.shelf) co_return invalid("say which `shelf` to purge: WAITING, DELAYED or DEAD");
  if (*request.shelf > api::Shelf::dead) co_return invalid("there is no such shelf");
  if (*request.shelf == api::Shelf::leased)
    co_return invalid("what is leased cannot be purged: it is in a consumer's hands");
  auto count = co_await messaging.broker.purge(source_of(request), api::from_api(*request.shelf));
  if (!count) co_return fail(std::move(count).error());
  co_return api::PurgeResponse{.count = *count};
}

Task<Result<api::Empty>> pause(Messaging& messaging, api::QueueRequest request, bool paused) {
  auto done = co_await messaging.broker.pause(source_of(request), paused);
  if (!done) co_return fail(std::move(done).error());
  co_return api::Empty{};
}

Task<Result<api::QueueStats>> stats(Messaging& messaging, api::QueueRequest request) {
  const queue::Source source = source_of(request);
  auto stats = co_await messaging.broker.stats(source);
  if (!stats) co_return fail(std::move(stats).error());
  co_return api::to_api(source, *stats);
}

// A topic has groups, and perhaps an entry without one; a queue has only that. Names of topics have no slash, and those
// of rpcs' queues have one.
bool is_queue(const queue::Source& source) { return source.group.empty() && source.name.contains('/'); }

Task<Result<api::ListQueuesResponse>> list(Messaging& messaging, api::ListQueuesRequest request) {
  auto listed = co_await list_sources(messaging.backend);
  if (!listed) co_return fail(std::move(listed).error());
  api::ListQueuesResponse response;
  response.backend = messaging.backend.name();
  for (const queue::Source& source : listed->sources) {
    if (!is_queue(source) && (source.group.empty() || !request.groups)) continue;
    queue::Stats stats;
    if (!request.names_only) {
      auto asked = co_await listed_stats(messaging.broker, source, listed->failed);
      if (!asked) continue;
      stats = std::move(*asked);
    }
    response.queues.push_back(api::to_api(source, stats));
  }
  if (response.queues.empty() && !listed->failed.empty()) co_return fail(api::error_of(listed->failed.front()));
  response.failed = std::move(listed->failed);
  co_return response;
}

}  // namespace

void add_queues(LocalRoute& route, Messaging& messaging) {
  Messaging* m = &messaging;
  // These functions are no coroutines themselves: they hand their captures on as parameters.
  route.unary<api::PublishRequest, api::PublishReceipt>(
      "/parley.Queues/Publish", [m](Call&, api::PublishRequest r) { return publish_one(*m, std::move(r)); });
  unary_about<api::LeaseRequest, api::LeaseResponse>(
      route, messaging, "/parley.Queues/Lease",
      [m](Call& call, api::LeaseRequest r) { return lease(*m, call, std::move(r)); });
  unary_about<api::ExtendRequest, api::SettleResponse>(
      route, messaging, "/parley.Queues/Extend", [m](Call&, api::ExtendRequest r) { return extend(*m, std::move(r)); });
  unary_about<api::SettleRequest, api::SettleResponse>(
      route, messaging, "/parley.Queues/Settle", [m](Call&, api::SettleRequest r) { return settle(*m, std::move(r)); });
  unary_about<api::PeekRequest, api::PeekResponse>(route, messaging, "/parley.Queues/Peek",
                                                   [m](Call&, api::PeekRequest r) { return peek(*m, std::move(r)); });
  unary_about<api::GetMessageRequest, api::MessageState>(
      route, messaging, "/parley.Queues/GetMessage",
      [m](Call&, api::GetMessageRequest r) { return get_message(*m, std::move(r)); });
  unary_about<api::PurgeRequest, api::PurgeResponse>(
      route, messaging, "/parley.Queues/Purge", [m](Call&, api::PurgeRequest r) { return purge(*m, std::move(r)); });
  unary_about<api::QueueRequest, api::Empty>(route, messaging, "/parley.Queues/Pause",
                                             [m](Call&, api::QueueRequest r) { return pause(*m, std::move(r), true); });
  unary_about<api::QueueRequest, api::Empty>(
      route, messaging, "/parley.Queues/Resume",
      [m](Call&, api::QueueRequest r) { return pause(*m, std::move(r), false); });
  unary_about<api::QueueRequest, api::QueueStats>(route, messaging, "/parley.Queues/Stats",
                                                  [m](Call&, api::QueueRequest r) { return stats(*m, std::move(r)); });
  route.unary<api::ListQueuesRequest, api::ListQueuesResponse>(
      "/parley.Queues/List", [m](Call&, api::ListQueuesRequest r) { return list(*m, r); });
}

}  // namespace parley::route
