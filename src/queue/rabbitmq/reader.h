// Reader: the link that reads topics' logs, which are RabbitMQ streams: one consumer on a channel of its own for each
// reader, kept while it goes on where it stopped, so that following a topic costs one consumer and no polling.
// Positions are stream offsets, in decimal.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "queue/broker.h"
#include "queue/rabbitmq/link.h"

namespace parley::queue::rabbitmq {

// A position that only we use: somewhere shortly before the end.
inline const Position last_chunk = "last";

class Reader final : public Link {
 public:
  using Done = std::function<void(Result<Events>)>;
  Reader(Address address, std::string purpose);
  ~Reader() override;

  // Any thread; `done` is called once, on the reader's. `wanted()` false: nobody waits any more. Our marks in the log
  // are left out unless `fences`.
  void read(ReadRequest request, std::function<bool()> wanted, Done done, bool fences = false);

 private:
  struct Cursor {
    int channel = 0;
    std::string topic;
    std::string tag;
    Position next;  // behind what was handed out; what finds it again
    bool fences = false;
    std::int64_t first = 0;  // the first offset to hand out: RabbitMQ begins at the chunk that it is in
    std::optional<WallTime> from_time;
    std::deque<std::pair<std::uint64_t, Event>> events;  // with delivery tags
    std::uint64_t passed = 0;                            // the last delivery tag that nobody needs to see
    Position passed_position;
    std::optional<ReadRequest> request;
    std::function<bool()> wanted;
    Done done;
    Instant idle_since{};
  };

  Result<void> opened(Connection& connection) override;
  void method(Connection& connection, int channel, const amqp_method_t& method) override;
  void lost(const Error& why) override;
  Instant turn(Instant now) override;
  void stopping() override;

  Cursor* find(const ReadRequest& request, bool fences);
  void begin(ReadRequest request, std::function<bool()> wanted, Done done, bool fences);
  void deliver(Connection& connection, Cursor& cursor, std::uint64_t tag);
  void serve(Cursor& cursor, Instant now);
  void drop(int channel);

  std::map<int, std::unique_ptr<Cursor>> cursors_;  // by channel
  int next_channel_ = 1;
};

}  // namespace parley::queue::rabbitmq
