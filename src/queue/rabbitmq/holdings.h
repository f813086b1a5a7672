// Holdings: the messages of one queue that RabbitMQ has handed to this process and that are not acknowledged: those
// that wait to be leased, in the order of their arrival, and those that are leased. No io, no thread of its own.
//
// Keyed: a message is eligible only if no message of its key is leased, on its way back to us, or before it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "queue/broker.h"
#include "queue/rabbitmq/envelope.h"

namespace parley::queue::rabbitmq {

struct Held {
  std::uint64_t order = 0;  // of arrival; kept when it goes back to RabbitMQ only to come again
  std::uint64_t tag = 0;    // RabbitMQ's delivery tag
  int generation = 0;       // of the consumer that it came by
  Envelope envelope;
  Message message;
  std::int64_t finished = 0;  // attempts that have ended
  bool used_up = false;       // those were all it may have, and nobody settled the last one
  std::optional<WallTime> expires;
  std::optional<Error> malformed;
  Instant arrived{};
  Instant ready{};    // not before
  std::string lease;  // "": waits
  Instant lease_ends{};
  bool settling = false;  // its settlement is on the way: nothing else may happen to it
  Instant again{};        // what time does to it waits until then: it failed a moment ago
};

class Holdings {
 public:
  Holdings(bool keyed, std::string lease_prefix) : keyed_(keyed), prefix_(std::move(lease_prefix)) {}

  // One that comes back (see `send_back`) takes its old place, and waits as it was told to.
  void add(std::unique_ptr<Held> message);
  // Leases what is eligible.
  std::vector<Delivery> take(Instant now, const LeaseRequest& how, int at_most);

  // Null if that lease is not there (any more).
  Held* leased(const std::string& lease);
  // Null if there is no such message, or nothing of it is on the way.
  Held* settling(std::uint64_t order);
  // It waits again, in its place.
  void release(Held& message);
  // An attempt has ended; it waits again, in its place, until `ready`.
  void retry(Held& message, Instant ready);
  // It is gone: acknowledged.
  void remove(Held& message);
  // It goes back to RabbitMQ, which will deliver it again, to us if keyed; its key is blocked until then, and it until
  // `ready`. Ends the Held.
  void send_back(Held& message, Instant ready, Instant now);
  // Those that have not come back for so long that they never will (expired on the way, purged) block no key.
  void forget_comebacks(Instant before);
  // The connection broke, or the consumer ended: nothing comes back by itself, nothing is ours any more.
  void clear();

  template <class Visit>
  void each(Visit visit) {
    for (auto& [order, held] : all_) visit(*held);
  }
  std::size_t size() const { return all_.size(); }
  std::size_t leased_count() const { return leases_.size(); }
  std::size_t count_of(int generation) const;
  // When something changes by itself: a lease ends, a message is ready.
  Instant next_change(Instant now) const;

 private:
  bool is_blocked(const Held& message) const {
    return keyed_ && !message.message.key.empty() && busy_.contains(message.message.key);
  }
  Delivery lease_out(Held& message, Instant until);
  void leave_key(const Held& message);

  struct Comeback {
    std::uint64_t order;
    std::string key;
    Instant ready;
    Instant since;
  };
  bool keyed_;
  std::string prefix_;
  std::uint64_t next_order_ = 1;
  std::uint64_t next_lease_ = 1;
  std::map<std::uint64_t, std::unique_ptr<Held>> all_;
  std::unordered_map<std::string, Held*> leases_;
  std::multiset<std::string> busy_;                 // keys
  std::multimap<std::string, Comeback> comebacks_;  // by message id
};

// Errors that both halves of the consumer give.
Error lease_lost();
inline constexpr std::string_view expired_reason =
    "DEADLINE_EXCEEDED (expired): it waited longer than its time to live";

// What a position of a queue's message is here: its id; a digest of an id that does not do as a position.
Position position_of(const std::string& id);

}  // namespace parley::queue::rabbitmq
