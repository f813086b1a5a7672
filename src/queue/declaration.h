// What a contract and parley.yaml ask of the queues and topics of a node; docs/formats/delivery.md has the meaning of
// each. The node gives it to its broker before anything is published; a backend that cannot honour a declaration says
// so then, with the reason.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"

namespace parley::queue {

// What happens when a handler fails; (parley.queue).retry.
struct RetryPolicy {
  int attempts = 8;  // at most; then to the dead letters
  Duration first = std::chrono::seconds(1);
  Duration max = std::chrono::minutes(10);
  std::vector<Code> fatal;      // to the dead letters at once
  bool followers_wait = false;  // keyed: while a dead letter of their key is there

  bool operator==(const RetryPolicy&) const = default;
};

// Who takes messages, and how: a queue's one group (`group` is ""), or a group of a topic.
struct Consumer {
  std::string name;    // the queue's or topic's
  std::string group;   // "" for a queue
  bool keyed = false;  // messages of one key one at a time, in order
  Duration lease = std::chrono::seconds(30);
  int in_flight = 64;          // leased at the same time, at most, over the whole node
  bool from_earliest = false;  // where a new group begins
  RetryPolicy retry;

  bool operator==(const Consumer&) const = default;
};

struct QueueDeclaration {
  Consumer consumer;
  Duration dedup_window{};  // zero: none
  Duration ttl{};           // zero: for ever

  bool operator==(const QueueDeclaration&) const = default;
};

struct TopicDeclaration {
  std::string name;
  bool keyed = false;                          // an event type of it has a key
  std::vector<Consumer> groups;                // of this node's contract; others may come by the pull API
  Duration keep = std::chrono::hours(24 * 7);  // retention; zero: for ever
  Duration dedup_window{};                     // of CloudEvents' source and id; zero: none

  bool operator==(const TopicDeclaration&) const = default;
};

struct Declarations {
  std::vector<QueueDeclaration> queues;  // named after their rpc: "shop.Mailer/SendMail"
  std::vector<TopicDeclaration> topics;

  bool operator==(const Declarations&) const = default;
};

}  // namespace parley::queue
