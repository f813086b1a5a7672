// A client of librdkafka, made and ended; what all clients of a process share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "base/error.h"
#include "queue/kafka/settings.h"

namespace parley::queue::kafka {

// The servers, as this process reaches them. Outlives every client. Thread-safe.
struct Cluster {
  explicit Cluster(Settings s) : settings(std::move(s)) {}
  const Settings settings;
  // They refuse our credentials: time-outs say so. Off again with the first answer.
  std::atomic<bool> refuses_us{false};
  // The process ends: no answer is waited for any more.
  std::atomic<bool> closing{false};

  // What `error` means, given what is known: a time-out where nobody lets us in is `unauthenticated`.
  Error explain(rd_kafka_resp_err_t error, std::string_view doing) const;
};

struct ClientOption {
  const char* name;
  std::string value;
};
struct ClientCallbacks {  // each gets the ClientContext as its last argument
  void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*) = nullptr;
  void (*rebalance)(rd_kafka_t*, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*, void*) = nullptr;
  void (*committed)(rd_kafka_t*, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*, void*) = nullptr;
};

using Client = std::shared_ptr<rd_kafka_t>;
// What callbacks find their way by; outlives the client. Derive from it to add to it.
struct ClientContext {
  Cluster* cluster;
};
// Does not wait for a connection. Errors: failed_precondition (no such CA file, …).
Result<Client> make_client(rd_kafka_type_t kind, ClientContext& context, const std::vector<ClientOption>& options,
                           const ClientCallbacks& callbacks);

// A list of partitions, owned.
struct PartitionsEnd {
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionsEnd>;
inline Partitions make_partitions(int room = 8) { return Partitions(rd_kafka_topic_partition_list_new(room)); }

// Asks for the first offset at or after `time` (milliseconds since 1970, or RD_KAFKA_OFFSET_BEGINNING or _END) of each
// partition; those that have none get a negative one. librdkafka's question for both ends of a partition is not used:
// up to 2.11 it asks a server that does not answer for ever, whatever its time-out (its pull requests 4460 and 5201).
rd_kafka_resp_err_t ask_offsets(rd_kafka_t* client, rd_kafka_topic_partition_list_t& partitions, std::int64_t time,
                                int timeout_ms);

inline int to_ms(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

}  // namespace parley::queue::kafka
