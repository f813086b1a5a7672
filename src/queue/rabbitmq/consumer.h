// Consumer: the link that takes messages from queues and settles them, for all shards of the process: one channel a
// queue. It consumes a queue only while somebody asks for its messages, with a prefetch that grows with what is asked.
//
// How a settlement is carried out (docs/formats/delivery-rabbitmq.md says what that promises):
//   done      acknowledged
//   release   kept, for the next who asks; given back to RabbitMQ when nobody does
//   dead      published to NAME.dead; acknowledged once that is confirmed
//   retry     published again, by the delay queues if it takes long; acknowledged once that is confirmed. Keyed: kept
//             here unacknowledged, in its place, until its time has come, with a record of its attempts
// A lease that ends is a retry without delay, or dead if that was the last attempt. If the connection breaks, all
// leases are lost.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "queue/rabbitmq/answer.h"
#include "queue/rabbitmq/attempts.h"
#include "queue/rabbitmq/holdings.h"
#include "queue/rabbitmq/link.h"
#include "queue/rabbitmq/publisher.h"

namespace parley::queue::rabbitmq {

class Consumer final : public Link {
 public:
  // `publisher`, `attempts` and `clock` outlive it.
  Consumer(Address address, std::string purpose, Publisher& publisher, Attempts& attempts, const WallClock& clock);
  ~Consumer() override;

  // Any thread.
  void declare(const queue::Consumer& consumer, Duration ttl);
  void lease(LeaseRequest request, const std::shared_ptr<Answer<std::vector<Delivery>>>& answer);
  void extend(Source source, std::string lease, Duration by, const std::shared_ptr<Answer<void>>& answer);
  void settle(Source source, std::string lease, Settlement how, const std::shared_ptr<Answer<void>>& answer);

  // For threads that may wait.
  struct Here {
    std::uint64_t waiting = 0;
    std::uint64_t leased = 0;
    std::uint64_t delayed = 0;
    std::optional<WallTime> oldest;
  };
  Here here(const Source& source);
  // Takes a keyed queue's messages here for a moment without handing them out: RabbitMQ lets only its one consumer see
  // them. Waits until they are here.
  void look(const Source& source);
  std::vector<Peeked> peek(const Source& source, Shelf shelf);
  // Acknowledges what waits here or is on its way here. Returns how many.
  std::uint64_t purge(const Source& source);
  // Takes nothing of it any more, and forgets what waits here. Or says who of this process takes from it.
  std::string leave(const Source& source);
  // Looks again whether it is paused; gives back what waits.
  void pause(const Source& source, bool paused);

 private:
  struct Waiter {
    LeaseRequest request;
    std::shared_ptr<Answer<std::vector<Delivery>>> answer;
  };
  // One queue that is consumed.
  struct Tap {
    explicit Tap(queue::Consumer c, std::string lease_prefix)
        : consumer(std::move(c)), holdings(consumer.keyed, std::move(lease_prefix)) {}
    queue::Consumer consumer;
    Source source;
    Duration ttl{};
    int channel = 0;
    bool has_channel = false;
    std::string tag;  // "": not consuming
    int generation = 0;
    int prefetch = 0;
    bool paused = false;
    bool giving_back = false;
    Instant look_again{};  // whether it is paused; or after an error
    Instant wanted{};      // somebody asked
    Instant look_until{};  // somebody wants to see its messages
    Instant records_read{};
    Holdings holdings;
    std::deque<Waiter> waiters;
  };

  Result<void> opened(Connection& connection) override;
  void method(Connection& connection, int channel, const amqp_method_t& method) override;
  void lost(const Error& why) override;
  Instant turn(Instant now) override;
  void stopping() override;

  Tap& tap(const Source& source);
  Tap* tap_of(int channel);
  Held* leased(const Source& source, const std::string& lease);
  template <class T>
  T ask(std::function<T()> what);

  void deliver(Connection& connection, Tap& tap, const amqp_basic_deliver_t& what);
  void read_records(Connection& connection, Tap& tap);
  AttemptKey key_of(const Tap& tap, const Held& held) const;
  // What is to be known of it if it comes again without having been handed out.
  static AttemptNote untouched(const Held& held);
  void detach(Tap& tap);

  void begin(Connection& connection, Tap& tap, Instant now);
  void end(Connection& connection, Tap& tap);
  void leave(Tap& tap);
  // A queue's one consumer must not go while messages are leased: the next one would hand out their followers.
  static bool may_end(const Tap& tap) { return !tap.consumer.keyed || tap.holdings.leased_count() == 0; }
  void upkeep(Tap& tap, Instant now);
  void serve(Tap& tap, Instant now);
  // Gives them to who asked. What may have been in somebody's hands before is written down first as if this time
  // nothing will be heard of it: else one that kills each node that takes it would be handed out for ever.
  void hand_out(Tap& tap, std::vector<Delivery> deliveries, const Waiter& to);
  void written(const Source& source, std::uint64_t epoch, std::vector<Delivery> deliveries, const Waiter& to,
               const Result<void>& result);
  static int most_attempts(const Tap& tap) { return std::max(1, tap.consumer.retry.attempts); }
  void end_lease(Tap& tap, Held& held, Instant now);
  // RabbitMQ wants each message acknowledged within its consumer_timeout: what waits here goes back, all of it and in
  // order, to come again.
  void refresh(Tap& tap, Instant now);
  void sweep(Tap& tap, Instant now);
  // Untouched messages go back to the queue, after a record of their attempts.
  void give_back(Tap& tap);
  void fail_waiters(Tap& tap, const Error& why);

  void settle_now(const Source& source, const std::string& lease, const Settlement& how,
                  const std::shared_ptr<Answer<void>>& answer);
  // Stays here, in its place, as long as `delay`.
  void retry_keyed(Tap& tap, Held& held, Duration delay, std::shared_ptr<Answer<void>> answer);
  // Publishes its successor, then acknowledges it.
  void replace(Tap& tap, Held& held, std::string to_exchange, std::string to_key, Envelope successor,
               std::shared_ptr<Answer<void>> answer);
  // Publishes something, and does `then` with the message once that is confirmed and if it is still here.
  void publish_then(std::string exchange, std::string key, Envelope message, Tap& tap, Held& held,
                    std::shared_ptr<Answer<void>> answer, std::function<void(Tap&, Held&)> then);
  void published(const Source& source, std::uint64_t order, std::uint64_t epoch, const Result<void>& result,
                 const std::shared_ptr<Answer<void>>& answer, const std::function<void(Tap&, Held&)>& then);
  void retry_later(Tap& tap, Held& held, WallTime due, std::int64_t finished,
                   const std::shared_ptr<Answer<void>>& answer);
  void bury(Tap& tap, Held& held, const std::string& reason, const std::shared_ptr<Answer<void>>& answer);

  Publisher& publisher_;
  Attempts& attempts_;
  const WallClock& clock_;
  const std::string lease_prefix_;
  std::uint64_t epoch_ = 0;  // of the connection
  int next_channel_ = 2;
  int next_tag_ = 1;
  std::map<std::string, std::unique_ptr<Tap>> taps_;  // by the queue's name
};

// Where a message waits that is due in `delay`: the exchange of a delay queue, or "" (then it is published to its queue
// at once, and held there for the rest).
std::string delay_exchange(Duration delay);

}  // namespace parley::queue::rabbitmq
