// KafkaBroker: the shard's side. It hands work to the core, its members and workers, and waits for their answers on the
// shard.
#pragma once

#include <atomic>
#include <memory>
#include <set>

#include "loop/task_group.h"
#include "queue/kafka/core.h"
#include "queue/kafka/pending.h"
#include "queue/kafka/topic_reader.h"

namespace parley::queue::kafka {

class KafkaBroker : public Broker {
 public:
  KafkaBroker(std::shared_ptr<Core> core, Shard& shard)
      : core_(std::move(core)), link_(std::make_shared<Link>(shard)) {}
  ~KafkaBroker() override { stop_all(); }

  Task<Result<Receipt>> publish(Publish request) override;
  Task<Result<std::vector<Delivery>>> lease(LeaseRequest request) override;
  void stop_leasing() override;
  Task<Result<void>> extend(Source source, std::string lease, Duration by) override;
  Task<Result<void>> settle(Source source, std::string lease, Settlement how) override;
  Task<Result<std::vector<Peeked>>> peek(PeekRequest request) override;
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
  // Runs `work` on a worker, and waits for its result.
  template <class T>
  Task<T> on_worker(std::function<T()> work);
  Task<Result<std::shared_ptr<Member>>> member(Source source);
  void stop_all();

  // Shared with what workers do: a member is made by questions to the cluster, one after the other, and each lasts for
  // `timeout` while nobody answers.
  std::shared_ptr<std::atomic<bool>> draining_ = std::make_shared<std::atomic<bool>>(false);

  std::shared_ptr<Core> core_;
  std::shared_ptr<Link> link_;
  std::shared_ptr<ReadStop> stop_ = std::make_shared<ReadStop>();
};

}  // namespace parley::queue::kafka
