#include "node/messages.h"

#include <algorithm>

#include "queue/rabbitmq/backend.h"

namespace parley::node {
namespace {

Result<std::unique_ptr<queue::Backend>> open_embedded(const BackendSetup&) {
  return fail(Error(Code::unimplemented, Blame::us, "the embedded store is not part of this build"));
}

Result<std::unique_ptr<queue::Backend>> open_rabbitmq(const BackendSetup& setup) {
  static const WallClock clock;
  return queue::rabbitmq::make_backend(setup.at, clock, setup.folder);
}

// In the order in which messages name them.
constexpr BackendScheme schemes[] = {
    {"embedded", "embedded", open_embedded},
    {"rabbitmq", "rabbitmq://host", open_rabbitmq},
    {"rabbitmqs", "rabbitmqs://host", open_rabbitmq},
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
