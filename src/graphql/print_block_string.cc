#include <algorithm>
#include <vector>

#include "graphql/print.h"
#include "graphql/utf8.h"

namespace parley::graphql {
namespace {

bool begins_blank(std::string_view text) { return text.starts_with(' ') || text.starts_with('\t'); }

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t from = 0;;) {
    const std::size_t at = text.find(R"(""")", from);
    out.append(text.substr(from, at - from));
    if (at == std::string_view::npos) return out;
    out += R"(\""")";
    from = at + 3;
  }
}

// Every line after the first is empty or indented: read back, that would be taken for common indentation.
bool looks_indented(std::string_view text) {
  for (std::size_t end = text.find_first_of("\r\n"); end != std::string_view::npos; end = text.find_first_of("\r\n")) {
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
    if (!text.empty() && text[0] != '\n' && text[0] != '\r' && !begins_blank(text)) return false;
  }
  return true;
}

}  // namespace

// No control characters, no blank line at either end, and some line that is not indented.
bool can_be_block_string(std::string_view text) {
  if (text.empty()) return true;
  bool line_empty = true;
  bool indented = false;
  bool all_indented = true;
  bool seen_line = false;
  for (const char c : text) {
    if (c == '\n') {
      if (line_empty && !seen_line) return false;
      seen_line = true;
      line_empty = true;
      indented = false;
    } else if (c == ' ' || c == '\t') {
      indented = indented || line_empty;
    } else if (static_cast<unsigned char>(c) < 0x10) {
      return false;
    } else {
      all_indented = all_indented && indented;
      line_empty = false;
    }
  }
  return !line_empty && !(all_indented && seen_line);
}

void print_block_string(std::string_view text, std::string& out) {
  constexpr std::uint32_t long_line = 70;
  const std::string body = escaped(text);
  const bool one_line = body.find_first_of("\r\n") == std::string::npos;
  const bool indented = !one_line && looks_indented(body);
  const bool ends_in_triple = body.ends_with(R"(\""")");
  const bool needs_end = (text.ends_with('"') && !ends_in_triple) || text.ends_with('\\');
  const bool own_lines = !one_line || utf16_size(text) > long_line || needs_end || indented || ends_in_triple;
  out += R"(""")";
  if ((own_lines && !(one_line && begins_blank(text))) || indented) out += '\n';
  out += body;
  if (own_lines || needs_end) out += '\n';
  out += R"(""")";
}

}  // namespace parley::graphql
