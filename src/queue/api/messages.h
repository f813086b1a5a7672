// The messages of contracts/parley/queues.proto and topics.proto, whose comments say what each field means. Both sides
// use them: the services (route/messages) and the parley:// backend (queue/remote). A test holds them against the
// files.
#pragma once

#include "queue/api/wire.h"

namespace parley::queue::api {

struct Empty {
  static void each(auto&, auto) {}
};

// google.rpc.Status.
struct Status {
  std::int32_t code = 0;
  std::string message{};
  std::vector<Raw> details;  // google.protobuf.Any
  static void each(auto& self, auto visit) {
    visit(1, self.code);
    visit(2, self.message);
    visit(3, self.details);
  }
};

struct Message {
  std::string id{}, source{}, type{}, key{}, content_type{};
  std::optional<WallTime> time{};
  Bytes payload{};
  Raw json{};
  Fields metadata{};
  static void each(auto& self, auto visit) {
    visit(1, self.id);
    visit(2, self.source);
    visit(3, self.type);
    visit(4, self.key);
    visit(5, self.content_type);
    visit(6, self.time);
    visit(7, self.payload);
    visit(8, self.json);
    visit(9, self.metadata);
  }
};

struct QueueRequest {
  std::string queue{}, group{};
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
  }
};

struct PublishRequest {
  std::string queue{};
  Message message{};
  std::string dedup_key{};
  std::optional<WallTime> due_time{};
  Duration delay{};
  std::optional<WallTime> expire_time{};
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.message);
    visit(3, self.dedup_key);
    visit(4, self.due_time);
    visit(5, self.delay);
    visit(6, self.expire_time);
  }
};

struct PublishReceipt {
  std::string id{}, position{};
  bool duplicate = false;
  static void each(auto& self, auto visit) {
    visit(1, self.id);
    visit(2, self.position);
    visit(3, self.duplicate);
  }
};

struct PublishStreamRequest {
  std::uint64_t tag = 0;
  PublishRequest publish{};
  static void each(auto& self, auto visit) {
    visit(1, self.tag);
    visit(2, self.publish);
  }
};

struct PublishStreamResponse {
  std::uint64_t tag = 0;
  std::optional<PublishReceipt> receipt{};
  std::optional<Status> error{};
  static void each(auto& self, auto visit) {
    visit(1, self.tag);
    visit(2, self.receipt);
    visit(3, self.error);
  }
};

struct LeaseRequest {
  std::string queue{}, group{};
  std::int32_t max_messages = 0;
  std::int64_t max_bytes = 0;
  Duration lease{};
  Duration wait{};
  bool json = false;
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
    visit(3, self.max_messages);
    visit(4, self.max_bytes);
    visit(5, self.lease);
    visit(6, self.wait);
    visit(7, self.json);
  }
};

struct Delivery {
  Message message{};
  std::string position{}, lease_id{};
  std::int32_t attempt = 0;
  std::optional<Status> malformed{};
  static void each(auto& self, auto visit) {
    visit(1, self.message);
    visit(2, self.position);
    visit(3, self.lease_id);
    visit(4, self.attempt);
    visit(5, self.malformed);
  }
};

struct LeaseResponse {
  std::vector<Delivery> deliveries{};
  static void each(auto& self, auto visit) { visit(1, self.deliveries); }
};

struct Settlement {
  enum class Kind : std::uint8_t { done = 0, retry = 1, release = 2, kill = 3 };
  std::string lease_id{};
  Kind kind = Kind::done;
  Duration delay{};
  std::string reason{};
  static void each(auto& self, auto visit) {
    visit(1, self.lease_id);
    visit(2, self.kind);
    visit(3, self.delay);
    visit(4, self.reason);
  }
};

struct LeaseStreamStart {
  std::string queue{}, group{};
  Duration lease{};
  std::int64_t max_bytes = 0;
  bool json = false;
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
    visit(3, self.lease);
    visit(4, self.max_bytes);
    visit(5, self.json);
  }
};

