#include "node/messages.h"

#include <algorithm>
#include <filesystem>

#include "base/nearest.h"
#include "queue/embedded/embedded_backend.h"
#include "queue/kafka/backend.h"
#include "queue/rabbitmq/backend.h"
#include "queue/remote/remote_backend.h"
#include "queue/split_backend.h"
#include "queue/sqs/sqs_backend.h"

namespace parley::node {
namespace {

const WallClock clock;

// A journal of less is not worth moving messages for.
constexpr std::uint64_t segments_before_compaction = 4;

Result<std::unique_ptr<queue::Backend>> open_embedded(const BackendSetup& setup) {
  std::error_code error;
  std::filesystem::create_directories(setup.data, error);
  if (error) return invalid("the data folder " + setup.data.string() + ": " + error.message());
  store::LedgerOptions ledger;
  ledger.journal.segment_bytes = setup.segment_bytes;
  queue::embedded::ModelOptions model;
  model.compact_above = segments_before_compaction * setup.segment_bytes;
  auto opened =
      queue::embedded::EmbeddedBackend::open(store::real_files(), setup.data / "messages", clock, ledger, model);
  if (!opened) return fail(std::move(opened).error().during("the data folder " + setup.data.string()));
  return std::unique_ptr<queue::Backend>(*std::move(opened));
}

Result<std::unique_ptr<queue::Backend>> open_kafka(const BackendSetup& setup) {
  return queue::kafka::make_backend(setup.at, clock, setup.folder);
}

Result<std::unique_ptr<queue::Backend>> open_rabbitmq(const BackendSetup& setup) {
  return queue::rabbitmq::make_backend(setup.at, clock, setup.folder);
}

Result<std::unique_ptr<queue::Backend>> open_sqs(const BackendSetup& setup) {
  return queue::sqs::open_backend(setup.at, setup.folder);
}

Result<std::unique_ptr<queue::Backend>> open_remote(const BackendSetup& setup) {
  return queue::remote::make_backend(setup.at, setup.folder);
}

// In the order in which messages name them.
constexpr BackendScheme schemes[] = {
    {"embedded", "embedded", open_embedded},
    {"parley", "parley://keeper:8080", open_remote},
    {"parleys", "parleys://keeper:8443", open_remote},
    {"rabbitmq", "rabbitmq://localhost:5672", open_rabbitmq},
    {"rabbitmqs", "rabbitmqs://localhost:5671", open_rabbitmq},
    {"kafka", "kafka://localhost:9092", open_kafka},
    {"kafkas", "kafkas://localhost:9093", open_kafka},
    {"sqs", "sqs://eu-west-1", open_sqs},
    {"sqs+http", "sqs+http://localhost:9324?region=eu-west-1", open_sqs},
};

}  // namespace

std::span<const BackendScheme> backend_schemes() { return schemes; }

Result<const BackendScheme*> backend_scheme(std::string_view at) {
  const std::string_view scheme = at.substr(0, at.find("://"));
  std::string known;
  for (const BackendScheme& one : schemes) {
    if (one.scheme == scheme) return &one;
    known.append(known.empty() ? "" : ", ").append(one.example);
  }
  // The rest of an address may have a password in it.
  return invalid("'" + std::string(at.substr(0, at.find(':'))) + "' keeps no messages; there are: " + known);
}

bool uses_messages(const contract::Contract& contract) {
  if (!contract.events().empty()) return true;
  const auto is_used = [](const contract::Method& m) { return m.queue || m.subscribe; };
  return std::ranges::any_of(contract.services(), [&](const contract::Service& service) {
    return std::ranges::any_of(service.methods, is_used);
  });
}

namespace {

Result<std::unique_ptr<queue::Backend>> open_one(const Config& config, const std::string& at) {
  const auto scheme = backend_scheme(at);
  if (!scheme) return fail(scheme.error());
  auto opened = (*scheme)->open({.at = at,
                                 .data = config.folder / config.data,
                                 .folder = config.folder,
                                 .segment_bytes = static_cast<std::uint64_t>(config.store.segment_bytes)});
  if (!opened) return fail(std::move(opened).error().during("messages: " + std::string((*scheme)->scheme)));
  return opened;
}

Result<void> check_names(const Config& config, std::string_view what, const std::map<std::string, PlaceConfig>& places,
                         const std::vector<std::string_view>& known) {
  for (const auto& [name, place] : places) {
    if (std::ranges::find(known, name) != known.end()) continue;
    std::string text = config.file.string() + ":" + std::to_string(place.line) + ": the contract has no " +
                       std::string(what) + " '" + name + "'";
    if (const auto near = nearest(name, known)) text += " (did you mean '" + std::string(*near) + "'?)";
    return invalid(text);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<queue::Backend>> open_messages(const Config& config) {
  std::vector<std::string> addresses{config.messages.empty() ? "embedded" : config.messages};
  queue::SplitBackend::Places places;
  for (const auto* some : {&config.queues, &config.topics}) {
    for (const auto& [name, place] : *some) {
      const auto at = std::ranges::find(addresses, place.messages);
      places[name] = static_cast<std::size_t>(at - addresses.begin());
      if (at == addresses.end()) addresses.push_back(place.messages);
    }
  }
  std::vector<std::unique_ptr<queue::Backend>> backends;
  for (const std::string& address : addresses) {
    auto opened = open_one(config, address);
    if (!opened) return opened;
    backends.push_back(*std::move(opened));
  }
  if (backends.size() == 1) return std::move(backends.front());
  return std::make_unique<queue::SplitBackend>(std::move(backends), std::move(places));
}

Result<void> check_places(const Config& config, const queue::Declarations& declared) {
  std::vector<std::string_view> queues;
  std::vector<std::string_view> topics;
  for (const queue::QueueDeclaration& queue : declared.queues) queues.emplace_back(queue.consumer.name);
  for (const queue::TopicDeclaration& topic : declared.topics) topics.emplace_back(topic.name);
  if (auto fine = check_names(config, "queue", config.queues, queues); !fine) return fine;
  return check_names(config, "topic", config.topics, topics);
}

}  // namespace parley::node
