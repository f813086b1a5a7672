// Batcher: gathers what a turn of the loop wants of one queue into batches of ten (SendMessageBatch,
// DeleteMessageBatch, ChangeMessageVisibilityBatch), and tells each what came of its own entry: a batch that is
// answered with 200 may have failed in parts.
//
// Entries of one group keep their order: at most one of them is on its way, so that none overtakes another that has to
// be sent again.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task_group.h"
#include "queue/sqs/client.h"

namespace parley::queue::sqs {

// On its shard; outlives its entries.
class Batcher {
 public:
  struct Limits {
    std::size_t bytes = 1 << 20;  // of a batch, as entries count themselves
    int in_flight = 16;           // batches
  };
  Batcher(Shard& shard, Client& client, TaskGroup& tasks, std::string action, std::string queue_url, Limits limits);
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // `members`: the entry's JSON without braces and Id. Returns SQS' id of the message (SendMessageBatch), or "".
  // Errors: as of Client::call, and those of its entry.
  Task<Result<std::string>> add(std::string members, std::size_t bytes, std::string group = {});

 private:
  struct Entry {
    std::string members;
    std::size_t bytes = 0;
    std::string group;
    std::optional<Error> failed = std::nullopt;  // of an attempt that is not the last
    std::optional<Result<std::string>> outcome = std::nullopt;
    Signal settled = {};
  };
  using Batch = std::vector<Entry*>;

  void flush();
  Batch gather();
  Task<void> send(Batch batch);
  Task<Batch> attempt(const Batch& batch);  // returns those that may work in a moment
  void settle(Entry& entry, Result<std::string> outcome);
  std::string request(const Batch& batch) const;

  Shard& shard_;
  Client& client_;
  TaskGroup& tasks_;
  const std::string action_;
  const std::string queue_url_;
  const Limits limits_;
  std::deque<Entry*> waiting_;
  std::set<std::string> busy_groups_;
  int in_flight_ = 0;
  TurnHook flush_hook_;
};

}  // namespace parley::queue::sqs
