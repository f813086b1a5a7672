// google.rpc.RetryInfo among an error's details (google/rpc/error_details.proto): how long to wait at least before the
// same request is sent again.
#pragma once

#include <optional>

#include "base/deadline.h"
#include "base/error.h"

namespace parley::contract {

// The first one's delay. Nothing where there is none, or where it is malformed or negative; one that Duration does not
// hold is the longest that it does.
std::optional<Duration> retry_delay(const Error& error);

// The detail that says so; `delay` is not negative.
ErrorDetail retry_info(Duration delay);

}  // namespace parley::contract
