// Ledger: what the shards' brokers of one process know together and SQS does not tell: which leases are out and until
// when, receives that are no attempts, who published what lately, what is paused. Thread-safe. None of it is needed to
// keep a message: after a restart SQS' own word counts (docs/formats/delivery-sqs.md says what that changes).
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/deadline.h"
#include "queue/sqs/envelope.h"

namespace parley::queue::sqs {

// A message in somebody's hands. Handed out whole, so that dead letters and releases need not ask SQS for it.
struct Lease {
  std::string queue;  // our name of it
  std::string receipt;
  std::string message_id;
  Envelope envelope = {};
  int attempt = 1;
  Instant until{};
  Instant received{};

  // How long from `now` SQS still hides the message: 12 hours from its receipt in all. Less a minute, since the answer
  // was on its way.
  Duration may_hide(Instant now) const;
};

class Ledger {
 public:
  Ledger();

  // ---- leases, by the token that a Delivery carries

  std::string lend(std::shared_ptr<const Lease> lease, Instant now);
  struct Found {
    std::shared_ptr<const Lease> lease;  // null: lost, or another process' (then `receipt` is set)
    std::string receipt;
  };
  Found find(std::string_view token, Instant now) const;
  void extend(std::string_view token, Instant until);
  // Who may settle it: false for all but one at a time. It is given back where settling failed.
  bool take(std::string_view token);
  void give_back(std::string_view token);
  void forget(std::string_view token);

  // Of this process, by queue: messages that are leased.
  std::size_t leased(const std::string& queue, Instant now) const;

  // Somebody of this process waits for a queue's messages, while this lives.
  class Waiting {
   public:
    Waiting(Ledger& ledger, std::string queue);
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting();

   private:
    Ledger& ledger_;
    const std::string queue_;
  };
  bool is_waited_for(const std::string& queue) const;

  // The queue is deleted.
  void forget_queue(const std::string& queue);

  // ---- receives of a message (by SQS' id) that are no attempts: peeks, releases of FIFO queues

  void not_counted(const std::string& message_id);
  int not_counted_of(const std::string& message_id) const;

  // ---- deduplication: SQS says neither that it knew a message nor by what id

  struct First {
    std::string id;
    std::string message_id;  // SQS'
  };
  // The first publish of that key, where this one got the same SQS id; remembers it where there is none.
  std::optional<First> first_of(const std::string& dedup_key, First own, Instant now);

  // ---- pauses, by queue

  // Nothing: ask SQS again.
  std::optional<bool> paused(const std::string& queue, Instant now) const;
  void set_paused(const std::string& queue, bool paused, Instant until);

  // ---- who moves what falls due, by queue: one shard of the process

  bool claim_mover(const std::string& queue);
  void leave_mover(const std::string& queue);

 private:
  struct Lent {
    std::shared_ptr<const Lease> lease;
    Instant until;
    bool taken = false;
  };
  struct Remembered {
    First first;
    Instant until;
  };
  struct Pause {
    bool paused = false;
    Instant until;
  };
  void sweep(Instant now);

  const std::string process_;  // begins every token
  mutable std::mutex lock_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::string, Lent> leases_;
  std::unordered_map<std::string, int> not_counted_;
  std::unordered_map<std::string, Remembered> published_;
  std::map<std::string, Pause> pauses_;
  std::set<std::string> movers_;
  std::map<std::string, int> waiting_;
  Instant swept_{};
};

}  // namespace parley::queue::sqs
