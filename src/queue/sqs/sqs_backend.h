// Queues on Amazon SQS, or on a server that speaks its protocol. docs/formats/delivery-sqs.md says what is native, what
// is emulated and what is refused.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/wall_time.h"
#include "queue/broker.h"
#include "queue/sqs/settings.h"

namespace parley::queue::sqs {

// As the node's configuration names it: parse_settings() with the process' environment. `folder`: where a relative `ca`
// starts.
Result<std::unique_ptr<Backend>> open_backend(std::string_view address, const std::filesystem::path& folder);

// `clock` outlives the backend and its brokers. Nothing is sent before declare(), which waits for a service that is
// away (Reach).
std::unique_ptr<Backend> make_backend(Settings settings, const WallClock& clock);

}  // namespace parley::queue::sqs
