// RabbitMQ as a backend of queues and topics: docs/formats/delivery-rabbitmq.md has what it promises and how.
//
// Four connections a process, a thread each: publishing, consuming, reading logs, administration. The shards' brokers
// only pass on what is asked of them.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "queue/broker.h"
#include "queue/process_dedup.h"
#include "queue/rabbitmq/address.h"
#include "queue/rabbitmq/admin.h"
#include "queue/reach.h"

namespace parley::queue::rabbitmq {

class RabbitBackend final : public Backend {
 public:
  // Begins to connect; `declare` waits for it. `clock` outlives it.
  RabbitBackend(Address address, const WallClock& clock);
  ~RabbitBackend() override;

  std::string_view name() const override { return "rabbitmq"; }
  // Waits for a RabbitMQ that is not there yet (Reach). Errors: unavailable, unauthenticated, permission_denied;
  // failed_precondition.
  Result<void> declare(const Declarations& wanted) override;
  std::unique_ptr<Broker> open(Shard& shard) override;
  Result<std::vector<Source>> list() override;
  std::optional<Error> unreached() const override { return reach_.unreached(); }
  void stop_waiting() override { reach_.stop(); }

  // For the brokers. What a name is; nothing if it is not known yet.
  std::optional<Known::Kind> kind_of(const std::string& name) const;
  void know(const std::vector<Known>& known);
  Duration ttl_of(const std::string& queue) const;
  Duration dedup_window_of(const std::string& queue) const;
  ProcessDedup& dedup() { return process_dedup_; }
  Publisher& publisher() { return publisher_; }
  Consumer& consumer() { return consumer_; }
  Reader& reader() { return reader_; }
  Admin& admin() { return admin_; }
  const WallClock& clock() const { return clock_; }

 private:
  template <class T>
  Result<T> ask(std::function<Result<T>(Admin&)> what);

  const Address address_;
  Reach reach_;
  const WallClock& clock_;
  mutable std::mutex lock_;
  std::unordered_map<std::string, Known::Kind> kinds_;  // under lock_
  std::unordered_map<std::string, Duration> ttls_;      // under lock_
  std::unordered_map<std::string, Duration> dedup_;     // under lock_
  ProcessDedup process_dedup_;
  Attempts attempts_;
  // In this order: each uses those before it, and is stopped before them.
  Publisher publisher_;
  Reader reader_;
  Consumer consumer_;
  Admin admin_;
};

// Files that the address names without a leading "/" are in `folder`. Errors: invalid_argument.
Result<std::unique_ptr<Backend>> make_backend(std::string_view url, const WallClock& clock,
                                              const std::filesystem::path& folder = {});

}  // namespace parley::queue::rabbitmq
