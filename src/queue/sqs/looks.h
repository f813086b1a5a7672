// Looks: how often somebody looked at what waits in a queue, which SQS counts as receives of messages that nobody had
// in hands. A tag of the queue, "DAY:COUNT DAY:COUNT …" with days since 1970: for each message an upper bound of how
// many of its receives were looks. Days after which SQS has no message any more are dropped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::queue::sqs {

inline std::int64_t day_of(std::int64_t milliseconds) { return milliseconds / (24LL * 60 * 60 * 1000); }

// Of that day and later ones. What is not readable counts nothing.
int looks_since(std::string_view tag, std::int64_t day);
// The tag with one more, on `today`.
std::string with_look(std::string_view tag, std::int64_t today);

}  // namespace parley::queue::sqs
