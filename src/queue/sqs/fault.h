// What SQS answers instead of what was asked for, as canonical codes.
#pragma once

#include <string_view>

#include "base/error.h"

namespace parley::queue::sqs {

// `code` as the JSON protocol has it ("com.amazonaws.sqs#QueueDoesNotExist") or as batches and older services do
// ("AWS.SimpleQueueService.NonExistentQueue"); `http_status` decides where the code is none that we know.
Error fault(std::string_view code, std::string_view message, int http_status);

// The reason of a service that is asked too much.
inline constexpr std::string_view throttled_reason = "sqs_throttled";

// Whether the same request may work in a moment: throttled, or an error of the service (the SDKs' standard mode).
bool is_transient(std::string_view code, int http_status);

// failed_precondition "lease_lost".
Error lease_lost(std::string_view why);
bool is_lease_lost(const Error& error);

// unimplemented "not_by_this_backend".
Error not_by_sqs(std::string_view what);

}  // namespace parley::queue::sqs
