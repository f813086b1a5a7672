#include "contract/comments.h"

#include <cctype>

namespace parley::contract {

std::string clean_comment(const std::string& raw) {
  std::string out;
  std::size_t from = 0;
  while (from < raw.size()) {
    const std::size_t end = std::min(raw.find('\n', from), raw.size());
    std::size_t first = from;
    if (first < end && raw[first] == ' ') ++first;
    std::size_t last = end;
    while (last > first && std::isspace(static_cast<unsigned char>(raw[last - 1])) != 0) --last;
    out.append(raw, first, last - first);
    out += '\n';
    from = end + 1;
  }
  const std::size_t begin = out.find_first_not_of('\n');
  if (begin == std::string::npos) return "";
  return out.substr(begin, out.find_last_not_of('\n') - begin + 1);
}

std::string first_sentence(const std::string& comment) {
  std::string line;
  for (std::size_t i = 0; i < comment.size(); ++i) {
    const char c = comment[i];
    const char next = i + 1 < comment.size() ? comment[i + 1] : '\n';
    if (c == '.' && std::isspace(static_cast<unsigned char>(next)) != 0) break;
    if (c == '\n' && next == '\n') break;
    line += c == '\n' ? ' ' : c;
  }
  return line;
}

std::string spaced_name(const std::string& rpc) {
  std::string out;
  for (std::size_t i = 0; i < rpc.size(); ++i) {
    const auto c = static_cast<unsigned char>(rpc[i]);
    const bool starts_word = i > 0 && std::isupper(c) != 0 && std::isupper(static_cast<unsigned char>(rpc[i - 1])) == 0;
    if (starts_word) out += ' ';
    out += static_cast<char>(starts_word ? std::tolower(c) : c);
  }
  return out;
}

}  // namespace parley::contract
