// Bus: one way of publishing messages and taking them again: what parley_messages drives. A publisher stamps each
// message with the time at which it was due (lines.h); a handler reads it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../load/client.h"

namespace parley::bench {

struct BusOptions {
  std::string kind;            // "parley", "rabbitmq", "nats", "postgres", "kafka"
  int port = 0;                // of the broker
  std::string socket;          // PostgreSQL: the folder of its socket
  std::string name = "bench";  // of the queue
  int handler_port = 0;        // Parley: where the handler listens
  bool stream = false;         // Parley: producers keep a stream open
  int producers = 1;
  int depth = 1;  // messages that a producer has in flight
  std::size_t bytes = 1024;
  bool publishing = true;
  bool handling = false;
};

struct BusCounts {
  std::uint64_t confirmed = 0;
  std::uint64_t handled = 0;
  std::vector<float> confirm_us;  // from when a message was due until it was durable
  std::vector<float> handle_us;   // until its handler had it
};

class Bus {
 public:
  explicit Bus(const BusOptions& options)
      : options_(options), in_flight_(static_cast<std::size_t>(options.producers)) {}
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  virtual ~Bus() = default;

  virtual bool free(int producer) const { return in_flight_[static_cast<std::size_t>(producer)] < options_.depth; }
  // One message; `free(producer)`.
  virtual void publish(int producer, Instant due) = 0;
  // Sends what is to be sent, and waits at most so long for something to come. Throws when the broker is lost.
  virtual void poll(int wait_ms) = 0;

  BusCounts counts;

 protected:
  void published(int producer) { ++in_flight_[static_cast<std::size_t>(producer)]; }
  void confirmed(int producer, Instant due);
  void handled(std::string_view payload);
  // The payload of a message that is due then; valid until the next call.
  std::string_view stamped(Instant due);

  const BusOptions& options_;

 private:
  std::vector<int> in_flight_;
  std::string payload_;
};

std::unique_ptr<Bus> parley_bus(const BusOptions& options);
std::unique_ptr<Bus> rabbitmq_bus(const BusOptions& options);
std::unique_ptr<Bus> nats_bus(const BusOptions& options);
std::unique_ptr<Bus> postgres_bus(const BusOptions& options);
std::unique_ptr<Bus> kafka_bus(const BusOptions& options);

}  // namespace parley::bench
