// Producer: the one of the process. Idempotent, acknowledged by all replicas that are in sync. Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "queue/kafka/client.h"
#include "queue/kafka/record.h"

namespace parley::queue::kafka {

struct Placed {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};

class Producer {
 public:
  // Called once, on the producer's thread; it must not wait.
  using Report = std::function<void(Result<Placed>)>;

  explicit Producer(Cluster& cluster);
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  ~Producer();

  // `partition` -1: by the key as Kafka's own clients do it (murmur2), without one any. Errors in the report:
  // not_found, unavailable (safe to retry where it is known that nothing was written), invalid_argument (too large), ….
  void produce(const std::string& topic, std::int32_t partition, const Record& record, Report report);
  // The same for whoever can wait.
  Result<Placed> produce_and_wait(const std::string& topic, std::int32_t partition, const Record& record);

  // Also what admin requests go through. Errors: the client could not be made.
  Result<Client> client();

 private:
  static void delivered(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque);
  void run();
  Result<Client> make();

  ClientContext context_;
  std::mutex lock_;
  Client client_;
  std::vector<Client> ended_;  // by fatal errors; what they still have to report comes by polling them
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace parley::queue::kafka
