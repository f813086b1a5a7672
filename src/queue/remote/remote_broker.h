// RemoteBroker: queues and topics that another node keeps, by its pull API (contracts/parley/queues.proto). Everything
// durable is there; this side holds nothing.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "loop/signal.h"
#include "queue/broker.h"
#include "queue/remote/node_client.h"
#include "queue/remote/publish_link.h"
#include "queue/remote/settle_link.h"

namespace parley::queue::remote {

// One a shard.
class RemoteBroker final : public Broker {
 public:
  RemoteBroker(Shard& shard, const Address& address) : shard_(shard), client_(shard, address) {}

  Task<Result<Receipt>> publish(Publish request) override;
  Task<Result<std::vector<Receipt>>> publish_all(std::vector<Publish> requests) override;
  Task<Result<std::vector<Delivery>>> lease(LeaseRequest request) override;
  void stop_leasing() override { stopped_ = true; }
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
  // A call that is counted, so that `close` can wait for it.
  template <class Reply, class Request>
  Task<Result<Reply>> call(std::string_view path, const Request& request, Duration timeout);
  Task<Result<void>> settle(Source source, std::optional<Duration> extend_by, api::Settlement what);
  Duration piece_of(Deadline wait) const;
  // After an empty answer that came at once although there was time to wait: the other node stops, say.
  Task<void> rest_of(Instant began, Duration piece);

  Shard& shard_;
  NodeClient client_;
  bool stopped_ = false;
  bool closed_ = false;
  std::size_t live_ = 0;
  Signal changed_;
  // One a queue or topic, made when it is first needed: one that hangs holds up no other.
  std::map<std::string, std::unique_ptr<PublishLink>, std::less<>> publishing_;
  std::map<std::tuple<std::string, std::string, std::optional<Duration>>, std::unique_ptr<SettleLink>> settling_;
};

}  // namespace parley::queue::remote
