// The lines of bench.Sockets/Watch (bench/sockets/contracts), with the time at which each was made. Every publisher of
// the fan-out rows writes the same text: "line " and 19 digits, nanoseconds since 1970, and then dots.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace parley::bench {

inline constexpr std::string_view line_mark = "line ";
inline constexpr std::size_t line_digits = 19;

// Rate and bytes of a framed WatchRequest.
std::pair<int, int> watch_request(std::string_view framed);

// One framed Line whose text has so many bytes, at least the mark and the digits.
void append_line(std::string& out, int bytes);

long long now_ns();

}  // namespace parley::bench
