// EmbeddedBackend: queues and topics in a folder of this machine (docs/formats/delivery.md, docs/decisions/030).
#pragma once

#include <filesystem>
#include <memory>

#include "base/wall_time.h"
#include "queue/broker.h"
#include "queue/embedded/model.h"
#include "store/ledger.h"

namespace parley::queue::embedded {

class ServeTurn;

class EmbeddedBackend final : public Backend {
 public:
  // Opens or creates the folder and comes back to where it was. `files` and `clock` outlive it. Errors: the ledger's.
  static Result<std::unique_ptr<EmbeddedBackend>> open(store::Files& files, const std::filesystem::path& folder,
                                                       const WallClock& clock, store::LedgerOptions ledger = {},
                                                       ModelOptions model = {});
  // After all its brokers are closed and gone.
  ~EmbeddedBackend() override;

  std::string_view name() const override { return "embedded"; }
  Result<void> declare(const Declarations& wanted) override;
  std::unique_ptr<Broker> open(Shard& shard) override;
  Result<std::vector<Source>> list() override;

  // A failed sync, damage.
  std::optional<Error> halted() const override { return ledger_->halted(); }
  std::optional<StoreState> store() const override;
  store::Ledger& ledger() { return *ledger_; }

 private:
  explicit EmbeddedBackend(ModelOptions options);
  Result<void> run(Op& op);

  std::filesystem::path folder_;
  Model model_;
  std::unique_ptr<ServeTurn> serve_;
  std::unique_ptr<store::Ledger> ledger_;  // last: its thread uses the others
};

}  // namespace parley::queue::embedded
