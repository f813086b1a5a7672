// Kafka as a backend of queues and topics. It ends before the shards that it was opened on.
// docs/formats/delivery-kafka.md says what is native, emulated and refused.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/wall_time.h"
#include "queue/broker.h"

namespace parley::queue::kafka {

// `url` as settings.h has it. Does not connect yet. Errors: invalid_argument (the address), which never quote its
// password.
// `folder`: where a relative `ca` begins.
Result<std::unique_ptr<Backend>> make_backend(std::string_view url, const WallClock& clock,
                                              const std::filesystem::path& folder = {});

}  // namespace parley::queue::kafka
