// What (parley.queue), (parley.subscribe) and (parley.event) say, with their defaults filled in.
#pragma once

#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "contract/scalar_path.h"

namespace parley::contract {

// What happens when a handler fails.
struct RetryOptions {
  int attempts = 8;
  Duration first = std::chrono::seconds(1);
  Duration max = std::chrono::minutes(10);
  std::vector<Code> fatal;
  bool followers_wait = false;  // of a dead letter's key

  bool operator==(const RetryOptions&) const = default;
};

// How whoever carries out the rpc is called.
struct DeliveryOptions {
  RetryOptions retry;
  Duration lease = std::chrono::seconds(30);
  Duration timeout = std::chrono::minutes(30);  // of one attempt
  int in_flight = 64;                           // over the whole node

  bool operator==(const DeliveryOptions&) const = default;
};

struct QueueOptions {
  DeliveryOptions delivery;
  std::string key_path;    // as written; "": none
  std::string dedup_path;  // the same
  ScalarPath key;          // of the request; bound to the contract's tables
  ScalarPath dedup;
  Duration dedup_window{};  // zero: none
  Duration ttl{};           // zero: for ever
};

struct SubscribeOptions {
  DeliveryOptions delivery;
  std::string topic;  // of the request's type
  std::string group;
  bool from_earliest = false;
};

// A message with (parley.event).
struct EventType {
  std::string type;  // "shop.OrderPlaced"
  std::string topic;
  std::string key_path;
  ScalarPath key;
  Duration keep = std::chrono::hours(24 * 7);  // zero: for ever
  const MessageTable* table = nullptr;
};

}  // namespace parley::contract
