#pragma once

#include <cstdint>

#include "base/deadline.h"

namespace parley::edge {

struct DeliveryEdgeOptions {
  int shard = 0;  // which one of `shards`: each delivers its share
  int shards = 1;
  std::uint64_t seed = 1;                            // of the jitter
  Duration lease_wait = std::chrono::seconds(5);     // one long poll
  Duration broker_pause = std::chrono::seconds(5);   // at most, between two asks of a broker that fails
  Duration service_pause = std::chrono::seconds(5);  // at most, while a service cannot be reached
};

// Shard `index`'s part of `in_flight`: the parts of all shards sum up to it. What cannot be divided goes to the shards
// from `turn` on, so that not every source's rest lands on the first one.
constexpr int share_of(int in_flight, int index, int shards, std::size_t turn) {
  const int rest = in_flight % shards;
  const int place = (index + static_cast<int>(turn % static_cast<std::size_t>(shards))) % shards;
  return in_flight / shards + (place < rest ? 1 : 0);
}

}  // namespace parley::edge
