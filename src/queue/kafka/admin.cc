#include "queue/kafka/admin.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <thread>

#include <fmt/format.h>

#include "queue/kafka/error.h"

namespace parley::queue::kafka {

void add_progress(rd_kafka_topic_partition_list_t& list, const std::string& topic, std::int32_t partition,
                  const Progress& progress) {
  auto* one = rd_kafka_topic_partition_list_add(&list, topic.c_str(), partition);
  one->offset = progress.watermark;
  const std::string text = encode_progress(progress);
  if (text.empty()) return;
  one->metadata = std::malloc(text.size());  // the list frees it
  one->metadata_size = text.size();
  std::memcpy(one->metadata, text.data(), text.size());
}

namespace {

using Event = std::unique_ptr<rd_kafka_event_t, void (*)(rd_kafka_event_t*)>;
using Options = std::unique_ptr<rd_kafka_AdminOptions_t, void (*)(rd_kafka_AdminOptions_t*)>;
using Queue = std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)>;
using Start = std::function<void(rd_kafka_t*, rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>;

constexpr int grace_ms = 2000;  // librdkafka ends a request by itself
constexpr int slice_ms = 100;   // how soon a wait notices that the process ends
constexpr auto ask_again = std::chrono::milliseconds(50);

// One admin request from its start to its event; without one, nobody answered.
Event event_of(const Cluster& cluster, rd_kafka_t* client, int timeout, rd_kafka_admin_op_t what, const Start& start) {
  const Options options(rd_kafka_AdminOptions_new(client, what), rd_kafka_AdminOptions_destroy);
  std::array<char, 256> text{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout, text.data(), text.size());
  const Queue queue(rd_kafka_queue_new(client), rd_kafka_queue_destroy);
  start(client, options.get(), queue.get());
  Event event(nullptr, rd_kafka_event_destroy);
  const Instant until = Clock::now() + std::chrono::milliseconds(timeout + grace_ms);
  while (!event && Clock::now() < until && !cluster.closing) event.reset(rd_kafka_queue_poll(queue.get(), slice_ms));
  return event;
}

rd_kafka_resp_err_t error_of(const Event& event) {
  return event ? rd_kafka_event_error(event.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
}

Result<Event> ask(const Cluster& cluster, Producer& producer, rd_kafka_admin_op_t what, std::string_view doing,
                  const Start& start) {
  auto client = producer.client();
  if (!client) return fail(client.error());
  Event event = event_of(cluster, client->get(), to_ms(cluster.settings.timeout), what, start);
  if (const auto error = error_of(event)) return fail(cluster.explain(error, doing));
  return event;
}

// A partition has a new leader, or the first one, that not every server has heard of yet: asked again while there is
// time. `question` is given the milliseconds that it has.
rd_kafka_resp_err_t ask_leaders(const Cluster& cluster, const std::function<rd_kafka_resp_err_t(int)>& question) {
  const Instant until = Clock::now() + cluster.settings.timeout;
  for (;;) {
    const auto error = question(std::max(to_ms(until - Clock::now()), slice_ms));
    const bool passes =
        error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    if (!passes || cluster.closing || Clock::now() >= until) return error;
    std::this_thread::sleep_for(ask_again);
  }
}

using TopicSpec = std::unique_ptr<rd_kafka_NewTopic_t, void (*)(rd_kafka_NewTopic_t*)>;

TopicSpec to_spec(const NewTopic& topic, int replication) {
  std::array<char, 256> text{};
  TopicSpec spec(rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, replication, text.data(), text.size()),
                 rd_kafka_NewTopic_destroy);
  for (const auto& [name, value] : topic.config) rd_kafka_NewTopic_set_config(spec.get(), name, value.c_str());
  return spec;
}

Result<void> topic_results(const Cluster& cluster, const Event& event) {
  std::size_t count = 0;
  const rd_kafka_topic_result_t** topics =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(topics[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    const char* text = rd_kafka_topic_result_error_string(topics[i]);
    return fail(cluster.explain(error, fmt::format("creating topic {} ({})", rd_kafka_topic_result_name(topics[i]),
                                                   text == nullptr ? "" : text)));
  }
  return {};
}

Result<void> partition_errors(const Cluster& cluster, const rd_kafka_topic_partition_list_t* list,
                              std::string_view doing) {
  for (int i = 0; i < list->cnt; ++i) {
    if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(cluster.explain(list->elems[i].err, doing));
  }
  return {};
}

// The answers about the one group that was asked about; null: there is none.
template <class Event, class Groups>
const rd_kafka_group_result_t* group_in(rd_kafka_event_t* event, Event result_of, Groups groups_of) {
  std::size_t count = 0;
  const rd_kafka_group_result_t** groups = groups_of(result_of(event), &count);
  return count == 0 ? nullptr : groups[0];
}
const rd_kafka_group_result_t* listed(rd_kafka_event_t* event) {
  return group_in(event, rd_kafka_event_ListConsumerGroupOffsets_result,
                  rd_kafka_ListConsumerGroupOffsets_result_groups);
}
const rd_kafka_group_result_t* altered(rd_kafka_event_t* event) {
  return group_in(event, rd_kafka_event_AlterConsumerGroupOffsets_result,
                  rd_kafka_AlterConsumerGroupOffsets_result_groups);
}
const rd_kafka_group_result_t* deleted(rd_kafka_event_t* event) {
  return group_in(event, rd_kafka_event_DeleteGroups_result, rd_kafka_DeleteGroups_result_groups);
}

// The first error in it.
rd_kafka_resp_err_t group_error(const rd_kafka_group_result_t* group) {
  if (group == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(group)) return rd_kafka_error_code(error);
  const rd_kafka_topic_partition_list_t* list = rd_kafka_group_result_partitions(group);
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return list->elems[i].err;
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool is_about_the_coordinator(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NOT_COORDINATOR || error == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
         error == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

}  // namespace

// A coordinator that has just moved, or is about to, is asked again while there is time.
Result<Admin::Event> Admin::ask_coordinator(const GroupRequest& request) {
  const Instant until = Clock::now() + cluster_.settings.timeout;
  for (;;) {
    auto client = group_client(request.group);
    if (!client) return fail(client.error());
    const int timeout = std::max(to_ms(until - Clock::now()), slice_ms);
    Event event = event_of(cluster_, client->get(), timeout, request.kind, request.start);
    auto error = error_of(event);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = request.error(event.get());
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
    if (error == RD_KAFKA_RESP_ERR_NOT_COORDINATOR) forget(*client);
    if (!is_about_the_coordinator(error) || cluster_.closing || Clock::now() >= until) {
      return fail(cluster_.explain(error, request.doing));
    }
    std::this_thread::sleep_for(ask_again);
  }
}

// A client that belongs to a group, though it never joins: librdkafka (2.0 to 2.13, its issue 5040) crashes where a
// coordinator refuses ListConsumerGroupOffsets and the client has no group. Which one does not matter.
Result<Client> Admin::group_client(const std::string& group) {
  const std::lock_guard lock(lock_);
  if (!group_client_) {
    auto made = make_client(RD_KAFKA_CONSUMER, context_, {{"group.id", group}, {"enable.auto.commit", "false"}}, {});
    if (!made) return made;
    group_client_ = *std::move(made);
  }
  // It is never assigned anything; what it has to say of its connections must not heap up.
  while (rd_kafka_message_t* said = rd_kafka_consumer_poll(group_client_.get(), 0)) rd_kafka_message_destroy(said);
  return group_client_;
}

// A client remembers a coordinator for as long as that server is up, and asks no other one.
void Admin::forget(const Client& client) {
  Client last;  // ends without the lock
  const std::lock_guard lock(lock_);
  if (group_client_ == client) last = std::move(group_client_);
}

Result<void> Admin::create(const std::vector<NewTopic>& topics) {
  if (topics.empty()) return {};
  std::vector<TopicSpec> specs;
  std::vector<rd_kafka_NewTopic_t*> raw;
  for (const NewTopic& topic : topics) {
    specs.push_back(to_spec(topic, cluster_.settings.replication));
    raw.push_back(specs.back().get());
  }
  auto event = ask(cluster_, producer_, RD_KAFKA_ADMIN_OP_CREATETOPICS, "creating topics",
                   [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_CreateTopics(client, raw.data(), raw.size(), options, queue);
                   });
  if (!event) return fail(event.error());
  cluster_.refuses_us = false;
  return topic_results(cluster_, *event);
}

Result<int> Admin::partitions(const std::string& topic) {
  auto client = producer_.client();
  if (!client) return fail(client.error());
  const std::unique_ptr<rd_kafka_topic_t, void (*)(rd_kafka_topic_t*)> handle(
      rd_kafka_topic_new(client->get(), topic.c_str(), nullptr), rd_kafka_topic_destroy);
  const struct rd_kafka_metadata* metadata = nullptr;
  const std::string doing = "looking up topic " + topic;
  const auto error = rd_kafka_metadata(client->get(), 0, handle.get(), &metadata, to_ms(cluster_.settings.timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(cluster_.explain(error, doing));
  const std::unique_ptr<const struct rd_kafka_metadata, void (*)(const struct rd_kafka_metadata*)> owned(
      metadata, rd_kafka_metadata_destroy);
  if (metadata->topic_cnt != 1) return fail(to_error(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, doing));
  const rd_kafka_metadata_topic& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(cluster_.explain(found.err, doing));
  return found.partition_cnt;
}

Result<Places> Admin::offsets(const std::string& topic, const std::vector<std::int32_t>& of, std::int64_t time) {
  auto client = producer_.client();
  if (!client) return fail(client.error());
  const Partitions list = make_partitions(static_cast<int>(of.size()));
  for (const std::int32_t partition : of) rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  const auto error =
      ask_leaders(cluster_, [&](int timeout) { return ask_offsets(client->get(), *list, time, timeout); });
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(cluster_.explain(error, "asking for the offsets of " + topic));
  Places places;
  for (int i = 0; i < list->cnt; ++i) {
    if (list->elems[i].offset >= 0) places[list->elems[i].partition] = list->elems[i].offset;
  }
  return places;
}

Result<Watermarks> Admin::watermarks(const std::string& topic, std::int32_t partition) {
  auto low = offsets(topic, {partition}, RD_KAFKA_OFFSET_BEGINNING);
  if (!low) return fail(low.error());
  auto high = offsets(topic, {partition}, RD_KAFKA_OFFSET_END);
  if (!high) return fail(high.error());
  return Watermarks{.low = (*low)[partition], .high = (*high)[partition]};
}

Result<Places> Admin::places_of(const std::string& topic, bool end) {
  return all_offsets(topic, end ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING);
}

Result<Places> Admin::places_at(const std::string& topic, WallTime time) {
  auto ends = places_of(topic, true);
  if (!ends) return ends;
  auto found = all_offsets(topic, time.time_since_epoch().count());
  if (!found) return found;
  found->merge(*ends);
  return found;
}

Result<Places> Admin::all_offsets(const std::string& topic, std::int64_t time) {
  auto count = partitions(topic);
  if (!count) return fail(count.error());
  std::vector<std::int32_t> all(static_cast<std::size_t>(*count));
  std::iota(all.begin(), all.end(), 0);
  return offsets(topic, all, time);
}

Result<std::map<std::int32_t, Progress>> Admin::progress(const std::string& group, const std::string& topic) {
  auto count = partitions(topic);
  if (!count) return fail(count.error());
  const Partitions list = make_partitions(*count);
  rd_kafka_topic_partition_list_add_range(list.get(), topic.c_str(), 0, *count - 1);
  const std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t, void (*)(rd_kafka_ListConsumerGroupOffsets_t*)> request(
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()), rd_kafka_ListConsumerGroupOffsets_destroy);
  rd_kafka_ListConsumerGroupOffsets_t* raw = request.get();
  auto event = ask_coordinator(
      {.group = group,
       .doing = "asking how far group " + group + " is",
       .kind = RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
       .start = [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options,
                    rd_kafka_queue_t* queue) { rd_kafka_ListConsumerGroupOffsets(client, &raw, 1, options, queue); },
       .error = [](rd_kafka_event_t* answer) { return group_error(listed(answer)); }});
  if (!event) return fail(event.error());
  std::map<std::int32_t, Progress> out;
  const rd_kafka_group_result_t* result = listed(event->get());
  if (result == nullptr) return out;
  const rd_kafka_topic_partition_list_t* found = rd_kafka_group_result_partitions(result);
  for (int i = 0; i < found->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = found->elems[i];
    if (one.offset < 0) continue;
    out[one.partition] = decode_progress(one.offset, {static_cast<const char*>(one.metadata), one.metadata_size});
  }
  return out;
}

Result<void> Admin::move(const std::string& group, const std::string& topic,
                         const std::map<std::int32_t, Progress>& to) {
  if (to.empty()) return {};
  const Partitions list = make_partitions(static_cast<int>(to.size()));
  for (const auto& [partition, progress] : to) add_progress(*list, topic, partition, progress);
  const std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t, void (*)(rd_kafka_AlterConsumerGroupOffsets_t*)> request(
      rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get()), rd_kafka_AlterConsumerGroupOffsets_destroy);
  rd_kafka_AlterConsumerGroupOffsets_t* raw = request.get();
  const std::string doing = "moving group " + group;
  auto event = ask_coordinator(
      {.group = group,
       .doing = doing,
       .kind = RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS,
       .start = [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options,
                    rd_kafka_queue_t* queue) { rd_kafka_AlterConsumerGroupOffsets(client, &raw, 1, options, queue); },
       .error = [](rd_kafka_event_t* answer) { return group_error(altered(answer)); }});
  if (event) return {};
  // A group with members takes commits of theirs only.
  if (event.error().reason() != "lease_lost") return fail(event.error());
  return fail(Error(Code::failed_precondition, Blame::caller, doing + ": another node reads with it")
                  .with_reason("group_in_use"));
}

Result<void> Admin::delete_before(const std::string& topic, std::int32_t partition, std::int64_t offset) {
  const Partitions list = make_partitions(1);
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  const std::unique_ptr<rd_kafka_DeleteRecords_t, void (*)(rd_kafka_DeleteRecords_t*)> request(
      rd_kafka_DeleteRecords_new(list.get()), rd_kafka_DeleteRecords_destroy);
  rd_kafka_DeleteRecords_t* raw = request.get();
  const std::string doing = "deleting records of " + topic;
  auto event = ask(cluster_, producer_, RD_KAFKA_ADMIN_OP_DELETERECORDS, doing,
                   [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteRecords(client, &raw, 1, options, queue);
                   });
  if (!event) return fail(event.error());
  return partition_errors(
      cluster_, rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event->get())), doing);
}

Result<void> Admin::delete_group(const std::string& group) {
  const std::unique_ptr<rd_kafka_DeleteGroup_t, void (*)(rd_kafka_DeleteGroup_t*)> request(
      rd_kafka_DeleteGroup_new(group.c_str()), rd_kafka_DeleteGroup_destroy);
  rd_kafka_DeleteGroup_t* raw = request.get();
  auto event = ask_coordinator(
      {.group = group,
       .doing = "deleting group " + group,
       .kind = RD_KAFKA_ADMIN_OP_DELETEGROUPS,
       .start = [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options,
                    rd_kafka_queue_t* queue) { rd_kafka_DeleteGroups(client, &raw, 1, options, queue); },
       .error = [](rd_kafka_event_t* answer) { return group_error(deleted(answer)); }});
  if (!event && event.error().reason() != "no_such_group") return fail(event.error());
  return {};
}

Result<std::vector<std::string>> Admin::members_of(const std::string& group) {
  const char* name = group.c_str();
  const auto described = [](rd_kafka_event_t* event) -> const rd_kafka_ConsumerGroupDescription_t* {
    std::size_t count = 0;
    auto* found =
        rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event), &count);
    return count == 0 ? nullptr : found[0];
  };
  auto event = ask_coordinator(
      {.group = group,
       .doing = "asking who is in group " + group,
       .kind = RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
       .start = [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options,
                    rd_kafka_queue_t* queue) { rd_kafka_DescribeConsumerGroups(client, &name, 1, options, queue); },
       .error =
           [&](rd_kafka_event_t* answer) {
             const auto* found = described(answer);
             const auto* error = found == nullptr ? nullptr : rd_kafka_ConsumerGroupDescription_error(found);
             return error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
           }});
  if (!event) return fail(event.error());
  std::vector<std::string> out;
  const auto* found = described(event->get());
  for (std::size_t i = 0; found != nullptr && i < rd_kafka_ConsumerGroupDescription_member_count(found); ++i) {
    const rd_kafka_MemberDescription_t* member = rd_kafka_ConsumerGroupDescription_member(found, i);
    std::string_view host = rd_kafka_MemberDescription_host(member);
    if (host.starts_with('/')) host.remove_prefix(1);
    out.push_back(fmt::format("{} at {}", rd_kafka_MemberDescription_client_id(member), host));
  }
  return out;
}

Result<void> Admin::delete_topics(const std::vector<std::string>& topics) {
  std::vector<std::unique_ptr<rd_kafka_DeleteTopic_t, void (*)(rd_kafka_DeleteTopic_t*)>> requests;
  std::vector<rd_kafka_DeleteTopic_t*> raw;
  for (const std::string& topic : topics) {
    requests.emplace_back(rd_kafka_DeleteTopic_new(topic.c_str()), rd_kafka_DeleteTopic_destroy);
    raw.push_back(requests.back().get());
  }
  auto event = ask(cluster_, producer_, RD_KAFKA_ADMIN_OP_DELETETOPICS, "deleting topics",
                   [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteTopics(client, raw.data(), raw.size(), options, queue);
                   });
  if (!event) return fail(event.error());
  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event->get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    return fail(cluster_.explain(error, fmt::format("deleting topic {}", rd_kafka_topic_result_name(results[i]))));
  }
  return {};
}

}  // namespace parley::queue::kafka
