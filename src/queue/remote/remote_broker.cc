#include "queue/remote/remote_broker.h"

#include <algorithm>

namespace parley::queue::remote {
namespace {

using std::chrono::seconds;

constexpr Duration patience = seconds(30);
constexpr Duration long_patience = std::chrono::minutes(10);  // what touches many messages
// Waits are cut into pieces, so that a stop ends them without losing what comes with the answer.
constexpr Duration longest_piece = seconds(1);

Error closed() { return Error(Code::unavailable, Blame::us, "the node stops").with_reason("closed"); }

}  // namespace

template <class Reply, class Request>
Task<Result<Reply>> RemoteBroker::call(std::string_view path, const Request& request, Duration timeout) {
  if (closed_) co_return fail(closed());
  ++live_;
  auto reply = co_await client_.call<Reply>(path, request, timeout);
  --live_;
  changed_.notify();
  co_return reply;
}

Duration RemoteBroker::piece_of(Deadline wait) const {
  return std::min(wait.left(shard_.now()).value_or(longest_piece), longest_piece);
}

Task<void> RemoteBroker::rest_of(Instant began, Duration piece) {
  const Duration took = shard_.now() - began;
  if (took < piece / 2) co_await shard_.sleep(piece - took);
}

Task<Result<Receipt>> RemoteBroker::publish(Publish request) {
  if (closed_) co_return fail(closed());
  std::unique_ptr<PublishLink>& link = publishing_[request.to];
  if (link == nullptr) link = std::make_unique<PublishLink>(shard_, client_);
  ++live_;
  auto receipt = co_await link->publish(std::move(request));
  --live_;
  changed_.notify();
  co_return receipt;
}

// In one call, so that they are as much one over there as that node's backend makes them.
Task<Result<std::vector<Receipt>>> RemoteBroker::publish_all(std::vector<Publish> requests) {
  const auto is_for_queues = [](const Publish& p) { return p.due || p.expires; };
  if (requests.empty() || std::ranges::any_of(requests, is_for_queues))
    co_return co_await Broker::publish_all(std::move(requests));
  api::PublishBatchRequest message{.topic = requests.front().to, .events = {}};
  for (Publish& request : requests)
    message.events.push_back({.message = api::to_api(request.message), .dedup_key = std::move(request.dedup)});
  auto response = co_await call<api::PublishBatchResponse>("/parley.Topics/PublishBatch", message, patience);
  if (!response) co_return fail(std::move(response).error());
  if (response->receipts.size() != requests.size()) {
    co_return fail(Error(Code::internal, Blame::upstream, "the other node's answer has another number of receipts")
                       .with_reason("upstream_malformed"));
  }
  std::vector<Receipt> receipts;
  for (api::PublishReceipt& each : response->receipts) receipts.push_back(api::from_api(std::move(each)));
  co_return receipts;
}

Task<Result<std::vector<Delivery>>> RemoteBroker::lease(LeaseRequest request) {
  api::LeaseRequest message{.queue = request.source.name,
                            .group = request.source.group,
                            .max_messages = request.max_messages,
                            .max_bytes = static_cast<std::int64_t>(request.max_bytes),
                            .lease = request.lease};
  for (;;) {
    const Instant began = shard_.now();
    const Duration piece = stopped_ ? Duration::zero() : piece_of(request.wait);
    message.wait = piece;
    auto response = co_await call<api::LeaseResponse>("/parley.Queues/Lease", message, piece + patience);
    if (!response) co_return fail(std::move(response).error());
    std::vector<Delivery> deliveries;
    for (api::Delivery& each : response->deliveries) {
      auto delivery = api::from_api(std::move(each));
      if (!delivery) co_return fail(std::move(delivery).error());
      deliveries.push_back(std::move(*delivery));
    }
    if (!deliveries.empty() || stopped_ || closed_ || request.wait.passed(shard_.now())) co_return deliveries;
    co_await rest_of(began, piece);
  }
}

Task<Result<void>> RemoteBroker::settle(Source source, std::optional<Duration> extend_by, api::Settlement what) {
  if (closed_) co_return fail(closed());
  std::unique_ptr<SettleLink>& link = settling_[{source.name, source.group, extend_by}];
  if (link == nullptr) link = std::make_unique<SettleLink>(shard_, client_, std::move(source), extend_by);
  ++live_;
  auto done = co_await link->settle(std::move(what));
  --live_;
  changed_.notify();
  co_return done;
}

Task<Result<void>> RemoteBroker::extend(Source source, std::string lease, Duration by) {
  return settle(std::move(source), by, {.lease_id = std::move(lease)});
}

Task<Result<void>> RemoteBroker::settle(Source source, std::string lease, Settlement how) {
  api::Settlement settlement = api::to_api(how);
  settlement.lease_id = std::move(lease);
  return settle(std::move(source), std::nullopt, std::move(settlement));
}

Task<Result<std::vector<Peeked>>> RemoteBroker::peek(PeekRequest request) {
  const api::PeekRequest message{.queue = std::move(request.source.name),
                                 .group = std::move(request.source.group),
                                 .shelf = api::to_api(request.shelf),
                                 .after = std::move(request.after),
                                 .max_messages = request.max_messages};
  auto response = co_await call<api::PeekResponse>("/parley.Queues/Peek", message, patience);
  if (!response) co_return fail(std::move(response).error());
  std::vector<Peeked> out;
  for (api::Peeked& each : response->messages) {
    auto peeked = api::from_api(std::move(each));
    if (!peeked) co_return fail(std::move(peeked).error());
    out.push_back(std::move(*peeked));
  }
  co_return out;
}

// The other node looks, as far as its backend can.
Task<Result<std::optional<Located>>> RemoteBroker::where_is(Source source, Position position) {
  const api::GetMessageRequest message{
      .queue = std::move(source.name), .position = std::move(position), .group = std::move(source.group)};
  auto state = co_await call<api::MessageState>("/parley.Queues/GetMessage", message, patience);
  if (!state) co_return fail(std::move(state).error());
  using State = api::MessageState::State;
  const State at = state->state.value_or(State::done_or_unknown);
  if (at == State::done_or_unknown || !state->found) co_return std::nullopt;
  auto peeked = api::from_api(std::move(*state->found));
  if (!peeked) co_return fail(std::move(peeked).error());
  co_return Located{.shelf = static_cast<Shelf>(static_cast<int>(at) - 1), .message = std::move(*peeked)};
}

Task<Result<std::uint64_t>> RemoteBroker::redrive(Source source, std::vector<Position> which) {
  if (which.empty()) co_return std::uint64_t{0};
  const api::RedriveRequest message{
      .queue = std::move(source.name), .group = std::move(source.group), .positions = std::move(which)};
  auto done = co_await call<api::RedriveResponse>("/parley.Queues/Redrive", message, long_patience);
  if (!done) co_return fail(std::move(done).error());
  co_return done->count;
}

Task<Result<std::uint64_t>> RemoteBroker::purge(Source source, Shelf shelf) {
  const api::PurgeRequest message{
      .queue = std::move(source.name), .group = std::move(source.group), .shelf = api::to_api(shelf)};
  auto done = co_await call<api::PurgeResponse>("/parley.Queues/Purge", message, long_patience);
  if (!done) co_return fail(std::move(done).error());
  co_return done->count;
}

Task<Result<void>> RemoteBroker::pause(Source source, bool paused) {
  const api::QueueRequest message{.queue = std::move(source.name), .group = std::move(source.group)};
  auto done = co_await call<api::Empty>(paused ? "/parley.Queues/Pause" : "/parley.Queues/Resume", message, patience);
  if (!done) co_return fail(std::move(done).error());
  co_return Result<void>();
}

Task<Result<Stats>> RemoteBroker::stats(Source source) {
  const api::QueueRequest message{.queue = std::move(source.name), .group = std::move(source.group)};
  auto stats = co_await call<api::QueueStats>("/parley.Queues/Stats", message, patience);
  if (!stats) co_return fail(std::move(stats).error());
  co_return api::from_api(*stats);
}

Task<Result<Events>> RemoteBroker::read(ReadRequest request) {
  api::ReadTopicRequest message{.topic = std::move(request.topic),
                                .from = api::to_api(request.from),
                                .max_messages = request.max_messages,
                                .max_bytes = static_cast<std::int64_t>(request.max_bytes)};
  for (;;) {
    const Instant began = shard_.now();
    const Duration piece = piece_of(request.wait);
    message.wait = piece;
    auto response = co_await call<api::ReadTopicResponse>("/parley.Topics/Read", message, piece + patience);
    if (!response) co_return fail(std::move(response).error());
    Events events{.events = {}, .next = std::move(response->next)};
    for (api::TopicEvent& each : response->events) {
      auto event = api::from_api(std::move(each.message));
      if (!event) co_return fail(std::move(event).error());
      events.events.push_back({.message = std::move(*event), .position = std::move(each.position)});
    }
    if (!events.events.empty() || closed_ || request.wait.passed(shard_.now())) co_return events;
    // A look that found nothing moves only one who began at the end.
    const bool at_end = message.from.after.empty() && !message.from.time && !message.from.earliest;
    if (at_end) message.from = {.after = events.next, .time = {}, .earliest = events.next.empty()};
    co_await rest_of(began, piece);
  }
}

Task<Result<void>> RemoteBroker::commit(Source source, From to) {
  const api::SeekRequest message{
      .topic = std::move(source.name), .group = std::move(source.group), .to = api::to_api(to)};
  auto done = co_await call<api::Checkpoint>("/parley.Topics/Seek", message, patience);
  if (!done) co_return fail(std::move(done).error());
  co_return Result<void>();
}

Task<Result<Position>> RemoteBroker::checkpoint(Source source) {
  const api::GetCheckpointRequest message{.topic = std::move(source.name), .group = std::move(source.group)};
  auto place = co_await call<api::Checkpoint>("/parley.Topics/GetCheckpoint", message, patience);
  if (!place) co_return fail(std::move(place).error());
  co_return std::move(place->position);
}

// The other node asks its own contract, too: whose rpc it is that takes from the group, its address says.
Task<Result<void>> RemoteBroker::delete_group(Source group) {
  const api::DeleteGroupRequest message{.topic = std::move(group.name), .group = std::move(group.group)};
  auto done = co_await call<api::Empty>("/parley.Topics/DeleteGroup", message, long_patience);
  if (done) co_return Result<void>();
  if (done.error().reason() == "group_in_use") co_return fail(client_.here(std::move(done).error()));
  co_return fail(std::move(done).error());
}

Task<void> RemoteBroker::close() {
  stopped_ = closed_ = true;
  client_.abandon();
  while (live_ != 0) co_await changed_.wait();
  for (const auto& [name, link] : publishing_) co_await link->ended();
  for (const auto& [key, link] : settling_) co_await link->ended();
  co_await client_.drain();
}

}  // namespace parley::queue::remote
