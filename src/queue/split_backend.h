// SplitBackend: several backends as one, each with the queues and topics that were given to it by name; the first one
// has all others. For `queues.NAME.messages` and `topics.NAME.messages` of parley.yaml.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "queue/broker.h"

namespace parley::queue {

class SplitBackend final : public Backend {
 public:
  // By name of a queue or topic: an index into the backends.
  using Places = std::map<std::string, std::size_t, std::less<>>;

  // `backends`: at least one.
  SplitBackend(std::vector<std::unique_ptr<Backend>> backends, Places places);

  // "embedded, kafka"
  std::string_view name() const override { return name_; }
  // Each gets its own. Errors: all of them, a line each, with the backend's name.
  Result<void> declare(const Declarations& wanted) override;
  std::unique_ptr<Broker> open(Shard& shard) override;
  // What is elsewhere than it belongs (it was moved by the configuration) is listed too.
  Result<std::vector<Source>> list() override;
  std::vector<Source> list_some(std::vector<Error>& silent) override;
  // The first one's that has.
  std::optional<Error> halted() const override;
  // The first one's that was not.
  std::optional<Error> unreached() const override;
  void stop_waiting() override;
  // The first one's that has one: `embedded` is there once at most.
  std::optional<StoreState> store() const override;

 private:
  std::vector<std::unique_ptr<Backend>> backends_;
  Places places_;
  std::string name_;
};

}  // namespace parley::queue
