#include "cli/table.h"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

#include "base/text.h"

namespace parley::cli {
namespace {

const char* colour(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::faint: return "\x1b[2m";
    case Tone::warning: return "\x1b[33m";
    case Tone::bad: return "\x1b[31m";
  }
  return "";
}

// Letters, not bytes: UTF-8 continues with 10xxxxxx.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

void print_table(const std::vector<std::vector<Cell>>& written) {
  std::vector<std::vector<Cell>> rows = written;
  for (auto& row : rows) {
    for (Cell& cell : row) cell.text = printable(cell.text);
  }
  const bool coloured = isatty(STDOUT_FILENO) != 0;
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Cell& cell = row[i];
      const Tone tone = &row == &rows.front() ? Tone::faint : cell.tone;
      const std::string padding(widths[i] - width(cell.text), ' ');
      if (i != 0) line += "  ";
      if (cell.right) line += padding;
      if (coloured) line += colour(tone);
      line += cell.text;
      if (coloured && tone != Tone::plain) line += "\x1b[0m";
      if (!cell.right && i + 1 != row.size()) line += padding;
    }
    std::printf("%s\n", line.c_str());
  }
}

std::string age(WallTime then, WallTime now) {
  using namespace std::chrono;
  const auto seconds = duration_cast<std::chrono::seconds>(then < now ? now - then : then - now).count();
  const auto two = [](auto large, const char* unit, auto small, const char* part) {
    std::string out = std::to_string(large) + unit;
    return small == 0 ? out : out + " " + std::to_string(small) + part;
  };
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return two(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return two(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return two(seconds / 86'400, "d", seconds % 86'400 / 3600, "h");
}

}  // namespace parley::cli
