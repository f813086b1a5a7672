// Block strings: the common indentation and the blank lines around the text are no part of the value (September 2025,
// String Value, BlockStringValue).
#include <algorithm>
#include <vector>

#include "graphql/lexer.h"

namespace parley::graphql {
namespace {

std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

std::vector<std::string_view> lines_of(std::string_view raw) {
  std::vector<std::string_view> lines;
  std::size_t from = 0;
  for (;;) {
    const std::size_t end = raw.find_first_of("\r\n", from);
    lines.push_back(raw.substr(from, end - from));
    if (end == std::string_view::npos) return lines;
    from = end + (raw.substr(end).starts_with("\r\n") ? 2 : 1);
  }
}

void append_unescaped(std::string_view line, std::string& out) {
  for (std::size_t from = 0;;) {
    const std::size_t at = line.find(R"(\""")", from);
    out.append(line.substr(from, at - from));
    if (at == std::string_view::npos) return;
    out += R"(""")";
    from = at + 4;
  }
}

}  // namespace

std::string_view block_string_value(std::string_view raw, Arena& arena) {
  const std::vector<std::string_view> lines = lines_of(raw);
  std::size_t common = std::string_view::npos;
  std::size_t first = lines.size();
  std::size_t last = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t indent = indent_of(lines[i]);
    if (indent == lines[i].size()) continue;
    first = std::min(first, i);
    last = i;
    if (i > 0) common = std::min(common, indent);
  }
  std::string out;
  for (std::size_t i = first; i <= last && i < lines.size(); ++i) {
    if (i > first) out += '\n';
    append_unescaped(i == 0 ? lines[i] : lines[i].substr(std::min(common, lines[i].size())), out);
  }
  return arena.copy(out);
}

}  // namespace parley::graphql
