// parley queue: what lies in the queues of a running node, and moving it.
#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "cli/queue_commands.h"
#include "cli/table.h"
#include "contract/text_escape.h"

namespace parley::cli {
namespace {

namespace api = queue::api;

// A redrive that is limited lasts as long as it lasts.
constexpr Duration patient = std::chrono::hours(24);

std::optional<api::Shelf> shelf_from(const std::string& text) {
  if (text == "waiting") return api::Shelf::waiting;
  if (text == "leased") return api::Shelf::leased;
  if (text == "delayed") return api::Shelf::delayed;
  if (text == "dead") return api::Shelf::dead;
  return std::nullopt;
}

Cell number(std::uint64_t value, Tone tone = Tone::plain) {
  return {std::to_string(value), value == 0 ? Tone::faint : tone, true};
}

Cell state_of(const api::QueueStats& stats) {
  if (stats.paused) return {"paused", Tone::warning};
  if (stats.held_keys == 0) return {"running"};
  return {std::to_string(stats.held_keys) + (stats.held_keys == 1 ? " key held" : " keys held"), Tone::warning};
}

std::vector<Cell> row_of(const api::QueueStats& stats, WallTime now) {
  return {{stats.queue},
          {stats.group.empty() ? "-" : stats.group},
          number(stats.waiting),
          number(stats.leased),
          number(stats.delayed, Tone::warning),
          number(stats.dead, Tone::bad),
          {stats.oldest_time ? age(*stats.oldest_time, now) : "-", Tone::plain, true},
          state_of(stats)};
}

std::string payload_of(const api::Message& message) {
  std::string json = PullClient::value_json(message.json);
  if (!json.empty()) return json;
  contract::append_json_base64(json, message.payload.view());
  return message.payload.empty() ? "(empty)" : "base64 " + json;
}

std::vector<Cell> row_of(const api::Peeked& peeked, WallTime now) {
  std::string when = peeked.message.time ? age(*peeked.message.time, now) : "-";
  std::string note;
  if (peeked.due_time) note = "due in " + age(*peeked.due_time, now);
  if (!peeked.reason.empty()) note = peeked.reason;
  return {{peeked.position},
          {peeked.message.id},
          {peeked.message.key.empty() ? "-" : peeked.message.key},
          number(static_cast<std::uint64_t>(peeked.attempts)),
          {when, Tone::plain, true},
          {payload_of(peeked.message)},
          {note, peeked.reason.empty() ? Tone::warning : Tone::bad}};
}

int wrong_shelf(const std::string& text, const char* shelves) {
  std::fprintf(stderr, "parley queue: --shelf is %s; found '%s'\n", shelves, text.c_str());
  return 2;
}

}  // namespace

bool is_confirmed(bool yes, const char* command, const std::string& question) {
  if (yes) return true;
  if (isatty(STDIN_FILENO) == 0) {
    std::fprintf(stderr, "%s: without a terminal, --yes says that it is meant\n", command);
    return false;
  }
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  std::string line;
  return std::getline(std::cin, line) && (line == "y" || line == "yes");
}

int queue_ls(const NodeOptions& options) {
  const auto client = PullClient::open(options);
  if (!client) return 2;
  const auto list =
      client->call<api::ListQueuesResponse>("/parley.Queues/List", api::ListQueuesRequest{.groups = true});
  if (!list) return client->failed(list.error());
  if (options.json) {
    client->print_json("parley.ListQueuesResponse", *list);
    return list->failed.empty() ? 0 : 1;
  }
  std::vector<std::vector<Cell>> rows = {{{"QUEUE"},
                                          {"GROUP"},
                                          {"WAITING", {}, true},
                                          {"LEASED", {}, true},
                                          {"DELAYED", {}, true},
                                          {"DEAD", {}, true},
                                          {"OLDEST", {}, true},
                                          {"STATE"}}};
  const WallTime now = WallClock().now();
  for (const api::QueueStats& stats : list->queues) rows.push_back(row_of(stats, now));
  print_table(rows);
  std::printf("kept by: %s\n", list->backend.c_str());
  for (const api::QueueStats& stats : list->queues) {
    std::string names;
    for (const std::string& name : stats.estimated) names.append(names.empty() ? "" : ", ").append(name);
    if (!names.empty()) std::printf("estimated for %s: %s\n", stats.queue.c_str(), names.c_str());
  }
  return client->failed(list->failed);
}

int queue_peek(const QueuePeekOptions& options) {
  const auto shelf = shelf_from(options.shelf);
  if (!shelf) return wrong_shelf(options.shelf, "waiting, leased, delayed or dead");
  const auto client = PullClient::open(options);
  if (!client) return 2;
  const auto peeked =
      client->call<api::PeekResponse>("/parley.Queues/Peek", api::PeekRequest{.queue = options.queue,
                                                                              .group = options.group,
                                                                              .shelf = *shelf,
                                                                              .after = options.after,
                                                                              .max_messages = options.count,
                                                                              .json = true});
  if (!peeked) return client->failed(peeked.error());
  if (options.json) {
    client->print_json("parley.PeekResponse", *peeked);
    return 0;
  }
  std::vector<std::vector<Cell>> rows = {
      {{"POSITION"}, {"ID"}, {"KEY"}, {"ATTEMPTS", {}, true}, {"AGE", {}, true}, {"PAYLOAD"}, {"NOTE"}}};
  const WallTime now = WallClock().now();
  for (const api::Peeked& each : peeked->messages) rows.push_back(row_of(each, now));
  print_table(rows);
  if (!peeked->next.empty()) std::printf("there are more: --after %s\n", peeked->next.c_str());
  return 0;
}

int queue_redrive(const QueueRedriveOptions& options) {
  const auto client = PullClient::open(options);
  if (!client) return 2;
  const auto done = client->call<api::RedriveResponse>("/parley.Queues/Redrive",
                                                       api::RedriveRequest{.queue = options.queue,
                                                                           .group = options.group,
                                                                           .all = options.all,
                                                                           .ids = options.ids,
                                                                           .key = options.key,
                                                                           .reason = options.reason,
                                                                           .type = options.type,
                                                                           .per_second = options.rate,
                                                                           .dry_run = options.dry_run},
                                                       patient);
  if (!done) return client->failed(done.error());
  if (options.json) {
    client->print_json("parley.RedriveResponse", *done);
  } else {
    std::printf("%llu %s\n", static_cast<unsigned long long>(done->count),
                options.dry_run ? "would wait again" : "wait again");
  }
  return 0;
}

int queue_purge(const QueuePurgeOptions& options) {
  const auto shelf = shelf_from(options.shelf);
  if (!shelf || *shelf == api::Shelf::leased) return wrong_shelf(options.shelf, "waiting, delayed or dead");
  if (!is_confirmed(options.yes, "parley queue purge",
                    "Throw away all " + options.shelf + " messages of " + options.queue + "?"))
    return 2;
  const auto client = PullClient::open(options);
  if (!client) return 2;
  const auto done = client->call<api::PurgeResponse>(
      "/parley.Queues/Purge", api::PurgeRequest{.queue = options.queue, .group = options.group, .shelf = shelf},
      patient);
  if (!done) return client->failed(done.error());
  if (options.json) {
    client->print_json("parley.PurgeResponse", *done);
  } else {
    std::printf("%llu thrown away\n", static_cast<unsigned long long>(done->count));
  }
  return 0;
}

int queue_pause(const QueueOptions& options, bool paused) {
  const auto client = PullClient::open(options);
  if (!client) return 2;
  const auto done = client->call<api::Empty>(paused ? "/parley.Queues/Pause" : "/parley.Queues/Resume",
                                             api::QueueRequest{.queue = options.queue, .group = options.group});
  if (!done) return client->failed(done.error());
  if (options.json) {
    std::printf("{}\n");
  } else {
    std::printf("%s %s\n", options.queue.c_str(), paused ? "is paused" : "goes on");
  }
  return 0;
}

}  // namespace parley::cli
