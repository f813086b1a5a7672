// Intake: takes messages from one queue or one group of a topic, and has them handled. It leases as many as it may have
// in flight, calls the rpc for each, keeps their leases while handlers work, and settles them by the status.
//
// One a source and shard, owned by Deliveries; used on the shard only.
#pragma once

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "call/handler.h"
#include "edge/deliveries/options.h"
#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task_group.h"
#include "loop/timer.h"
#include "queue/broker.h"
#include "queue/declaration.h"

namespace parley::edge::deliveries {

// The rpc that takes messages of its request's type.
struct Receiver {
  contract::ContractPtr contract;
  const contract::Method* method = nullptr;
  HandlerPtr handler;
  queue::RetryPolicy retry;
  Duration timeout{};
};
using ReceiverPtr = std::shared_ptr<const Receiver>;

struct IntakeConfig {
  queue::Source source;
  Duration lease{};
  int in_flight = 0;  // this shard's share
  std::vector<ReceiverPtr> receivers;
};

// How deliveries ended.
enum class Outcome : std::uint8_t {
  done,
  skipped,     // done too: of a type that nobody in this group takes
  retry,       // failed, and comes again
  dead,        // to the dead letters
  released,    // given back without an attempt: the service could not be reached, or Parley stops
  lease_lost,  // somebody else may have it
  unsettled,   // the broker could not be told: it comes again when its lease has run out
};
inline constexpr int outcome_count = 7;
std::string_view name(Outcome outcome);

struct IntakeMetrics {
  queue::Source source;
  std::array<std::uint64_t, outcome_count> ended{};
  std::int64_t in_flight = 0;
};

class Intake {
 public:
  // All outlive it.
  Intake(Shard& shard, queue::Broker& broker, IntakeConfig config, const DeliveryEdgeOptions& options,
         IntakeMetrics& metrics);
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  const queue::Source& source() const { return config_.source; }
  // Of a newer contract; deliveries under way keep what they began with.
  void update(IntakeConfig config);
  void start() { tasks_.spawn(lease_loop()); }
  // Leases no more; what comes of the lease under way is released.
  void stop();
  // After `stop`: ends the handlers' calls; their messages are released, which is no attempt.
  void give_back();
  // After `stop`: nothing is in flight any more.
  bool is_idle() const { return tasks_.live() == 0; }
  Task<void> ended() { return tasks_.join(); }

 private:
  // One message in our hands.
  struct Held {
    queue::Delivery delivery;
    Duration lease{};
    Instant since{};  // of its lease, or of the last time that it was extended
    std::size_t place = 0;
    Call* call = nullptr;  // while its handler runs
    bool extending = false;
    bool settling = false;
    bool lost = false;  // the lease
    bool given_back = false;
    bool is_trial = false;  // taken to see whether the service is there again
  };
  using HeldPtr = std::shared_ptr<Held>;
  struct Ending {
    Outcome outcome = Outcome::done;
    queue::Settlement how;
  };

  Task<void> lease_loop();
  int room() const;
  Task<void> wait_until(Instant when);
  void take(std::vector<queue::Delivery> deliveries, Duration lease);
  void lease_failed(const Error& why);

  Task<void> deliver(HeldPtr held);
  Task<Ending> handle(Held& held);
  Task<Ending> call(Held& held, ReceiverPtr receiver, Bytes request);
  Ending ending_of(const Held& held, const Call& call, const Receiver& receiver);
  static Ending dead(const Error& why);
  Task<Outcome> settle(Held& held, Ending ending);
  void put_down(const Held& held);
  void tell_dead(const Held& held, const Ending& ending);
  void service_answered();
  void service_unreachable(const Error& why);

  void beat();
  void beat_later();
  Task<void> extend(HeldPtr held);
  void lose(Held& held);

  Shard& shard_;
  queue::Broker& broker_;
  IntakeConfig config_;
  const DeliveryEdgeOptions& options_;
  IntakeMetrics& metrics_;
  std::mt19937_64 random_;
  std::vector<HeldPtr> held_;
  Timer beat_;
  Timer wake_;
  Signal woken_;
  bool stopping_ = false;
  int broker_failures_ = 0;   // in a row
  int service_failures_ = 0;  // in a row: times that calls reached nobody
  Instant paused_until_{};
  Instant told_dead_{};
  int untold_dead_ = 0;
  TaskGroup tasks_;
};

}  // namespace parley::edge::deliveries
