#include "cli/queue_cli.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "cli/queue_commands.h"

namespace parley::cli {
namespace {

void add_node(CLI::App& command, NodeOptions& options) {
  command.add_option("--node", options.node,
                     "the node, such as 127.0.0.1:8080 or https://host:8443; left out: what the "
                     "configuration listens on");
  command.add_option("--config", options.path, "a folder with parley.yaml, or a configuration file")
      ->capture_default_str();
  command.add_flag("--json", options.json, "for programs");
}

CLI::App* add_command(CLI::App& parent, const char* name, const char* what, const char* example) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->footer(std::string("Example:\n  ") + example);
  return command;
}

template <class Options>
void add_source(CLI::App& command, Options& options) {
  command.add_option("queue", options.queue, "the queue, such as shop.Mailer/SendMail, or a topic")->required();
  command.add_option("--group", options.group, "of a topic: the group");
  add_node(command, options);
}

void add_peek(CLI::App& queue, int& exit_code) {
  auto* command = add_command(queue, "peek", "Show messages without taking them",
                              "parley queue peek shop.Mailer/SendMail --shelf dead");
  auto options = std::make_shared<QueuePeekOptions>();
  add_source(*command, *options);
  command->add_option("--shelf", options->shelf, "waiting, leased, delayed or dead")->capture_default_str();
  command->add_option("--after", options->after, "from the one behind this position");
  command->add_option("-n,--count", options->count, "how many")->check(CLI::Range(1, 1000))->capture_default_str();
  command->callback([options, &exit_code] { exit_code = queue_peek(*options); });
}

void add_redrive(CLI::App& queue, int& exit_code) {
  auto* command = add_command(queue, "redrive", "Let dead letters wait again",
                              "parley queue redrive shop.Mailer/SendMail --reason UNAVAILABLE --rate 10");
  auto options = std::make_shared<QueueRedriveOptions>();
  add_source(*command, *options);
  command->add_flag("--all", options->all, "every one");
  command->add_option("--id", options->ids, "the one of this id; may be given again");
  command->add_option("--key", options->key, "those of this key");
  command->add_option("--reason", options->reason, "those whose reason contains this");
  command->add_option("--type", options->type, "those of this type");
  command->add_option("--rate", options->rate, "at most so many a second")->check(CLI::Range(1, 1'000'000));
  command->add_flag("--dry-run", options->dry_run, "only count");
  command->callback([options, &exit_code] { exit_code = queue_redrive(*options); });
}

void add_purge(CLI::App& queue, int& exit_code) {
  auto* command =
      add_command(queue, "purge", "Throw messages away", "parley queue purge shop.Mailer/SendMail --shelf dead --yes");
  auto options = std::make_shared<QueuePurgeOptions>();
  add_source(*command, *options);
  command->add_option("--shelf", options->shelf, "waiting, delayed or dead")->required();
  command->add_flag("-y,--yes", options->yes, "do not ask");
  command->callback([options, &exit_code] { exit_code = queue_purge(*options); });
}

void add_pause(CLI::App& queue, bool paused, int& exit_code) {
  auto* command = paused ? add_command(queue, "pause", "Stop delivering; publishing goes on",
                                       "parley queue pause shop.Mailer/SendMail")
                         : add_command(queue, "resume", "Deliver again", "parley queue resume shop.Mailer/SendMail");
  auto options = std::make_shared<QueueOptions>();
  add_source(*command, *options);
  command->callback([options, paused, &exit_code] { exit_code = queue_pause(*options, paused); });
}

void add_tail(CLI::App& topic, int& exit_code) {
  auto* command =
      add_command(topic, "tail", "Print events as they come", "parley topic tail orders --from earliest -n 10");
  auto options = std::make_shared<TopicTailOptions>();
  command->add_option("topic", options->topic, "the topic")->required();
  command->add_option("--from", options->from, "earliest, latest, an RFC 3339 time, or a position")
      ->capture_default_str();
  command->add_option("--type", options->types, "only events of this type; may be given again");
  command->add_option("--key", options->key, "only events of this key");
  command->add_option("-n,--count", options->count, "end after so many; 0 is never")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_node(*command, *options);
  command->callback([options, &exit_code] { exit_code = topic_tail(*options); });
}

void add_publish(CLI::App& topic, int& exit_code) {
  auto* command = add_command(topic, "publish", "Publish events",
                              "parley topic publish orders --type shop.OrderPlaced '{\"orderId\":\"7\"}'");
  auto options = std::make_shared<TopicPublishOptions>();
  command->add_option("topic", options->topic, "the topic")->required();
  command->add_option("message", options->message, "the event as JSON; - reads one a line from standard input")
      ->required();
  command->add_option("--type", options->type, "the event's type, such as shop.OrderPlaced")->required();
  command->add_option("--id", options->id, "its id; one that is sent again is not stored again");
  command->add_option("--source", options->source, "who publishes it");
  add_node(*command, *options);
  command->callback([options, &exit_code] { exit_code = topic_publish(*options); });
}

void add_seek(CLI::App& topic, int& exit_code) {
  auto* command = add_command(topic, "seek", "Move a group of a topic",
                              "parley topic seek orders mailer --to 2026-01-31T08:00:00Z");
  auto options = std::make_shared<TopicSeekOptions>();
  command->add_option("topic", options->topic, "the topic")->required();
  command->add_option("group", options->group, "the group")->required();
  command->add_option("--to", options->to, "earliest, latest, an RFC 3339 time, or a position")->required();
  command->add_flag("--make", options->make, "make the group if it is not there");
  add_node(*command, *options);
  command->callback([options, &exit_code] { exit_code = topic_seek(*options); });
}

void add_delete_group(CLI::App& topic, int& exit_code) {
  auto* command = add_command(topic, "delete-group", "Delete a group that nobody consumes any more",
                              "parley topic delete-group orders mailer --yes");
  auto options = std::make_shared<TopicDeleteGroupOptions>();
  command->add_option("topic", options->topic, "the topic")->required();
  command->add_option("group", options->group, "the group: its place and its dead letters go, the events stay")
      ->required();
  command->add_flag("-y,--yes", options->yes, "do not ask");
  add_node(*command, *options);
  command->callback([options, &exit_code] { exit_code = topic_delete_group(*options); });
}

}  // namespace

void add_queue(CLI::App& app, int& exit_code) {
  auto* queue = add_command(app, "queue", "Look into the queues of a running node", "parley queue ls");
  queue->require_subcommand(1);
  auto* ls = add_command(*queue, "ls", "List queues and groups with what waits in them",
                         "parley queue ls --node 127.0.0.1:8080");
  auto options = std::make_shared<NodeOptions>();
  add_node(*ls, *options);
  ls->callback([options, &exit_code] { exit_code = queue_ls(*options); });
  add_peek(*queue, exit_code);
  add_redrive(*queue, exit_code);
  add_purge(*queue, exit_code);
  add_pause(*queue, true, exit_code);
  add_pause(*queue, false, exit_code);
}

void add_topic(CLI::App& app, int& exit_code) {
  auto* topic = add_command(app, "topic", "Look into the topics of a running node", "parley topic ls");
  topic->require_subcommand(1);
  auto* ls = add_command(*topic, "ls", "List topics and their groups", "parley topic ls");
  auto options = std::make_shared<NodeOptions>();
  add_node(*ls, *options);
  ls->callback([options, &exit_code] { exit_code = topic_ls(*options); });
  add_tail(*topic, exit_code);
  add_publish(*topic, exit_code);
  add_seek(*topic, exit_code);
  add_delete_group(*topic, exit_code);
}

}  // namespace parley::cli
