#include "queue/kafka/broker.h"

#include <fmt/format.h>

#include "queue/kafka/backend.h"
#include "queue/kafka/error.h"

namespace parley::queue::kafka {
namespace {

class KafkaBackend : public Backend {
 public:
  KafkaBackend(Settings settings, const WallClock& clock) : core_(std::make_shared<Core>(std::move(settings), clock)) {}

  std::string_view name() const override { return "kafka"; }
  Result<void> declare(const Declarations& wanted) override { return core_->declare(wanted); }
  std::unique_ptr<Broker> open(Shard& shard) override { return std::make_unique<KafkaBroker>(core_, shard); }
  Result<std::vector<Source>> list() override { return core_->list(); }
  std::optional<Error> unreached() const override { return core_->reach().unreached(); }
  void stop_waiting() override { core_->reach().stop(); }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

Result<std::unique_ptr<Backend>> make_backend(std::string_view url, const WallClock& clock,
                                              const std::filesystem::path& folder) {
  auto settings = parse_url(url);
  if (!settings) return fail(settings.error());
  if (!settings->ca.empty()) settings->ca = (folder / settings->ca).string();
  return std::make_unique<KafkaBackend>(*std::move(settings), clock);
}

template <class T>
Task<T> KafkaBroker::on_worker(std::function<T()> work) {
  if (link_->is_closed()) co_return fail(closing_error());
  const Pending<T> pending(link_);
  core_->workers().run([work = std::move(work), answer = pending.answer()] { answer(work()); });
  co_return co_await pending.wait();
}

Task<Result<Receipt>> KafkaBroker::publish(Publish request) {
  // Its consumer holds it until then, and has room for some thousand messages a partition.
  if (request.due && *request.due > core_->clock().now() + longest_schedule) {
    co_return fail(not_by_this_backend("Kafka has no delayed messages; 15 minutes ahead can be emulated, not more"));
  }
  const std::string name = request.to;
  if (!core_->is_known(name)) {
    auto there = co_await on_worker<Result<void>>([core = core_.get(), name] { return core->check_topic(name); });
    if (!there) co_return fail(there.error());
  }
  const Duration window = request.dedup.empty() ? Duration::zero() : core_->dedup_window(name);
  if (window > Duration::zero()) {
    if (auto seen = core_->dedup().begin(name, request.dedup, core_->clock().now())) {
      if (!seen->receipt) {
        co_return fail(Error(Code::aborted, Blame::caller, "the same message is being published at this moment")
                           .with_reason("dedup_in_flight"));
      }
      seen->receipt->duplicate = true;
      co_return *std::move(seen->receipt);
    }
  }
  const Pending<Result<Placed>> pending(link_);
  core_->producer().produce(core_->names({.name = name, .group = ""}).log, -1, to_record(request), pending.answer());
  auto placed = co_await pending.wait();
  if (!placed) {
    if (window > Duration::zero()) core_->dedup().failed(name, request.dedup);
    co_return fail(placed.error());
  }
  Receipt receipt{.id = request.message.id,
                  .position = to_position(Place{.partition = placed->partition, .offset = placed->offset})};
  if (window > Duration::zero()) {
    core_->dedup().done(name, request.dedup, receipt,
                        core_->clock().now() + std::chrono::ceil<std::chrono::milliseconds>(window));
  }
  co_return receipt;
}

Task<Result<std::shared_ptr<Member>>> KafkaBroker::member(Source source) {
  if (link_->is_closed()) co_return fail(closing_error());
  if (auto member = core_->find_member(source)) co_return member;
  using Made = Result<std::shared_ptr<Member>>;
  co_return co_await on_worker<Made>(
      [core = core_.get(), source, draining = draining_] { return core->make_member(source, *draining); });
}

Task<Result<std::vector<Delivery>>> KafkaBroker::lease(LeaseRequest request) {
  if (*draining_ && !link_->is_closed()) co_return std::vector<Delivery>();
  auto found = co_await member(request.source);
  if (*draining_ && !link_->is_closed()) co_return std::vector<Delivery>();
  if (!found) co_return fail(found.error());
  if (link_->is_closed()) co_return fail(closing_error());
  const Pending<Result<std::vector<Delivery>>> pending(link_);
  (*found)->lease(std::move(request), this, pending.answer());
  co_return co_await pending.wait();
}

void KafkaBroker::stop_leasing() {
  *draining_ = true;
  for (const auto& member : core_->members()) member->cancel(this, std::nullopt);
}

Task<Result<void>> KafkaBroker::extend(Source source, std::string lease, Duration by) {
  const auto found = core_->find_member(source);
  if (!found) co_return fail(lease_lost("this process has leased nothing of " + source.name));
  const Pending<Result<void>> pending(link_);
  found->extend(std::move(lease), by, pending.answer());
  co_return co_await pending.wait();
}

Task<Result<void>> KafkaBroker::settle(Source source, std::string lease, Settlement how) {
  const auto found = core_->find_member(source);
  if (!found) co_return fail(lease_lost("this process has leased nothing of " + source.name));
  const Pending<Result<void>> pending(link_);
  found->settle(std::move(lease), std::move(how), pending.answer());
  co_return co_await pending.wait();
}

Task<Result<std::vector<Peeked>>> KafkaBroker::peek(PeekRequest request) {
  using Out = Result<std::vector<Peeked>>;
  co_return co_await on_worker<Out>([core = core_.get(), request = std::move(request)] { return core->peek(request); });
}

Task<Result<std::uint64_t>> KafkaBroker::redrive(Source source, std::vector<Position> which) {
  using Out = Result<std::uint64_t>;
  co_return co_await on_worker<Out>([core = core_.get(), source, which] { return core->redrive(source, which); });
}

Task<Result<std::uint64_t>> KafkaBroker::purge(Source source, Shelf shelf) {
  using Out = Result<std::uint64_t>;
  co_return co_await on_worker<Out>([core = core_.get(), source, shelf] { return core->purge(source, shelf); });
}

Task<Result<void>> KafkaBroker::pause(Source source, bool paused) {
  co_return co_await on_worker<Result<void>>(
      [core = core_.get(), source, paused] { return core->pause(source, paused); });
}

Task<Result<Stats>> KafkaBroker::stats(Source source) {
  co_return co_await on_worker<Result<Stats>>([core = core_.get(), source] { return core->stats(source); });
}

Task<Result<Events>> KafkaBroker::read(ReadRequest request) {
  if (link_->is_closed()) co_return fail(closing_error());
  const Pending<Result<Events>> pending(link_);
  core_->read(std::move(request), stop_, pending.answer());
  co_return co_await pending.wait();
}

Task<Result<void>> KafkaBroker::commit(Source source, From to) {
  co_return co_await on_worker<Result<void>>([core = core_.get(), source, to] { return core->move(source, to); });
}

Task<Result<Position>> KafkaBroker::checkpoint(Source source) {
  co_return co_await on_worker<Result<Position>>([core = core_.get(), source] { return core->checkpoint(source); });
}

Task<Result<void>> KafkaBroker::delete_group(Source group) {
  co_return co_await on_worker<Result<void>>([core = core_.get(), group] { return core->delete_group(group); });
}

void KafkaBroker::stop_all() {
  if (link_->is_closed()) return;
  link_->close();
  stop_->stop();
  for (const auto& member : core_->members()) member->cancel(this, closing_error());
}

Task<void> KafkaBroker::close() {
  stop_all();
  co_return;
}

}  // namespace parley::queue::kafka
