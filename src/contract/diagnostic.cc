#include "contract/load.h"

namespace parley::contract {

std::string Diagnostic::text() const {
  std::string out = file;
  if (line > 0) out += ":" + std::to_string(line) + ":" + std::to_string(column);
  out += severity == Severity::error ? ": error: " : ": warning: ";
  out += message;
  if (!hint.empty()) out += " (hint: " + hint + ")";
  return out;
}

std::string Diagnostic::text_with_source() const {
  std::string out = text();
  if (source.empty()) return out;
  // Tabs stay tabs below the line, so that the caret stands where it should whatever their width.
  std::string margin;
  int at = 1;
  for (const char c : source) {
    if (at >= column) break;
    margin += c == '\t' ? '\t' : ' ';
    at = c == '\t' ? (at - 1) / 8 * 8 + 9 : at + 1;  // libprotobuf counts a tab up to the next multiple of eight
  }
  return out + "\n    " + source + "\n    " + margin + "^";
}

}  // namespace parley::contract
