// Channel: a queue of ours as one shard talks to it: the queue of SQS with the two beside it, and what is the same for
// whoever uses them. Owned by its broker.
#pragma once

#include <map>

#include "queue/broker.h"
#include "queue/sqs/directory.h"
#include "queue/sqs/ledger.h"
#include "queue/sqs/part.h"

namespace parley::queue::sqs {

class Channel {
 public:
  Channel(Workbench& bench, Ledger& ledger, const WallClock& clock, PlacePtr place);

  const Place& place() const { return *place_; }
  // Declared again: other options, the same queues.
  void update(PlacePtr place) { place_ = std::move(place); }
  Part& main() { return main_; }
  Part& dead() { return dead_; }
  Part& later() { return later_; }

  // To the queue itself. `dedup`: "" for a message that is like no other. `is_new`: as Part::Send has it.
  Task<Result<std::string>> enqueue(const Envelope& envelope, std::string dedup = {}, bool is_new = false);
  // To the dead letters, and away from where it was.
  Task<Result<void>> bury(Envelope envelope, int attempts, std::string reason, std::string receipt);
  // Deliverable again at once, without having counted as an attempt.
  Task<Result<void>> put_back(Envelope envelope, int attempt, std::string message_id, std::string receipt);

  // The same for what nobody has seen.
  Task<void> put_back_all(std::vector<Received> received);

  // As a delivery under a lease of `hidden` from now on; nothing for one that has expired, which is buried.
  Task<std::optional<Delivery>> hand_out(Received received, Duration hidden);
  // Which attempt it is, this receive included.
  int attempt_of(const Received& received, const Envelope& envelope) const;

  // Somebody looks at what waits, which SQS counts as receives: written down, for whoever decides by that count.
  Task<Result<void>> note_look();

  Task<Result<bool>> is_paused();
  Task<Result<void>> pause(bool paused);

  // Moves what falls due from NAME-later into the queue, until the broker is being closed.
  Task<void> move_due();

 private:
  Task<Result<void>> move_one(Received received);
  // How often it was in somebody's hands before at least, where that is as often as it may be; else nothing. Where SQS
  // does not answer, nothing can be said: then it must not be handed out.
  Task<Result<std::optional<int>>> used_up(const Received& received, const Envelope& envelope);
  Task<Result<std::map<std::string, std::string>>> tags();
  WallTime now() const { return clock_.now(); }

  Workbench& bench_;
  Ledger& ledger_;
  const WallClock& clock_;
  PlacePtr place_;
  Part main_;
  Part dead_;
  Part later_;
};

}  // namespace parley::queue::sqs
