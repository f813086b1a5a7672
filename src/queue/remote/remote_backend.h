// The parley:// backend: a node without storage uses the queues and topics of another one.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "queue/broker.h"
#include "queue/reach.h"
#include "queue/remote/address.h"

namespace parley::queue::remote {

struct Asking;

class RemoteBackend final : public Backend {
 public:
  explicit RemoteBackend(Address address) : address_(std::move(address)), reach_("the node at " + address_.text) {}

  std::string_view name() const override { return "parley"; }
  // The other node declares; here it is checked that it has what this contract asks for. Waits for a node that is not
  // there yet (Reach). Errors: unavailable; permission_denied (its `pull_api` does not admit this node);
  // failed_precondition with what it does not have, a line each.
  Result<void> declare(const Declarations& wanted) override;
  std::unique_ptr<Broker> open(Shard& shard) override;
  Result<std::vector<Source>> list() override;
  std::optional<Error> unreached() const override { return reach_.unreached(); }
  void stop_waiting() override;

 private:
  Result<std::vector<Source>> ask();

  const Address address_;
  Reach reach_;
  std::mutex lock_;
  Asking* asking_ = nullptr;  // under lock_: what `declare` waits for
};

// `at`: "parley://host:port". `folder`: of parley.yaml. Errors: invalid_argument.
Result<std::unique_ptr<Backend>> make_backend(std::string_view at, const std::filesystem::path& folder);

}  // namespace parley::queue::remote
