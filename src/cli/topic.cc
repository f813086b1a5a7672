// parley topic: what lies in the topics of a running node, publishing to them, and moving their groups.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include "base/nearest.h"
#include "base/text.h"
#include "cli/queue_commands.h"
#include "cli/table.h"
#include "contract/text_escape.h"
#include "queue/cloud_event.h"

namespace parley::cli {
namespace {

namespace api = queue::api;

constexpr Duration brokers_time = std::chrono::minutes(5);  // a broker may have queues and topics to delete

void print_event(const api::TopicEvent& event) {
  const api::Message& message = event.message;
  std::string payload = PullClient::value_json(message.json);
  if (payload.empty()) {
    payload = "base64 ";
    contract::append_json_base64(payload, message.payload.view());
  }
  std::printf("%s  %s  %s  %s  %s\n", event.position.c_str(),
              message.time ? queue::format_time(*message.time).c_str() : "-", printable(message.type).c_str(),
              message.key.empty() ? "-" : printable(message.key).c_str(), printable(payload).c_str());
  std::fflush(stdout);
}

int publish_one(PullClient& client, const TopicPublishOptions& options, const std::string& json) {
  api::PublishEventRequest request;
  request.topic = options.topic;
  request.message.type = options.type;
  request.message.id = options.id;
  request.message.source = options.source;
  request.message.content_type = "application/json";
  request.message.payload = Bytes(json);
  const auto receipt = client.call<api::PublishReceipt>("/parley.Topics/Publish", request);
  if (!receipt) return client.failed(receipt.error());
  if (options.json) {
    client.print_json("parley.PublishReceipt", *receipt);
  } else {
    std::printf("%s at %s%s\n", receipt->id.c_str(), receipt->position.c_str(),
                receipt->duplicate ? " (was there before)" : "");
  }
  return 0;
}

// The node takes every other text for a position.
int place_failed(const PullClient& client, const Error& error, const char* option, const std::string& text) {
  const int exit_code = client.failed(error);
  if (error.code() == Code::invalid_argument && !client.options().json && !parse_from(text).after.empty())
    std::fprintf(stderr, "%s is earliest, latest, an RFC 3339 time such as 2030-01-31T08:00:00Z, or a position\n",
                 option);
  return exit_code;
}

// A group that is not there would be made by moving it, and then lie behind for ever where it is a slip. Of what cannot
// be told here the seek itself tells.
bool lacks_group(PullClient& client, const TopicSeekOptions& options) {
  const auto list =
      client.call<api::ListTopicsResponse>("/parley.Topics/List", api::ListTopicsRequest{.names_only = true});
  if (!list || !list->failed.empty()) return false;
  const auto topic = std::ranges::find(list->topics, options.topic, &api::ListedTopic::topic);
  if (topic == list->topics.end()) return false;
  std::vector<std::string_view> groups;
  for (const api::QueueStats& group : topic->groups) groups.push_back(group.group);
  if (std::ranges::find(groups, options.group) != groups.end()) return false;
  std::string what = "topic \"" + options.topic + "\" has no group \"" + options.group + "\"";
  if (const auto near = nearest(options.group, groups)) what += " (did you mean \"" + std::string(*near) + "\"?)";
  client.failed(Error(Code::not_found, Blame::caller, what + "; --make makes it").with_reason("not_found"));
  return true;
}

}  // namespace

int topic_ls(const NodeOptions& options) {
  const auto client = PullClient::open(options);
  if (!client) return 2;
  const auto list = client->call<api::ListTopicsResponse>("/parley.Topics/List", api::ListTopicsRequest{});
  if (!list) return client->failed(list.error());
  if (options.json) {
    client->print_json("parley.ListTopicsResponse", *list);
    return list->failed.empty() ? 0 : 1;
  }
  std::vector<std::vector<Cell>> rows = {
      {{"TOPIC"}, {"GROUP"}, {"BEHIND", {}, true}, {"DEAD", {}, true}, {"OLDEST", {}, true}, {"TYPES"}}};
  const WallTime now = WallClock().now();
  for (const api::ListedTopic& topic : list->topics) {
    std::string types;
    for (const std::string& type : topic.types) types.append(types.empty() ? "" : ", ").append(type);
    if (topic.groups.empty())
      rows.push_back({{topic.topic}, {"-"}, {"-", {}, true}, {"-", {}, true}, {"-", {}, true}, {types}});
    for (const api::QueueStats& group : topic.groups) {
      const auto behind = group.waiting + group.leased + group.delayed;
      rows.push_back({{topic.topic},
                      {group.group},
                      {std::to_string(behind), behind == 0 ? Tone::faint : Tone::plain, true},
                      {std::to_string(group.dead), group.dead == 0 ? Tone::faint : Tone::bad, true},
                      {group.oldest_time ? age(*group.oldest_time, now) : "-", Tone::plain, true},
                      {types}});
    }
  }
  print_table(rows);
  std::printf("kept by: %s\n", list->backend.c_str());
  return client->failed(list->failed);
}

int topic_tail(const TopicTailOptions& options) {
  const auto client = PullClient::open(options);
  if (!client) return 2;
  const api::TailRequest request{.topic = options.topic,
                                 .from = parse_from(options.from),
                                 .types = options.types,
                                 .key = options.key,
                                 .json = true};
  int seen = 0;
  const auto done = client->follow("/parley.Topics/Tail", api::to_wire(request), [&](std::string_view reply) {
    if (options.json) {
      client->print_json("parley.TopicEvent", reply);
    } else if (const auto event = api::from_wire<api::TopicEvent>(reply)) {
      print_event(*event);
    }
    return options.count == 0 || ++seen < options.count;
  });
  return done ? 0 : place_failed(*client, done.error(), "--from", options.from);
}

int topic_publish(const TopicPublishOptions& options) {
  const auto client = PullClient::open(options);
  if (!client) return 2;
  if (options.message != "-") return publish_one(*client, options, options.message);
  int exit_code = 0;
  for (std::string line; std::getline(std::cin, line);) {
    if (!trim(line).empty() && publish_one(*client, options, line) != 0) exit_code = 1;
  }
  return exit_code;
}

int topic_seek(const TopicSeekOptions& options) {
  const auto client = PullClient::open(options);
  if (!client) return 2;
  if (!options.make && lacks_group(*client, options)) return 1;
  const auto done = client->call<api::Checkpoint>(
      "/parley.Topics/Seek",
      api::SeekRequest{.topic = options.topic, .group = options.group, .to = parse_from(options.to)});
  if (!done) return place_failed(*client, done.error(), "--to", options.to);
  if (options.json) {
    client->print_json("parley.Checkpoint", *done);
  } else {
    std::printf("%s of %s is %s\n", options.group.c_str(), options.topic.c_str(),
                done->position.empty() ? "before the first event" : ("behind " + done->position).c_str());
  }
  return 0;
}

int topic_delete_group(const TopicDeleteGroupOptions& options) {
  if (!is_confirmed(options.yes, "parley topic delete-group",
                    "Delete group " + options.group + " of " + options.topic + ", its place and its dead letters?"))
    return 2;
  const auto client = PullClient::open(options);
  if (!client) return 2;
  const auto done =
      client->call<api::Empty>("/parley.Topics/DeleteGroup",
                               api::DeleteGroupRequest{.topic = options.topic, .group = options.group}, brokers_time);
  if (!done) return client->failed(done.error());
  if (options.json) {
    std::printf("{}\n");
  } else {
    std::printf("%s has no group %s any more\n", options.topic.c_str(), options.group.c_str());
  }
  return 0;
}

}  // namespace parley::cli
