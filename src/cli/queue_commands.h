// parley queue and parley topic: each returns the process' exit code (commands.h).
#pragma once

#include <string>
#include <vector>

#include "cli/pull_client.h"

namespace parley::cli {

struct QueueOptions : NodeOptions {
  std::string queue;
  std::string group;
};
struct QueuePeekOptions : QueueOptions {
  std::string shelf = "waiting";
  std::string after;
  int count = 20;
};
struct QueueRedriveOptions : QueueOptions {
  bool all = false;
  std::vector<std::string> ids;
  std::string key, reason, type;
  int rate = 0;
  bool dry_run = false;
};
struct QueuePurgeOptions : QueueOptions {
  std::string shelf;
  bool yes = false;
};
int queue_ls(const NodeOptions& options);
int queue_peek(const QueuePeekOptions& options);
int queue_redrive(const QueueRedriveOptions& options);
int queue_purge(const QueuePurgeOptions& options);
int queue_pause(const QueueOptions& options, bool paused);

struct TopicTailOptions : NodeOptions {
  std::string topic;
  std::string from = "latest";
  std::vector<std::string> types;
  std::string key;
  int count = 0;  // 0: without end
};
struct TopicPublishOptions : NodeOptions {
  std::string topic;
  std::string type;
  std::string message;  // JSON; "-": one a line from standard input
  std::string id;
  std::string source;
};
struct TopicSeekOptions : NodeOptions {
  std::string topic;
  std::string group;
  std::string to;
  bool make = false;  // the group, if it is not there
};
struct TopicDeleteGroupOptions : NodeOptions {
  std::string topic;
  std::string group;
  bool yes = false;
};
int topic_ls(const NodeOptions& options);
int topic_tail(const TopicTailOptions& options);
int topic_publish(const TopicPublishOptions& options);
int topic_seek(const TopicSeekOptions& options);
int topic_delete_group(const TopicDeleteGroupOptions& options);

// Asks at the terminal, unless `yes` says it. Without a terminal nobody can answer: `command` then tells that it
// needs --yes. True: go on.
bool is_confirmed(bool yes, const char* command, const std::string& question);

}  // namespace parley::cli
