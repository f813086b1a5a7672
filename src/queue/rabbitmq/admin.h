// Admin: the link for everything that is asked and answered one at a time: declaring, counting, looking into queues,
// redriving, pausing, checkpoints. Its methods block their caller, which is a thread of its own.
#pragma once

#include <future>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queue/broker.h"
#include "queue/rabbitmq/attempts.h"
#include "queue/rabbitmq/consumer.h"
#include "queue/rabbitmq/link.h"
#include "queue/rabbitmq/publisher.h"
#include "queue/rabbitmq/reader.h"

namespace parley::queue::rabbitmq {

// An entry of the catalogue: a queue (both others ""), a topic, a group of a topic.
struct Known {
  enum class Kind : std::uint8_t { queue, topic, group };
  Kind kind = Kind::queue;
  std::string name;
  std::string group;
  bool operator==(const Known&) const = default;
};

class Admin final : public Link {
 public:
  // The others outlive it.
  struct Others {
    Publisher& publisher;
    Consumer& consumer;
    Reader& reader;
    Attempts& attempts;
    const WallClock& clock;
  };
  Admin(Address address, std::string purpose, Others others);
  ~Admin() override;

  // From here on: on the link's thread, by `post`.
  Result<void> declare(const Declarations& wanted);
  Result<std::vector<Known>> list();
  Result<Stats> stats(const Source& source);
  Result<std::vector<Peeked>> peek(const PeekRequest& request);
  Result<std::uint64_t> redrive(const Source& source, const std::vector<Position>& which);
  Result<std::uint64_t> purge(const Source& source, Shelf shelf);
  Result<void> pause(const Source& source, bool paused);
  Result<void> commit(const Source& source, const From& to);
  Result<Position> checkpoint(const Source& source);
  Result<void> delete_group(const Source& group);
  // Of the last event of the topic's log; "" if there is none.
  Result<Position> end_of_log(const std::string& topic);

 private:
  Result<void> opened(Connection& connection) override;
  void method(Connection&, int, const amqp_method_t&) override {}
  void lost(const Error&) override {}
  Instant turn(Instant now) override;
  void stopping() override {}

  Result<Connection*> connected();
  Result<void> declare_delays(Connection& c);
  Result<void> declare_source(Connection& c, const queue::Consumer& consumer);
  Result<void> declare_topic(Connection& c, const TopicDeclaration& topic);
  Result<void> declare_group(Connection& c, const queue::Consumer& group);
  Result<void> note(Connection& c, std::vector<Known>& known, const Known& entry);
  // The catalogue's entry goes.
  Result<void> forget(Connection& c, const Known& entry);
  Result<bool> has_group(Connection& c, const Source& group);
  Result<void> delete_queues(Connection& c, const Source& group);
  // What is in the delay queues for a group that is gone is still to come, and RabbitMQ would hold up all others behind
  // a message without a queue to go to: one that drops whatever comes stands in for the group's until then.
  Result<void> put_sink(Connection& c, const Source& group);
  Result<void> remove_sink(Connection& c, const Source& group);
  // Gives a group's queue the topic's events from there on, then binds it.
  Result<void> fill(Connection& c, const Source& group, const From& from);
  // Its second half: the queue is empty and not bound.
  Result<void> refill(Connection& c, const Source& group, const From& from);
  Result<std::string> put_fence(const std::string& topic);
  // Copies to the group's queue until that mark. Returns the mark's position.
  Result<Position> copy(const Source& group, From from, const std::string& fence);
  Result<Events> read(const ReadRequest& request);
  Result<std::uint32_t> count(const Source& source, const std::string& queue);
  Result<bool> exists(Connection& c, const std::string& queue);
  Result<Position> resolve(const std::string& topic, const From& from);
  std::future<Result<void>> publish_later(const std::string& queue, Envelope message);
  static std::string random_name();

  Others others_;
  // Groups that are being filled, or were not to the end: whatever became of that, they get events again.
  std::set<std::pair<std::string, std::string>> unbound_;
  const std::string run_;  // makes our fences' ids unique
  int fences_ = 0;
};

// What RabbitMQ cannot do of this, a line each; "" if it can do all.
std::string refusals(const Declarations& wanted, const Address& address);

}  // namespace parley::queue::rabbitmq
