// Retry-After, in an HTTP answer (RFC 9110 section 10.2.3).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/deadline.h"
#include "base/wall_time.h"

namespace parley::wire {

// A date in any of the three forms that section 5.6.7 wants understood. Nothing if it is malformed.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

// How long to wait: seconds, or until a date, counted from `date` (the answer's own Date: the two clocks may differ),
// or from `now` where that is missing. A date that has passed is zero. Nothing if `text` is malformed.
std::optional<Duration> parse_retry_after(std::string_view text, std::string_view date, WallTime now);

}  // namespace parley::wire
