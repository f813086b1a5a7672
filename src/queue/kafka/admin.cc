#include "queue/kafka/admin.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
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

// One admin request from its start to its event.
Result<Event> ask(const Cluster& cluster, Producer& producer, rd_kafka_admin_op_t what, std::string_view doing,
                  const Start& start) {
  auto client = producer.client();
  if (!client) return fail(client.error());
  const int timeout = to_ms(cluster.settings.timeout);
  const Options options(rd_kafka_AdminOptions_new(client->get(), what), rd_kafka_AdminOptions_destroy);
  std::array<char, 256> text{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout, text.data(), text.size());
  const Queue queue(rd_kafka_queue_new(client->get()), rd_kafka_queue_destroy);
  start(client->get(), options.get(), queue.get());
  Event event(nullptr, rd_kafka_event_destroy);
  const Instant until = Clock::now() + std::chrono::milliseconds(timeout + grace_ms);
  while (!event && Clock::now() < until && !cluster.closing) event.reset(rd_kafka_queue_poll(queue.get(), slice_ms));
  if (!event) return fail(cluster.explain(RD_KAFKA_RESP_ERR__TIMED_OUT, doing));
  if (const auto error = rd_kafka_event_error(event.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(cluster.explain(error, doing));
  }
  return event;
}

// A partition has a new leader, or the first one, that not every server has heard of yet: asked again while there is
// time. `question` is given the milliseconds that it has.
rd_kafka_resp_err_t ask_leaders(const Cluster& cluster, const std::function<rd_kafka_resp_err_t(int)>& question) {
  constexpr auto again = std::chrono::milliseconds(50);
  const Instant until = Clock::now() + cluster.settings.timeout;
  for (;;) {
    const auto error = question(std::max(to_ms(until - Clock::now()), slice_ms));
    const bool passes =
        error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    if (!passes || cluster.closing || Clock::now() >= until) return error;
    std::this_thread::sleep_for(again);
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

Result<void> group_error(const Cluster& cluster, const rd_kafka_group_result_t* group, std::string_view doing) {
  const rd_kafka_error_t* error = rd_kafka_group_result_error(group);
  if (error != nullptr) return fail(cluster.explain(rd_kafka_error_code(error), doing));
  return partition_errors(cluster, rd_kafka_group_result_partitions(group), doing);
}

}  // namespace

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

Result<Watermarks> Admin::watermarks(const std::string& topic, std::int32_t partition) {
  auto client = producer_.client();
  if (!client) return fail(client.error());
  Watermarks marks;
  const auto error = ask_leaders(cluster_, [&](int timeout) {
    return rd_kafka_query_watermark_offsets(client->get(), topic.c_str(), partition, &marks.low, &marks.high, timeout);
  });
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(cluster_.explain(error, "asking for the offsets of " + topic));
  return marks;
}

Result<Places> Admin::places_of(const std::string& topic, bool end) {
  auto count = partitions(topic);
  if (!count) return fail(count.error());
  Places places;
  for (std::int32_t p = 0; p < *count; ++p) {
    auto marks = watermarks(topic, p);
    if (!marks) return fail(marks.error());
    places[p] = end ? marks->high : marks->low;
  }
  return places;
}

Result<Places> Admin::places_at(const std::string& topic, WallTime time) {
  auto ends = places_of(topic, true);
  if (!ends) return ends;
  auto client = producer_.client();
  if (!client) return fail(client.error());
  const Partitions list = make_partitions();
  for (const auto& [partition, end] : *ends) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = time.time_since_epoch().count();
  }
  const std::string doing = "asking for offsets by time of " + topic;
  const auto error = ask_leaders(
      cluster_, [&](int timeout) { return rd_kafka_offsets_for_times(client->get(), list.get(), timeout); });
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(cluster_.explain(error, doing));
  if (auto good = partition_errors(cluster_, list.get(), doing); !good) return fail(good.error());
  for (int i = 0; i < list->cnt; ++i) {
    if (list->elems[i].offset >= 0) (*ends)[list->elems[i].partition] = list->elems[i].offset;
  }
  return ends;
}

Result<std::map<std::int32_t, Progress>> Admin::progress(const std::string& group, const std::string& topic) {
  auto count = partitions(topic);
  if (!count) return fail(count.error());
  const Partitions list = make_partitions(*count);
  rd_kafka_topic_partition_list_add_range(list.get(), topic.c_str(), 0, *count - 1);
  const std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t, void (*)(rd_kafka_ListConsumerGroupOffsets_t*)> request(
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()), rd_kafka_ListConsumerGroupOffsets_destroy);
  rd_kafka_ListConsumerGroupOffsets_t* raw = request.get();
  const std::string doing = "asking how far group " + group + " is";
  auto event = ask(cluster_, producer_, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, doing,
                   [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_ListConsumerGroupOffsets(client, &raw, 1, options, queue);
                   });
  if (!event) return fail(event.error());
  std::size_t groups = 0;
  const rd_kafka_group_result_t** results = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event->get()), &groups);
  std::map<std::int32_t, Progress> out;
  if (groups == 0) return out;
  if (auto good = group_error(cluster_, results[0], doing); !good) return fail(good.error());
  const rd_kafka_topic_partition_list_t* found = rd_kafka_group_result_partitions(results[0]);
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
  const auto in_use = [&](const Error& error) {
    // A group with members takes commits of theirs only.
    return fail(error.reason() == "lease_lost"
                    ? Error(Code::failed_precondition, Blame::caller, doing + ": another node reads with it")
                          .with_reason("group_in_use")
                    : error);
  };
  auto event = ask(cluster_, producer_, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, doing,
                   [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_AlterConsumerGroupOffsets(client, &raw, 1, options, queue);
                   });
  if (!event) return in_use(event.error());
  std::size_t groups = 0;
  const rd_kafka_group_result_t** results = rd_kafka_AlterConsumerGroupOffsets_result_groups(
      rd_kafka_event_AlterConsumerGroupOffsets_result(event->get()), &groups);
  if (groups == 0) return {};
  if (auto good = group_error(cluster_, results[0], doing); !good) return in_use(good.error());
  return {};
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
  const std::string doing = "deleting group " + group;
  auto event = ask(cluster_, producer_, RD_KAFKA_ADMIN_OP_DELETEGROUPS, doing,
                   [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteGroups(client, &raw, 1, options, queue);
                   });
  if (!event) return fail(event.error());
  std::size_t count = 0;
  const rd_kafka_group_result_t** results =
      rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event->get()), &count);
  if (count == 0) return {};
  const rd_kafka_error_t* error = rd_kafka_group_result_error(results[0]);  // it has no partitions here
  if (error == nullptr || rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return {};
  return fail(cluster_.explain(rd_kafka_error_code(error), doing));
}

Result<std::vector<std::string>> Admin::members_of(const std::string& group) {
  const char* name = group.c_str();
  auto event = ask(cluster_, producer_, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, "asking who is in group " + group,
                   [&](rd_kafka_t* client, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DescribeConsumerGroups(client, &name, 1, options, queue);
                   });
  if (!event) return fail(event.error());
  std::size_t groups = 0;
  const rd_kafka_ConsumerGroupDescription_t** found = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event->get()), &groups);
  std::vector<std::string> out;
  for (std::size_t i = 0; groups > 0 && i < rd_kafka_ConsumerGroupDescription_member_count(found[0]); ++i) {
    const rd_kafka_MemberDescription_t* member = rd_kafka_ConsumerGroupDescription_member(found[0], i);
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
