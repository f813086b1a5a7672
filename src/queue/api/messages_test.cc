// The structs against the .proto files, and round trips.
#include "queue/api/messages.h"

#include <set>

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "contract/load.h"
#include "contract/transcode.h"
#include "queue/api/convert.h"

namespace parley::queue::api {
namespace {

namespace pb = google::protobuf;
using Field = pb::FieldDescriptor;

const contract::Contract& api() {
  static const auto loaded = contract::load_built_in({"parley/queues.proto", "parley/topics.proto"});
  return *loaded.contract;
}

template <class T>
std::string kind_of() {
  if constexpr (std::is_same_v<T, std::string>) return "string";
  if constexpr (std::is_same_v<T, Bytes>) return "bytes";
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_enum_v<T>) return "enum";
  if constexpr (std::is_same_v<T, std::int32_t>) return "int32";
  if constexpr (std::is_same_v<T, std::int64_t>) return "int64";
  if constexpr (std::is_same_v<T, std::uint64_t>) return "uint64";
  return "message";
}

template <class T>
struct Member {
  using Value = T;
  static constexpr bool repeated = false;
  static constexpr bool optional = false;
};
template <class T>
struct Member<std::vector<T>> {
  using Value = T;
  static constexpr bool repeated = true;
  static constexpr bool optional = false;
};
template <class T>
struct Member<std::optional<T>> {
  using Value = T;
  static constexpr bool repeated = false;
  static constexpr bool optional = true;
};

template <class T>
void check(const std::string& name) {
  const pb::Descriptor* descriptor = api().pool().FindMessageTypeByName(name);
  ASSERT_NE(descriptor, nullptr) << name;
  std::set<int> seen;
  T message;
  T::each(message, [&](std::uint32_t number, auto& value) {
    using M = std::remove_cvref_t<decltype(value)>;
    using Value = typename Member<M>::Value;
    const Field* field = descriptor->FindFieldByNumber(static_cast<int>(number));
    ASSERT_NE(field, nullptr) << name << " " << number;
    EXPECT_TRUE(seen.insert(field->number()).second) << field->full_name();
    EXPECT_EQ(field->type_name(), kind_of<Value>()) << field->full_name();
    EXPECT_EQ(field->is_repeated(), (Member<M>::repeated || std::is_same_v<M, Fields>)) << field->full_name();
    const bool presence = field->has_presence() && field->message_type() == nullptr && !field->real_containing_oneof();
    if (field->message_type() == nullptr && !field->real_containing_oneof())
      EXPECT_EQ(presence, Member<M>::optional) << field->full_name();
    if constexpr (std::is_same_v<Value, WallTime>)
      EXPECT_EQ(field->message_type()->full_name(), "google.protobuf.Timestamp") << field->full_name();
    if constexpr (std::is_same_v<Value, Duration>)
      EXPECT_EQ(field->message_type()->full_name(), "google.protobuf.Duration") << field->full_name();
  });
  EXPECT_EQ(std::ssize(seen), descriptor->field_count()) << name;
}

TEST(PullApiMessages, are_those_of_the_proto_files) {
  check<Message>("parley.Message");
  check<QueueRequest>("parley.QueueRequest");
  check<PublishRequest>("parley.PublishRequest");
  check<PublishReceipt>("parley.PublishReceipt");
  check<PublishStreamRequest>("parley.PublishStreamRequest");
  check<PublishStreamResponse>("parley.PublishStreamResponse");
  check<LeaseRequest>("parley.LeaseRequest");
  check<LeaseResponse>("parley.LeaseResponse");
  check<Delivery>("parley.Delivery");
  check<LeaseStreamRequest>("parley.LeaseStreamRequest");
  check<LeaseStreamStart>("parley.LeaseStreamRequest.Start");
  check<LeaseStreamResponse>("parley.LeaseStreamResponse");
  check<Settled>("parley.Settled");
  check<ExtendRequest>("parley.ExtendRequest");
  check<Settlement>("parley.Settlement");
  check<SettleRequest>("parley.SettleRequest");
  check<SettleResponse>("parley.SettleResponse");
  check<PeekRequest>("parley.PeekRequest");
  check<PeekResponse>("parley.PeekResponse");
  check<Peeked>("parley.Peeked");
  check<GetMessageRequest>("parley.GetMessageRequest");
  check<MessageState>("parley.MessageState");
  check<RedriveRequest>("parley.RedriveRequest");
  check<RedriveResponse>("parley.RedriveResponse");
  check<PurgeRequest>("parley.PurgeRequest");
  check<PurgeResponse>("parley.PurgeResponse");
  check<QueueStats>("parley.QueueStats");
  check<ListQueuesRequest>("parley.ListQueuesRequest");
  check<ListQueuesResponse>("parley.ListQueuesResponse");
  check<From>("parley.From");
  check<PublishEventRequest>("parley.PublishEventRequest");
  check<PublishBatchRequest>("parley.PublishBatchRequest");
  check<BatchedEvent>("parley.PublishBatchRequest.Event");
  check<PublishBatchResponse>("parley.PublishBatchResponse");
  check<TopicEvent>("parley.TopicEvent");
  check<ReadTopicRequest>("parley.ReadTopicRequest");
  check<ReadTopicResponse>("parley.ReadTopicResponse");
  check<TailRequest>("parley.TailRequest");
  check<TopicGroupRequest>("parley.TopicGroupRequest");
  check<CommitRequest>("parley.CommitRequest");
  check<GetCheckpointRequest>("parley.GetCheckpointRequest");
  check<Checkpoint>("parley.Checkpoint");
  check<SeekRequest>("parley.SeekRequest");
  check<DeleteGroupRequest>("parley.DeleteGroupRequest");
  check<ListTopicsRequest>("parley.ListTopicsRequest");
  check<ListTopicsResponse>("parley.ListTopicsResponse");
  check<ListedTopic>("parley.ListTopicsResponse.Topic");
  check<Status>("google.rpc.Status");
}

TEST(PullApiMessages, a_message_comes_back_as_it_went) {
  queue::Message message{.id = "1",
                         .source = "/shop",
                         .type = "shop.Mail",
                         .key = "ann",
                         .content_type = "application/protobuf",
                         .time = WallTime(std::chrono::milliseconds(-1500)),
                         .payload = Bytes(std::string("\0\xff", 2)),
                         .metadata = {{"a", "1"}, {"raw-bin", std::string_view("\0\x01", 2)}, {"raw-bin", "x"}}};
  const auto wire = to_wire(to_api(message));
  const auto read = from_api(*from_wire<Message>(wire));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, message.id);
  EXPECT_EQ(read->source, message.source);
  EXPECT_EQ(read->type, message.type);
  EXPECT_EQ(read->key, message.key);
  EXPECT_EQ(read->time, message.time);
  EXPECT_EQ(read->payload, message.payload);
  EXPECT_EQ(read->metadata.get("a"), "1");
  EXPECT_EQ(read->metadata.all("raw-bin"), (std::vector<std::string_view>{std::string_view("\0\x01", 2), "x"}));
}

