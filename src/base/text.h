// Small text helpers: units people write, parts of a line, JSON strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"

namespace parley {

// "250ms", "10s", "5m", "2h", "7d"; "0" alone is zero. Nothing for anything else, negatives and overflow included.
std::optional<Duration> parse_duration(std::string_view text);
// "4MiB", "64KiB", "1GiB", "1000", "10kB" (decimal: kB, MB, GB). Nothing for anything else.
std::optional<std::int64_t> parse_bytes(std::string_view text);

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);

// A JSON string with its quotes.
std::string json_quoted(std::string_view text);

// What producers wrote, for a terminal or a log: control characters, which would move the cursor or break a line, as
// \xNN.
std::string printable(std::string_view text);

}  // namespace parley
