#include "queue/remote/remote_backend.h"

#include <algorithm>

#include "loop/run_blocking.h"
#include "queue/remote/remote_broker.h"

namespace parley::queue::remote {
namespace {

constexpr Duration patience = std::chrono::seconds(10);

Task<Result<std::vector<Source>>> sources_of(NodeClient& client) {
  auto queues = co_await client.call<api::ListQueuesResponse>(
      "/parley.Queues/List", api::ListQueuesRequest{.names_only = true, .groups = true}, patience);
  if (!queues) co_return fail(std::move(queues).error());
  if (!queues->failed.empty()) co_return fail(api::error_of(queues->failed.front()));
  auto topics = co_await client.call<api::ListTopicsResponse>("/parley.Topics/List",
                                                              api::ListTopicsRequest{.names_only = true}, patience);
  if (!topics) co_return fail(std::move(topics).error());
  if (!topics->failed.empty()) co_return fail(api::error_of(topics->failed.front()));
  std::vector<Source> all;
  for (api::QueueStats& queue : queues->queues) all.push_back({std::move(queue.queue), std::move(queue.group)});
  for (api::ListedTopic& topic : topics->topics) all.push_back({std::move(topic.topic), ""});
  co_return all;
}

}  // namespace

// A call on a thread of its own, which has no shard otherwise.
struct Asking {
  explicit Asking(const Address& address) : client(shard, address) {}
  Result<std::vector<Source>> sources() {
    auto all = run_blocking(shard, sources_of(client));
    run_blocking(shard, client.drain());
    return all;
  }
  // Any thread.
  void give_up() {
    shard.post([this] { client.abandon(); });
  }
  Shard shard;
  NodeClient client;
};

namespace {

std::string missing(const Declarations& wanted, const std::vector<Source>& there, const std::string& at) {
  std::string out;
  const auto check = [&](const Source& source) {
    if (std::ranges::find(there, source) != there.end()) return;
    out.append(out.empty() ? "" : "\n").append(source.name);
    if (!source.group.empty()) out.append(", group ").append(source.group);
    out.append(": the node at ").append(at).append(" has none: its own contract has to declare it");
  };
  for (const QueueDeclaration& queue : wanted.queues) check({queue.consumer.name, ""});
  for (const TopicDeclaration& topic : wanted.topics) {
    check({topic.name, ""});
    for (const Consumer& group : topic.groups) check({topic.name, group.group});
  }
  return out;
}

// A node that starts beside this one is there in a moment. What is wrong with a certificate stays wrong.
bool may_pass(const Error& error) {
  const bool is_away = error.code() == Code::unavailable || error.code() == Code::deadline_exceeded;
  return is_away && error.reason() != "tls_config" && error.reason() != "upstream_tls_failed";
}

}  // namespace

Result<void> RemoteBackend::declare(const Declarations& wanted) {
  const auto attempt = [&]() -> Result<void> {
    const auto there = ask();
    if (!there) return fail(there.error());
    const std::string lacks = missing(wanted, *there, address_.text);
    if (lacks.empty()) return {};
    return fail(Error(Code::failed_precondition, Blame::upstream, lacks).with_reason("not_declared_there"));
  };
  return reach_.wait(wanted, attempt, may_pass);
}

Result<std::vector<Source>> RemoteBackend::ask() {
  Asking asking(address_);
  const auto set = [&](Asking* to) {
    const std::lock_guard hold(lock_);
    asking_ = to;
  };
  set(&asking);
  auto sources = asking.sources();
  set(nullptr);
  return sources;
}

void RemoteBackend::stop_waiting() {
  reach_.stop();
  const std::lock_guard hold(lock_);
  if (asking_ != nullptr) asking_->give_up();
}

std::unique_ptr<Broker> RemoteBackend::open(Shard& shard) { return std::make_unique<RemoteBroker>(shard, address_); }

Result<std::vector<Source>> RemoteBackend::list() { return Asking(address_).sources(); }

Result<std::unique_ptr<Backend>> make_backend(std::string_view at, const std::filesystem::path& folder) {
  auto address = parse_address(at, folder);
  if (!address) return fail(std::move(address).error());
  return std::make_unique<RemoteBackend>(std::move(*address));
}

}  // namespace parley::queue::remote