struct LeaseStreamRequest {
  std::optional<LeaseStreamStart> start{};
  std::int32_t credit = 0;
  std::optional<Settlement> settle{};
  static void each(auto& self, auto visit) {
    visit(1, self.start);
    visit(2, self.credit);
    visit(3, self.settle);
  }
};

struct Settled {
  std::string lease_id{};
  std::optional<Status> error{};
  static void each(auto& self, auto visit) {
    visit(1, self.lease_id);
    visit(2, self.error);
  }
};

struct LeaseStreamResponse {
  std::optional<Delivery> delivery{};
  std::optional<Settled> settled{};
  std::optional<Settled> lost{};
  static void each(auto& self, auto visit) {
    visit(1, self.delivery);
    visit(2, self.settled);
    visit(3, self.lost);
  }
};

struct ExtendRequest {
  std::string queue{}, group{};
  std::vector<std::string> lease_ids{};
  Duration lease{};
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
    visit(3, self.lease_ids);
    visit(4, self.lease);
  }
};

struct SettleRequest {
  std::string queue{}, group{};
  std::vector<Settlement> settlements{};
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
    visit(3, self.settlements);
  }
};

struct SettleResponse {
  std::vector<Settled> failed{};
  static void each(auto& self, auto visit) { visit(1, self.failed); }
};

enum class Shelf : std::uint8_t { waiting = 0, leased = 1, delayed = 2, dead = 3 };

struct PeekRequest {
  std::string queue{}, group{};
  Shelf shelf = Shelf::waiting;
  std::string after{};
  std::int32_t max_messages = 0;
  bool json = false;
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
    visit(3, self.shelf);
    visit(4, self.after);
    visit(5, self.max_messages);
    visit(6, self.json);
  }
};

struct Peeked {
  Message message{};
  std::string position{};
  std::int32_t attempts = 0;
  std::optional<WallTime> due_time{};
  std::string reason{};
  std::optional<WallTime> dead_time{};
  static void each(auto& self, auto visit) {
    visit(1, self.message);
    visit(2, self.position);
    visit(3, self.attempts);
    visit(4, self.due_time);
    visit(5, self.reason);
    visit(6, self.dead_time);
  }
};

struct PeekResponse {
  std::vector<Peeked> messages{};
  std::string next{};
  static void each(auto& self, auto visit) {
    visit(1, self.messages);
    visit(2, self.next);
  }
};

struct GetMessageRequest {
  std::string queue{}, position{}, group{};
  bool json = false;
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.position);
    visit(3, self.group);
    visit(4, self.json);
  }
};

struct MessageState {
  enum class State : std::uint8_t { done_or_unknown = 0, waiting = 1, leased = 2, delayed = 3, dead = 4 };
  std::optional<State> state{};  // always there: 0 is an answer too
  std::optional<Peeked> found{};
  static void each(auto& self, auto visit) {
    visit(1, self.state);
    visit(2, self.found);
  }
};

struct RedriveRequest {
  std::string queue{}, group{};
  bool all = false;
  std::vector<std::string> ids{};
  std::string key{}, reason{}, type{};
  std::int32_t per_second = 0;
  bool dry_run = false;
  std::vector<std::string> positions{};
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
    visit(3, self.all);
    visit(4, self.ids);
    visit(5, self.key);
    visit(6, self.reason);
    visit(7, self.type);
    visit(8, self.per_second);
    visit(9, self.dry_run);
    visit(10, self.positions);
  }
};

struct RedriveResponse {
  std::uint64_t count = 0;
  static void each(auto& self, auto visit) { visit(1, self.count); }
};

struct PurgeRequest {
  std::string queue{}, group{};
  std::optional<Shelf> shelf{};
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
    visit(3, self.shelf);
  }
};

struct PurgeResponse {
  std::uint64_t count = 0;
  static void each(auto& self, auto visit) { visit(1, self.count); }
};

