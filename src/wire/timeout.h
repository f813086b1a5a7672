// Time-outs as the rpc protocols write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"

namespace parley::wire {

// `grpc-timeout`: one to eight digits and a unit of "HMSmun" (PROTOCOL-HTTP2.md, "Timeout"). Nothing if malformed.
// A value beyond what Duration holds saturates: Deadline::after makes it never.
std::optional<Duration> parse_grpc_timeout(std::string_view text);
// The finest unit that eight digits hold, rounded up, so that a time-out never gets longer by more than a unit nor
// becomes 0 while time is left. Negative is "0n".
std::string format_grpc_timeout(Duration timeout);

// `connect-timeout-ms`: one to ten digits. Nothing if malformed.
std::optional<Duration> parse_connect_timeout(std::string_view text);
std::string format_connect_timeout(Duration timeout);

}  // namespace parley::wire
