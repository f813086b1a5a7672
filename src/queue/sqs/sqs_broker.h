// SqsBroker: one shard's use of SQS.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "loop/task_group.h"
#include "queue/broker.h"
#include "queue/sqs/channel.h"
#include "queue/sqs/client.h"
#include "queue/sqs/directory.h"
#include "queue/sqs/ledger.h"
#include "queue/sqs/relay.h"
#include "queue/sqs/settings.h"

namespace parley::queue::sqs {

// What the brokers of a process share. All of it is thread-safe, or does not change.
struct Common {
  Settings settings;
  const WallClock& clock;
  Directory directory;
  Ledger ledger;
};

class SqsBroker final : public Broker {
 public:
  SqsBroker(Shard& shard, std::shared_ptr<Common> common);
  ~SqsBroker() override;

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
  Task<Result<Channel*>> channel_of(Source source);
  // delete_group.cc
  Task<Result<std::vector<std::string>>> urls_of(std::vector<std::string> sqs_names);
  Task<Result<void>> check_unused(Source group, std::vector<std::string> urls);
  Task<Result<Receipt>> publish_later(Channel& channel, const Envelope& envelope);
  Task<Result<void>> start_feeding(Channel& channel);
  bool claim(const std::string& url);
  struct Poll;
  Task<void> poll(Channel& channel, Part::Receive how, std::shared_ptr<Poll> to);
  Task<Result<std::vector<Received>>> receive_first(Channel& channel, Part::Receive how);
  Task<Result<std::vector<Delivery>>> receive(Channel& channel, const LeaseRequest& request, Duration wait);
  Task<void> receive_more(Channel& channel, Part::Receive how, std::vector<Delivery>& to);
  Task<Result<void>> settle_known(Channel& channel, const Lease& lease, const Settlement& how);
  Task<Result<void>> settle_foreign(Channel& channel, std::string receipt, const Settlement& how);

  Shard& shard_;
  const std::shared_ptr<Common> common_;
  Client client_;
  TaskGroup tasks_;
  Workbench bench_;
  std::map<std::string, std::unique_ptr<Channel>> channels_;  // by url
  std::map<std::string, int> extending_;                      // leases that are being extended
  Signal extended_;
  std::vector<std::unique_ptr<Relay>> relays_;
  std::vector<std::string> feeds_;  // that run here, by url
};

}  // namespace parley::queue::sqs
