// Publisher: the link that publishes, with confirms: a message is RabbitMQ's once every queue that it was routed to
// has synced it. Confirms come out of order and many at once; a message that no queue wanted comes back (basic.return)
// and is confirmed after that all the same.
//
// A connection of its own: RabbitMQ stops reading from those that publish when its disk or memory is low, and
// acknowledgements of handled messages must not wait for that.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "queue/rabbitmq/link.h"

namespace parley::queue::rabbitmq {

struct Outgoing {
  std::string exchange;  // "": to the queue that is called `routing_key`
  std::string routing_key;
  Envelope message;
  // On the publisher's thread, once. Errors: not_found (no queue of that name), unavailable with is_safe_to_retry()
  // where nothing was sent, and without it where it may be durable all the same; deadline_exceeded likewise unknown;
  // resource_exhausted (RabbitMQ is short of disk or memory).
  std::function<void(Result<void>)> done;
  Instant by{};  // when to give up; left out: after 30 seconds
};

class Publisher final : public Link {
 public:
  Publisher(Address address, std::string purpose);
  ~Publisher() override;

  // Any thread. In the order of calls.
  void publish(Outgoing message);
  // The same for threads that may wait.
  Result<void> publish_and_wait(std::string exchange, std::string routing_key, Envelope message);

 private:
  Result<void> opened(Connection& connection) override;
  void method(Connection& connection, int channel, const amqp_method_t& method) override;
  void lost(const Error& why) override;
  Instant turn(Instant now) override;
  void stopping() override;

  void send_waiting(Instant now);
  void confirm(std::uint64_t tag, bool multiple, bool refused);
  void returned(Connection& connection, const amqp_basic_return_t& what);
  void give_up_late(Instant now);

  struct Sent {
    Outgoing message;
    bool came_back = false;
  };
  std::vector<Outgoing> waiting_;          // for a connection
  std::map<std::uint64_t, Sent> unknown_;  // by delivery tag
  std::uint64_t last_tag_ = 0;
  std::string blocked_;  // why RabbitMQ takes nothing at the moment
};

}  // namespace parley::queue::rabbitmq
