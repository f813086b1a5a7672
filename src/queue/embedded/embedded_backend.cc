#include "queue/embedded/embedded_backend.h"

#include <future>
#include <utility>

#include "queue/embedded/embedded_broker.h"
#include "queue/embedded/ops.h"
#include "queue/embedded/turn.h"
#include "store/folder_use.h"

namespace parley::queue::embedded {
namespace {

// Whoever waits for it blocks a thread of his own.
class Blocking final : public Completions {
 public:
  void completed(Op&) override {
    const auto keep = done_;  // the waiter may be gone before this has returned
    keep->set_value();
  }
  void wait() { done_->get_future().wait(); }

 private:
  std::shared_ptr<std::promise<void>> done_ = std::make_shared<std::promise<void>>();
};

// Gives the model what it decides with, on the thread that decides.
class AttachOp final : public Op {
 public:
  AttachOp(store::Ledger& ledger, ServeTurn& serve) : ledger_(ledger), serve_(serve) {}
  Step run(Model& model, store::Group&) override {
    model.attach(ledger_.journal(), ledger_.view(),
                 [this_ledger = &ledger_, serve = &serve_] { serve->submit(*this_ledger); });
    return Step::complete;
  }

 private:
  store::Ledger& ledger_;
  ServeTurn& serve_;
};

}  // namespace

EmbeddedBackend::EmbeddedBackend(ModelOptions options) : model_(options), serve_(std::make_unique<ServeTurn>(model_)) {}
EmbeddedBackend::~EmbeddedBackend() = default;

Result<std::unique_ptr<EmbeddedBackend>> EmbeddedBackend::open(store::Files& files, const std::filesystem::path& folder,
                                                               const WallClock& clock, store::LedgerOptions ledger,
                                                               ModelOptions model) {
  std::unique_ptr<EmbeddedBackend> backend(new EmbeddedBackend(model));
  backend->folder_ = folder;
  auto opened = store::Ledger::open(files, folder, {&backend->model_}, clock, ledger);
  if (!opened) return fail(std::move(opened.error()));
  backend->ledger_ = *std::move(opened);
  AttachOp attach(*backend->ledger_, *backend->serve_);
  if (auto attached = backend->run(attach); !attached) return fail(attached.error());
  return backend;
}

Result<void> EmbeddedBackend::run(Op& op) {
  Blocking blocking;
  op.completions = &blocking;
  Turn::submit(*ledger_, model_, {&op}, op.stores());
  blocking.wait();
  if (op.error) return fail(*op.error);
  return {};
}

Result<void> EmbeddedBackend::declare(const Declarations& wanted) {
  DeclareOp op;
  op.wanted = &wanted;
  return run(op);
}

std::unique_ptr<Broker> EmbeddedBackend::open(Shard& shard) {
  return std::make_unique<EmbeddedBroker>(shard, *ledger_, model_);
}

Result<std::vector<Source>> EmbeddedBackend::list() {
  ListOp op;
  if (auto done = run(op); !done) return fail(done.error());
  return std::move(op.sources);
}

std::optional<StoreState> EmbeddedBackend::store() const {
  const store::Ledger::Counts counts = ledger_->counts();
  const store::FolderUse use = store::folder_use(folder_);
  return StoreState{.disk_full = counts.disk_full,
                    .halted = ledger_->halted().has_value(),
                    .refused = counts.refused,
                    .journal_bytes = use.journal_bytes,
                    .view_bytes = use.view_bytes,
                    .free_bytes = use.free_bytes};
}

}  // namespace parley::queue::embedded
