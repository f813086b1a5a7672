// Messages: which backend keeps the queues and topics of a node, by `messages` of parley.yaml.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "contract/contract.h"
#include "node/config.h"
#include "queue/broker.h"

namespace parley::node {

// What a backend is made of.
struct BackendSetup {
  std::string at;                // "embedded", "kafka://broker:9092"
  std::filesystem::path data;    // the node's data folder
  std::filesystem::path folder;  // of parley.yaml: other paths start there
  std::uint64_t segment_bytes;   // of the embedded store's journal
};

struct BackendScheme {
  std::string_view scheme;   // "kafka"
  std::string_view example;  // for messages
  // Blocking: on a thread of its own.
  Result<std::unique_ptr<queue::Backend>> (*open)(const BackendSetup& setup);
};
// All there are: a line each in messages.cc.
std::span<const BackendScheme> backend_schemes();
// "embedded", "kafka" of "kafka://…". Errors: invalid_argument, naming what exists.
Result<const BackendScheme*> backend_scheme(std::string_view at);

// Whether somebody publishes or takes messages by this contract.
bool uses_messages(const contract::Contract& contract);

// Opens what the configuration says: one backend, or several as one. Blocking. Errors: the backend's, with what it was
// to open.
Result<std::unique_ptr<queue::Backend>> open_messages(const Config& config);

// Whether every queue and topic that the configuration names is in the contract. Errors: invalid_argument, with the
// place and the nearest name.
Result<void> check_places(const Config& config, const queue::Declarations& declared);

}  // namespace parley::node
