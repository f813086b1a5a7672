// SettleLink: settlements of one source of another node, or extensions of leases by one length of time. Those of one
// turn of the loop are one call, and so are those that gather while calls are under way.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "loop/signal.h"
#include "loop/task_group.h"
#include "queue/broker.h"
#include "queue/remote/node_client.h"

namespace parley::queue::remote {

// Used on one shard. Outlived by both.
class SettleLink {
 public:
  // `extend_by`: extends leases; nothing: settles them.
  SettleLink(Shard& shard, NodeClient& client, Source source, std::optional<Duration> extend_by);

  // As Broker::settle. An extension needs nothing but `lease_id`.
  Task<Result<void>> settle(api::Settlement what);
  // Waits until nothing is on its way: soon after NodeClient::abandon.
  Task<void> ended() { return tasks_.join(); }

 private:
  struct Asked {
    api::Settlement what;
    std::optional<Result<void>> outcome;
    Signal done;
  };
  using AskedPtr = std::shared_ptr<Asked>;
  using Batch = std::vector<AskedPtr>;

  void flush();
  Task<void> send(Batch batch);
  Task<Result<api::SettleResponse>> call(const Batch& batch);

  Shard& shard_;
  NodeClient& client_;
  const Source source_;
  const std::optional<Duration> extend_by_;
  std::deque<AskedPtr> queued_;
  int under_way_ = 0;
  TurnHook hook_;
  TaskGroup tasks_;
};

}  // namespace parley::queue::remote
