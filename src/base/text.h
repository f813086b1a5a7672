// Small text helpers: units people write, and the nearest of several names for a hint.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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

// The candidate with the smallest edit distance, if it is near enough to be a likely slip of the pen.
std::optional<std::string_view> nearest(std::string_view wanted, std::span<const std::string_view> candidates);

// A JSON string with its quotes.
std::string json_quoted(std::string_view text);

}  // namespace parley
