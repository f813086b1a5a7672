#include "queue/split_backend.h"

namespace parley::queue {
namespace {

std::size_t place_of(const SplitBackend::Places& places, std::string_view name) {
  const auto at = places.find(name);
  return at == places.end() ? 0 : at->second;
}

class SplitBroker final : public Broker {
 public:
  SplitBroker(std::vector<std::unique_ptr<Broker>> brokers, const SplitBackend::Places& places)
      : brokers_(std::move(brokers)), places_(places) {}

  Task<Result<Receipt>> publish(Publish request) override {
    Broker& broker = of(request.to);
    return broker.publish(std::move(request));
  }
  Task<Result<std::vector<Receipt>>> publish_all(std::vector<Publish> requests) override {
    Broker& broker = of(requests.empty() ? std::string_view() : requests.front().to);
    return broker.publish_all(std::move(requests));
  }
  Task<Result<std::vector<Delivery>>> lease(LeaseRequest request) override {
    Broker& broker = of(request.source.name);
    return broker.lease(std::move(request));
  }
  void stop_leasing() override {
    for (const auto& broker : brokers_) broker->stop_leasing();
  }
  Task<Result<void>> extend(Source source, std::string lease, Duration by) override {
    Broker& broker = of(source.name);
    return broker.extend(std::move(source), std::move(lease), by);
  }
  Task<Result<void>> settle(Source source, std::string lease, Settlement how) override {
    Broker& broker = of(source.name);
    return broker.settle(std::move(source), std::move(lease), std::move(how));
  }
  Task<Result<std::vector<Peeked>>> peek(PeekRequest request) override {
    Broker& broker = of(request.source.name);
    return broker.peek(std::move(request));
  }
  Task<Result<std::optional<Located>>> where_is(Source source, Position position) override {
    Broker& broker = of(source.name);
    return broker.where_is(std::move(source), std::move(position));
  }
  Task<Result<std::uint64_t>> redrive(Source source, std::vector<Position> which) override {
    Broker& broker = of(source.name);
    return broker.redrive(std::move(source), std::move(which));
  }
  Task<Result<std::uint64_t>> purge(Source source, Shelf shelf) override {
    Broker& broker = of(source.name);
    return broker.purge(std::move(source), shelf);
  }
  Task<Result<void>> pause(Source source, bool paused) override {
    Broker& broker = of(source.name);
    return broker.pause(std::move(source), paused);
  }
  Task<Result<Stats>> stats(Source source) override {
    Broker& broker = of(source.name);
    return broker.stats(std::move(source));
  }
  Task<Result<Events>> read(ReadRequest request) override {
    Broker& broker = of(request.topic);
    return broker.read(std::move(request));
  }
  Task<Result<void>> commit(Source source, From to) override {
    Broker& broker = of(source.name);
    return broker.commit(std::move(source), std::move(to));
  }
  Task<Result<Position>> checkpoint(Source source) override {
    Broker& broker = of(source.name);
    return broker.checkpoint(std::move(source));
  }
  Task<Result<void>> delete_group(Source group) override {
    Broker& broker = of(group.name);
    return broker.delete_group(std::move(group));
  }
  Task<void> close() override {
    for (const auto& broker : brokers_) co_await broker->close();
  }

 private:
  Broker& of(std::string_view name) { return *brokers_[place_of(places_, name)]; }

  std::vector<std::unique_ptr<Broker>> brokers_;
  const SplitBackend::Places& places_;  // the backend's, which outlives its brokers
};

}  // namespace

SplitBackend::SplitBackend(std::vector<std::unique_ptr<Backend>> backends, Places places)
    : backends_(std::move(backends)), places_(std::move(places)) {
  for (const auto& backend : backends_) name_.append(name_.empty() ? "" : ", ").append(backend->name());
}

Result<void> SplitBackend::declare(const Declarations& wanted) {
  std::vector<Declarations> parts(backends_.size());
  for (const QueueDeclaration& queue : wanted.queues)
    parts[place_of(places_, queue.consumer.name)].queues.push_back(queue);
  for (const TopicDeclaration& topic : wanted.topics) parts[place_of(places_, topic.name)].topics.push_back(topic);
  std::optional<Error> first;
  std::string text;
  for (std::size_t i = 0; i < backends_.size(); ++i) {
    auto declared = backends_[i]->declare(parts[i]);
    if (declared) continue;
    text.append(text.empty() ? "" : "\n").append(backends_[i]->name()).append(": ").append(declared.error().message());
    if (!first) first = std::move(declared).error();
  }
  if (!first) return {};
  return fail(Error(first->code(), first->blame(), text).with_reason(std::string(first->reason())));
}

std::unique_ptr<Broker> SplitBackend::open(Shard& shard) {
  std::vector<std::unique_ptr<Broker>> brokers;
  brokers.reserve(backends_.size());
  for (const auto& backend : backends_) brokers.push_back(backend->open(shard));
  return std::make_unique<SplitBroker>(std::move(brokers), places_);
}

std::optional<Error> SplitBackend::halted() const {
  for (const auto& backend : backends_) {
    if (auto why = backend->halted()) return why;
  }
  return std::nullopt;
}

std::optional<Error> SplitBackend::unreached() const {
  for (const auto& backend : backends_) {
    if (auto why = backend->unreached()) return why;
  }
  return std::nullopt;
}

void SplitBackend::stop_waiting() {
  for (const auto& backend : backends_) backend->stop_waiting();
}

std::optional<StoreState> SplitBackend::store() const {
  for (const auto& backend : backends_) {
    if (auto state = backend->store()) return state;
  }
  return std::nullopt;
}

Result<std::vector<Source>> SplitBackend::list() {
  std::vector<Error> silent;
  auto all = list_some(silent);
  if (!silent.empty()) return fail(silent.front());
  return all;
}

std::vector<Source> SplitBackend::list_some(std::vector<Error>& silent) {
  std::vector<Source> all;
  for (const auto& backend : backends_) {
    auto some = backend->list();
    if (some) {
      all.insert(all.end(), some->begin(), some->end());
    } else {
      silent.push_back(std::move(some).error().during(backend->name()));
    }
  }
  return all;
}

}  // namespace parley::queue
