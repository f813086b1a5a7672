#include "node/messages.h"

#include <algorithm>
#include <filesystem>

#include "queue/embedded/embedded_backend.h"
#include "queue/kafka/backend.h"
#include "queue/rabbitmq/backend.h"
#include "queue/remote/remote_backend.h"
#include "queue/sqs/sqs_backend.h"

namespace parley::node {
namespace {

const WallClock clock;

Result<std::unique_ptr<queue::Backend>> open_embedded(const BackendSetup& setup) {
  std::error_code error;
  std::filesystem::create_directories(setup.data, error);
  if (error) return invalid("the data folder " + setup.data.string() + ": " + error.message());
  auto opened = queue::embedded::EmbeddedBackend::open(store::real_files(), setup.data / "messages", clock);
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
  return invalid("'" + std::string(at) + "' is no place for messages; there are: " + known);
}

bool uses_messages(const contract::Contract& contract) {
  if (!contract.events().empty()) return true;
  const auto is_used = [](const contract::Method& m) { return m.queue || m.subscribe; };
  return std::ranges::any_of(contract.services(), [&](const contract::Service& service) {
    return std::ranges::any_of(service.methods, is_used);
  });
}

Result<std::unique_ptr<queue::Backend>> open_messages(const Config& config) {
  const std::string at = config.messages.empty() ? "embedded" : config.messages;
  const auto scheme = backend_scheme(at);
  if (!scheme) return fail(scheme.error());
  auto opened = (*scheme)->open({.at = at, .data = config.folder / config.data, .folder = config.folder});
  if (!opened) return fail(std::move(opened).error().during("messages: " + std::string((*scheme)->scheme)));
  return opened;
}

}  // namespace parley::node
