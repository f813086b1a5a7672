// ShardBroker: RabbitMQ as one shard sees it. Passes what is asked to the backend's links, and waits for their answers.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "queue/broker.h"
#include "queue/rabbitmq/answer.h"
#include "queue/rabbitmq/backend.h"

namespace parley::queue::rabbitmq {

class ShardBroker final : public Broker {
 public:
  // `backend` outlives it.
  ShardBroker(RabbitBackend& backend, Shard& shard);
  ~ShardBroker() override;

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
  // Waits for what `answer` is given; `close` ends that.
  template <class T>
  Task<Result<T>> await(std::shared_ptr<Answer<T>> answer);
  // On the admin's thread.
  template <class T>
  Task<Result<T>> ask(std::function<Result<T>(Admin&)> what);
  Task<Result<Known::Kind>> kind_of(std::string name);

  RabbitBackend& backend_;
  std::shared_ptr<Door> door_;
  std::set<AnswerBase*> open_;
  std::set<Answer<std::vector<Delivery>>*> leases_;
  Signal changed_;
  bool draining_ = false;
  bool closed_ = false;
};

// What is published of it, and where. Errors: invalid_argument, unimplemented.
Result<Outgoing> outgoing_of(const Publish& request, Known::Kind kind, Duration ttl, WallTime now);

}  // namespace parley::queue::rabbitmq
