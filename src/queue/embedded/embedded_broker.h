// EmbeddedBroker: the embedded store as one shard sees it. It collects what a turn of the loop asks for, submits it
// once, and wakes whoever asked when the ledger says so. Lives on its shard; outlived by the backend.
#pragma once

#include <memory>
#include <vector>

#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/timer.h"
#include "queue/broker.h"
#include "queue/embedded/op.h"
#include "queue/embedded/ops.h"

namespace parley::queue::embedded {

class EmbeddedBroker final : public Broker {
 public:
  EmbeddedBroker(Shard& shard, store::Ledger& ledger, Model& model);
  // After `close`.
  ~EmbeddedBroker() override;

  Task<Result<Receipt>> publish(Publish request) override;
  Task<Result<std::vector<Receipt>>> publish_all(std::vector<Publish> requests) override;
  Task<Result<std::vector<Delivery>>> lease(LeaseRequest request) override;
  void stop_leasing() override;
  Task<Result<void>> extend(Source source, std::string lease, Duration by) override;
  Task<Result<void>> settle(Source source, std::string lease, Settlement how) override;
  Task<Result<std::vector<Peeked>>> peek(PeekRequest request) override;
  Task<Result<std::optional<Located>>> where_is(Source source, Position position) override;
  Task<Result<std::uint64_t>> redrive(Source source, std::vector<Position> which) override;
  Task<Result<std::uint64_t>> purge(Source source, Shelf shelf) override;
  Task<Result<void>> pause(Source source, bool paused) override;
  Task<Result<Stats>> stats(Source source) override;
  Task<Result<Events>> read(ReadRequest request) override;
  Task<Result<void>> commit(Source source, From to) override;
  Task<Result<Position>> checkpoint(Source source) override;
  Task<Result<void>> delete_group(Source group) override;
  Task<void> close() override;

 private:
  class Mailbox;
  struct Finished;
  struct Running;
  struct Waiting;

  Task<Result<Receipt>> store(PublishOp op, std::string id);
  void start(Op& op);
  void flush();
  void cancel(Waiting& waiting);
  // Runs `op` to its end. What failed is in its `error`.
  Finished run(Op& op);
  Task<void> run_until(Op& op, CancelOp& cancel, Deadline wait);

  Shard& shard_;
  store::Ledger& ledger_;
  Model& model_;
  std::shared_ptr<Mailbox> mailbox_;
  TurnHook hook_;
  std::vector<Op*> frees_;   // asked for in this turn
  std::vector<Op*> stores_;  // the same: what needs space
  std::vector<Waiting*> waiting_;
  std::size_t live_ = 0;
  bool stopped_ = false;  // leases do not wait
  bool closing_ = false;
  Signal ended_;
};

}  // namespace parley::queue::embedded
