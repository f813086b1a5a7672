// A table for people: columns as wide as they need, colour only on a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/wall_time.h"

namespace parley::cli {

enum class Tone : std::uint8_t { plain, faint, warning, bad };

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
  bool right = false;  // numbers
};

// Prints to standard output, as `printable`; the first row is the head.
void print_table(const std::vector<std::vector<Cell>>& rows);

// "3m", "2h 5m", "4d 1h": how long ago, or how long until.
std::string age(WallTime then, WallTime now);

}  // namespace parley::cli