struct QueueStats {
  std::string queue{}, group{};
  std::uint64_t waiting = 0, leased = 0, delayed = 0, dead = 0;
  std::optional<WallTime> oldest_time{};
  bool paused = false;
  std::vector<std::string> estimated{};
  std::uint64_t held_keys = 0;
  static void each(auto& self, auto visit) {
    visit(1, self.queue);
    visit(2, self.group);
    visit(3, self.waiting);
    visit(4, self.leased);
    visit(5, self.delayed);
    visit(6, self.dead);
    visit(7, self.oldest_time);
    visit(8, self.paused);
    visit(9, self.estimated);
    visit(10, self.held_keys);
  }
};

struct ListQueuesRequest {
  bool names_only = false, groups = false;
  static void each(auto& self, auto visit) {
    visit(1, self.names_only);
    visit(2, self.groups);
  }
};

struct ListQueuesResponse {
  std::vector<QueueStats> queues{};
  std::string backend{};
  std::vector<Status> failed{};
  static void each(auto& self, auto visit) {
    visit(1, self.queues);
    visit(2, self.backend);
    visit(3, self.failed);
  }
};

// topics.proto

struct From {
  std::string after{};
  std::optional<WallTime> time{};
  bool earliest = false;
  static void each(auto& self, auto visit) {
    visit(1, self.after);
    visit(2, self.time);
    visit(3, self.earliest);
  }
};

struct PublishEventRequest {
  std::string topic{};
  Message message{};
  std::string dedup_key{};
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.message);
    visit(3, self.dedup_key);
  }
};

struct BatchedEvent {
  Message message{};
  std::string dedup_key{};
  static void each(auto& self, auto visit) {
    visit(1, self.message);
    visit(2, self.dedup_key);
  }
};

struct PublishBatchRequest {
  std::string topic{};
  std::vector<BatchedEvent> events{};
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.events);
  }
};

struct PublishBatchResponse {
  std::vector<PublishReceipt> receipts{};
  static void each(auto& self, auto visit) { visit(1, self.receipts); }
};

struct TopicEvent {
  Message message{};
  std::string position{};
  static void each(auto& self, auto visit) {
    visit(1, self.message);
    visit(2, self.position);
  }
};

struct ReadTopicRequest {
  std::string topic{};
  From from{};
  std::int32_t max_messages = 0;
  std::int64_t max_bytes = 0;
  Duration wait{};
  bool json = false;
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.from);
    visit(3, self.max_messages);
    visit(4, self.max_bytes);
    visit(5, self.wait);
    visit(6, self.json);
  }
};

struct ReadTopicResponse {
  std::vector<TopicEvent> events{};
  std::string next{};
  static void each(auto& self, auto visit) {
    visit(1, self.events);
    visit(2, self.next);
  }
};

struct TailRequest {
  std::string topic{};
  From from{};
  std::vector<std::string> types{};
  std::string key{};
  bool json = false;
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.from);
    visit(3, self.types);
    visit(4, self.key);
    visit(5, self.json);
  }
};

struct TopicGroupRequest {
  std::string topic{}, group{};
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.group);
  }
};

struct CommitRequest {
  std::string topic{}, group{}, position{};
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.group);
    visit(3, self.position);
  }
};

struct GetCheckpointRequest {
  std::string topic{}, group{};
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.group);
  }
};

struct Checkpoint {
  std::string position{};
  static void each(auto& self, auto visit) { visit(1, self.position); }
};

struct SeekRequest {
  std::string topic{}, group{};
  From to{};
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.group);
    visit(3, self.to);
  }
};

struct DeleteGroupRequest {
  std::string topic{}, group{};
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.group);
  }
};

struct ListTopicsRequest {
  bool names_only = false;
  static void each(auto& self, auto visit) { visit(1, self.names_only); }
};

struct ListedTopic {
  std::string topic{};
  std::vector<std::string> types{};
  std::vector<QueueStats> groups{};
  static void each(auto& self, auto visit) {
    visit(1, self.topic);
    visit(2, self.types);
    visit(3, self.groups);
  }
};

struct ListTopicsResponse {
  std::vector<ListedTopic> topics{};
  std::string backend{};
  std::vector<Status> failed{};
  static void each(auto& self, auto visit) {
    visit(1, self.topics);
    visit(2, self.backend);
    visit(3, self.failed);
  }
};

}  // namespace parley::queue::api
