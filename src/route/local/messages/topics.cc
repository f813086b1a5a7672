// parley.Topics.
#include <algorithm>
#include <map>

#include "route/local/messages/messaging.h"
#include "route/local/messages/payload_json.h"

namespace parley::route {
namespace {

namespace api = queue::api;

// One slice of a tail: small enough that a slow reader holds little.
constexpr int tail_messages = 100;
constexpr std::size_t tail_bytes = 256 << 10;

api::TopicEvent shown(const Messaging& messaging, bool json, const queue::Event& event) {
  api::TopicEvent out{.message = api::to_api(event.message), .position = event.position};
  if (json) show_json(messaging.api, *messaging.user.contract(), out.message);
  return out;
}

Task<Result<api::PublishReceipt>> publish_event(Messaging& messaging, api::PublishEventRequest request) {
  api::PublishRequest publish_request;
  publish_request.queue = std::move(request.topic);
  publish_request.message = std::move(request.message);
  publish_request.dedup_key = std::move(request.dedup_key);
  auto admitted = admit(messaging, std::move(publish_request));
  if (!admitted) co_return fail(std::move(admitted).error());
  auto receipt = co_await messaging.broker.publish(*std::move(admitted));
  if (!receipt) co_return fail(std::move(receipt).error());
  co_return api::to_api(*receipt);
}

// All pass the door before the first one is stored.
Task<Result<api::PublishBatchResponse>> publish_batch(Messaging& messaging, api::PublishBatchRequest request) {
  std::vector<queue::Publish> admitted;
  for (api::BatchedEvent& event : request.events) {
    api::PublishRequest one;
    one.queue = request.topic;
    one.message = std::move(event.message);
    one.dedup_key = std::move(event.dedup_key);
    auto publish = admit(messaging, std::move(one));
    if (!publish) {
      co_return fail(
          std::move(publish).error().during("event " + std::to_string(admitted.size() + 1) + " of the batch"));
    }
    admitted.push_back(std::move(*publish));
  }
  api::PublishBatchResponse response;
  if (admitted.empty()) co_return response;
  auto receipts = co_await messaging.broker.publish_all(std::move(admitted));
  if (!receipts) co_return fail(std::move(receipts).error());
  for (const queue::Receipt& receipt : *receipts) response.receipts.push_back(api::to_api(receipt));
  co_return response;
}

Result<void> check(const api::ReadTopicRequest& request) {
  return check_amounts({{"max_messages", request.max_messages, "the default: 100"},
                        {"max_bytes", request.max_bytes, "the default: 1 MiB"},
                        {"wait", request.wait.count(), "it answers at once"}});
}

Task<Result<api::ReadTopicResponse>> read(Messaging& messaging, Call& call, api::ReadTopicRequest request) {
  if (auto fine = check(request); !fine) co_return fail(std::move(fine).error());
  queue::ReadRequest wanted;
  wanted.topic = request.topic;
  wanted.from = api::from_api(request.from);
  wanted.max_messages = within(request.max_messages, 100, max_batch);
  wanted.max_bytes = static_cast<std::size_t>(within(request.max_bytes, std::int64_t{1} << 20, std::int64_t{64} << 20));
  auto events = co_await read_for(messaging, call, std::move(wanted), request.wait);
  if (!events) co_return fail(std::move(events).error());
  api::ReadTopicResponse response;
  response.next = events->next;
  for (const queue::Event& event : events->events) response.events.push_back(shown(messaging, request.json, event));
  co_return response;
}

bool is_wanted(const api::TailRequest& request, const queue::Message& message) {
  return (request.types.empty() || std::ranges::find(request.types, message.type) != request.types.end()) &&
         (request.key.empty() || message.key == request.key);
}

Task<Result<void>> tail(Messaging& messaging, Call& call, Reader<api::TailRequest> requests,
                        Writer<api::TopicEvent> replies) {
  auto request = co_await requests.read();
  if (!request) co_return fail(std::move(request).error());
  if (!*request) co_return invalid("the call has no request message");
  queue::ReadRequest wanted;
  wanted.topic = (*request)->topic;
  wanted.from = api::from_api((*request)->from);
  wanted.max_messages = tail_messages;
  wanted.max_bytes = tail_bytes;
  Duration wait{};  // the first look tells whether the topic is there
  while (!messaging.draining) {
    auto events = co_await about(messaging, {wanted.topic, {}}, read_for(messaging, call, wanted, wait));
    if (!events) co_return fail(std::move(events).error());
    wait = max_wait;
    call.headers_complete();
    for (const queue::Event& event : events->events) {
      if (!is_wanted(**request, event.message)) continue;
      // Waits while the reader is slow: nothing is read ahead.
      if (auto sent = co_await replies.write(shown(messaging, (*request)->json, event)); !sent) co_return sent;
    }
    go_on(*events, wanted.from);
  }
  co_return fail(Error(Code::unavailable, Blame::us, "the node is about to stop").with_reason("draining"));
}

Result<void> with_group(const std::string& group) {
  if (group.empty()) return invalid("`group` is missing");
  return {};
}

Task<Result<api::Empty>> commit(Messaging& messaging, api::CommitRequest request) {
  if (auto named = with_group(request.group); !named) co_return fail(std::move(named).error());
  const queue::From to{.kind = queue::From::Kind::after, .time = {}, .position = std::move(request.position)};
  auto done = co_await messaging.broker.commit({std::move(request.topic), std::move(request.group)}, to);
  if (!done) co_return fail(std::move(done).error());
  co_return api::Empty{};
}

Task<Result<api::Checkpoint>> checkpoint(Messaging& messaging, std::string topic, std::string group) {
  if (auto named = with_group(group); !named) co_return fail(std::move(named).error());
  auto position = co_await messaging.broker.checkpoint({std::move(topic), std::move(group)});
  if (!position) co_return fail(std::move(position).error());
  co_return api::Checkpoint{.position = std::move(*position)};
}

Task<Result<api::Checkpoint>> seek(Messaging& messaging, api::SeekRequest request) {
  if (auto named = with_group(request.group); !named) co_return fail(std::move(named).error());
  auto done = co_await messaging.broker.commit({request.topic, request.group}, api::from_api(request.to));
  if (!done) co_return fail(std::move(done).error());
  auto place = co_await checkpoint(messaging, std::move(request.topic), std::move(request.group));
  // It has moved; some backends cannot say where to.
  if (!place && place.error().code() == Code::unimplemented) co_return api::Checkpoint{};
  co_return place;
}

Task<Result<api::QueueStats>> stats(Messaging& messaging, api::TopicGroupRequest request) {
  const queue::Source source{std::move(request.topic), std::move(request.group)};
  auto stats = co_await messaging.broker.stats(source);
  if (!stats) co_return fail(std::move(stats).error());
  co_return api::to_api(source, *stats);
}

Task<Result<api::ListTopicsResponse>> list(Messaging& messaging, api::ListTopicsRequest request) {
  auto listed = co_await list_sources(messaging.backend);
  if (!listed) co_return fail(std::move(listed).error());
  std::map<std::string, api::ListedTopic> topics;
  for (const contract::EventType& event : messaging.user.contract()->events()) {
    topics[event.topic].types.push_back(event.type);
  }
  for (const queue::Source& source : listed->sources) {
    if (source.name.contains('/')) continue;  // a queue's
    api::ListedTopic& topic = topics[source.name];
    if (source.group.empty()) continue;
    queue::Stats stats;
    if (!request.names_only) {
      auto asked = co_await listed_stats(messaging.broker, source, listed->failed);
      if (!asked) continue;
      stats = std::move(*asked);
    }
    topic.groups.push_back(api::to_api(source, stats));
  }
  api::ListTopicsResponse response;
  response.backend = messaging.backend.name();
  response.failed = std::move(listed->failed);
  for (auto& [name, topic] : topics) {
    topic.topic = name;
    response.topics.push_back(std::move(topic));
  }
  co_return response;
}

}  // namespace

void add_topics(LocalRoute& route, Messaging& messaging) {
  Messaging* m = &messaging;
  route.unary<api::PublishEventRequest, api::PublishReceipt>(
      "/parley.Topics/Publish", [m](Call&, api::PublishEventRequest r) { return publish_event(*m, std::move(r)); });
  route.unary<api::PublishBatchRequest, api::PublishBatchResponse>(
      "/parley.Topics/PublishBatch",
      [m](Call&, api::PublishBatchRequest r) { return publish_batch(*m, std::move(r)); });
  unary_about<api::ReadTopicRequest, api::ReadTopicResponse>(
      route, messaging, "/parley.Topics/Read",
      [m](Call& call, api::ReadTopicRequest r) { return read(*m, call, std::move(r)); });
  route.stream<api::TailRequest, api::TopicEvent>(
      "/parley.Topics/Tail", [m](Call& call, Reader<api::TailRequest> requests, Writer<api::TopicEvent> replies) {
        return tail(*m, call, requests, replies);
      });
  unary_about<api::CommitRequest, api::Empty>(route, messaging, "/parley.Topics/Commit",
                                              [m](Call&, api::CommitRequest r) { return commit(*m, std::move(r)); });
  unary_about<api::GetCheckpointRequest, api::Checkpoint>(
      route, messaging, "/parley.Topics/GetCheckpoint",
      [m](Call&, api::GetCheckpointRequest r) { return checkpoint(*m, std::move(r.topic), std::move(r.group)); });
  unary_about<api::SeekRequest, api::Checkpoint>(route, messaging, "/parley.Topics/Seek",
                                                 [m](Call&, api::SeekRequest r) { return seek(*m, std::move(r)); });
  unary_about<api::TopicGroupRequest, api::QueueStats>(
      route, messaging, "/parley.Topics/Stats",
      [m](Call&, api::TopicGroupRequest r) { return stats(*m, std::move(r)); });
  route.unary<api::ListTopicsRequest, api::ListTopicsResponse>(
      "/parley.Topics/List", [m](Call&, api::ListTopicsRequest r) { return list(*m, r); });
}

}  // namespace parley::route
