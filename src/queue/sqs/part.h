// Part: one queue of SQS as one shard talks to it. Three of them make a queue of ours (channel.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "queue/sqs/batcher.h"
#include "queue/sqs/client.h"
#include "queue/sqs/envelope.h"

namespace parley::queue::sqs {

// What a broker's parts share; outlives them.
struct Workbench {
  Shard& shard;
  Client& client;
  TaskGroup& tasks;
  const Settings& settings;
  bool draining = false;  // nothing is leased any more
  bool closing = false;   // what waits ends, what is on its way does not
  Signal changed = {};
};

class Part {
 public:
  // `url`: "" for a part that is not there; only its depth is asked for.
  Part(Workbench& bench, std::string url, bool fifo);

  struct Send {
    Duration delay{};   // whole seconds, up to 15 minutes; not for FIFO queues
    std::string group;  // FIFO queues
    std::string dedup;
    bool is_new = false;  // else it is on SQS already and moves: what does not fit beside its body is left out
  };
  // Returns SQS' id of the message. Errors: resource_exhausted "message_too_large".
  Task<Result<std::string>> send(const Envelope& envelope, Send how);

  struct Receive {
    int most = 10;
    Duration wait{};    // for the first; whole seconds, up to 20
    Duration hidden{};  // from everybody else; rounded up to seconds
  };
  Task<Result<std::vector<Received>>> receive(Receive how);

  // Errors: failed_precondition "lease_lost", where SQS says so: of a queue that is not FIFO it may not.
  Task<Result<void>> remove(std::string receipt);
  Task<Result<void>> hide(std::string receipt, Duration how_long);

  // Approximate numbers; nothing where there is no such queue.
  struct Depth {
    std::uint64_t visible = 0;
    std::uint64_t hidden = 0;
    std::uint64_t delayed = 0;
    std::uint64_t all() const { return visible + hidden + delayed; }
  };
  Task<Result<Depth>> depth();

  const std::string& url() const { return url_; }

 private:
  Workbench& bench_;
  const std::string url_;
  const bool fifo_;
  Batcher sends_;
  Batcher deletes_;
  Batcher changes_;
};

// Different at every call.
std::string unique_id();
// Rounded up, and never more than SQS takes for a visibility time-out.
std::int64_t whole_seconds(Duration duration);

}  // namespace parley::queue::sqs
