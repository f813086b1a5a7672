// Ids of messages that Parley makes: UUIDs of version 7 (RFC 9562 section 5.7), so that they sort by time roughly.
#pragma once

#include <string>

#include "base/wall_time.h"

namespace parley::queue {

// Unique, not secret. "0197c3a0-5d2e-7cc1-9a70-3f1d5a2b9c44"
std::string new_message_id(WallTime now);

}  // namespace parley::queue