// A client's Protobuf refuses a whole answer for one text that is no UTF-8, and JSON has no time beyond the year 9999.
TEST(PullApiMessages, whatever_a_producer_on_the_broker_wrote_is_well_formed) {
  const std::string bytes("\xff\x00k%", 4);
  queue::Message message{.id = bytes,
                         .source = bytes,
                         .type = bytes,
                         .key = bytes,
                         .content_type = bytes,
                         .time = WallTime(WallTime::duration(1'700'000'000'000'000)),
                         .payload = Bytes(bytes),
                         .metadata = {{"a", bytes}, {bytes, "b"}, {"c", "grün"}}};
  const LeaseResponse leased{
      .deliveries = {to_api(queue::Delivery{.message = message,
                                            .position = "1",
                                            .lease = "2",
                                            .malformed = Error(Code::invalid_argument, Blame::caller, bytes)})}};
  const PeekResponse peeked{.messages = {to_api(queue::Peeked{.message = message,
                                                              .position = "1",
                                                              .due = {},
                                                              .reason = bytes,
                                                              .since = WallTime(WallTime::duration::min())})},
                            .next = {}};
  const auto check = [](std::string_view rpc, const std::string& wire) {
    std::string json;
    const auto written = contract::wire_to_json(*api().find(rpc)->output, wire, json);
    EXPECT_TRUE(written) << rpc << ": " << written.error().text();
  };
  check("/parley.Queues/Lease", to_wire(leased));
  check("/parley.Queues/Peek", to_wire(peeked));
  const Message& shown = leased.deliveries.front().message;
  EXPECT_EQ(shown.key, "%FF%00k%25");
  EXPECT_EQ(shown.payload, message.payload);
  EXPECT_EQ(shown.metadata.get("a"), "%FF%00k%25");
  EXPECT_EQ(shown.metadata.get("c"), "grün");
  EXPECT_EQ(shown.metadata.size(), 2U) << "a name that is none is left out";
}

TEST(PullApiMessages, negative_and_fractional_times) {
  const struct {
    Duration duration;
  } cases[] = {{std::chrono::milliseconds(1)}, {std::chrono::hours(72)}, {-std::chrono::milliseconds(2500)}};
  for (const auto& c : cases) {
    const LeaseRequest request{.queue = {}, .group = {}, .lease = c.duration};
    EXPECT_EQ(from_wire<LeaseRequest>(to_wire(request))->lease, c.duration);
  }
}

TEST(PullApiMessages, an_error_keeps_its_reason_on_the_way) {
  const Error error = Error(Code::failed_precondition, Blame::caller, "too late").with_reason("lease_lost");
  const Error read = error_of(*from_wire<Status>(to_wire(status_of(error))));
  EXPECT_EQ(read.code(), error.code());
  EXPECT_EQ(read.message(), error.message());
  EXPECT_EQ(read.reason(), "lease_lost");
}

TEST(PullApiMessages, malformed_bytes_are_refused) {
  for (const std::string_view wire : {"\x0a\x05"
                                      "ab",
                                      "\xff", "\x12\x02\x0a\x09"}) {
    EXPECT_EQ(from_wire<PublishRequest>(wire).error().code(), Code::invalid_argument);
  }
}

}  // namespace
}  // namespace parley::queue::api
