#include "queue/rabbitmq/backend.h"

#include <algorithm>
#include <future>

#include "queue/rabbitmq/shard_broker.h"

namespace parley::queue::rabbitmq {
namespace {

// What is wrong with a certificate stays wrong.
bool may_pass(const Error& error) { return error.code() == Code::unavailable && error.reason() != tls_refused; }

}  // namespace

RabbitBackend::RabbitBackend(Address address, const WallClock& clock)
    : address_(std::move(address)),
      reach_(address_.text()),
      clock_(clock),
      publisher_(address_, "parley publish"),
      reader_(address_, "parley read"),
      consumer_(address_, "parley consume", publisher_, attempts_, clock),
      admin_(address_, "parley admin", {publisher_, consumer_, reader_, attempts_, clock}) {}
RabbitBackend::~RabbitBackend() = default;

template <class T>
Result<T> RabbitBackend::ask(std::function<Result<T>(Admin&)> what) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto answer = promise->get_future();
  if (!admin_.post([this, promise, what = std::move(what)] { promise->set_value(what(admin_)); })) {
    return fail(Error(Code::unavailable, Blame::us, "RabbitMQ: closing"));
  }
  return answer.get();
}

Result<void> RabbitBackend::declare(const Declarations& wanted) {
  if (std::string why = refusals(wanted, address_); !why.empty()) {
    why.pop_back();
    return fail(Error(Code::failed_precondition, Blame::us, why).with_reason("not_by_this_backend"));
  }
  const auto attempt = [&] { return ask<void>([wanted](Admin& a) { return a.declare(wanted); }); };
  if (auto made = reach_.wait(wanted, attempt, may_pass); !made) return made;
  const std::lock_guard hold(lock_);
  for (const QueueDeclaration& q : wanted.queues) {
    kinds_[q.consumer.name] = Known::Kind::queue;
    ttls_[q.consumer.name] = q.ttl;
    dedup_[q.consumer.name] = q.dedup_window;
  }
  for (const TopicDeclaration& t : wanted.topics) kinds_[t.name] = Known::Kind::topic;
  return {};
}

std::unique_ptr<Broker> RabbitBackend::open(Shard& shard) { return std::make_unique<ShardBroker>(*this, shard); }

Result<std::vector<Source>> RabbitBackend::list() {
  auto known = ask<std::vector<Known>>([](Admin& a) { return a.list(); });
  if (!known) return fail(known.error());
  know(*known);
  std::vector<Source> out;
  for (const Known& k : *known) {
    const Source source{k.name, k.group};
    if (std::ranges::find(out, source) == out.end()) out.push_back(source);
  }
  return out;
}

std::optional<Known::Kind> RabbitBackend::kind_of(const std::string& name) const {
  const std::lock_guard hold(lock_);
  const auto at = kinds_.find(name);
  return at == kinds_.end() ? std::nullopt : std::optional(at->second);
}

void RabbitBackend::know(const std::vector<Known>& known) {
  const std::lock_guard hold(lock_);
  for (const Known& k : known) {
    if (k.kind != Known::Kind::group) kinds_.try_emplace(k.name, k.kind);
  }
}

Duration RabbitBackend::ttl_of(const std::string& queue) const {
  const std::lock_guard hold(lock_);
  const auto at = ttls_.find(queue);
  return at == ttls_.end() ? Duration() : at->second;
}

Duration RabbitBackend::dedup_window_of(const std::string& queue) const {
  const std::lock_guard hold(lock_);
  const auto at = dedup_.find(queue);
  return at == dedup_.end() ? Duration() : at->second;
}

Result<std::unique_ptr<Backend>> make_backend(std::string_view url, const WallClock& clock,
                                              const std::filesystem::path& folder) {
  auto address = parse_address(url);
  if (!address) return fail(address.error());
  for (std::string* file : {&address->ca, &address->cert, &address->key}) {
    if (!file->empty()) *file = (folder / *file).string();
  }
  return std::make_unique<RabbitBackend>(*std::move(address), clock);
}

}  // namespace parley::queue::rabbitmq
