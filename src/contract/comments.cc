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
  const auto is_upper = [&](std::size_t i) {
    return i < rpc.size() && std::isupper(static_cast<unsigned char>(rpc[i])) != 0;
  };
  std::string out;
  for (std::size_t i = 0; i < rpc.size(); ++i) {
    const bool starts_word = i > 0 && is_upper(i) && !is_upper(i - 1);
    if (starts_word) out += ' ';
    const bool acronym = is_upper(i + 1);  // GetURL: "Get URL"
    out += starts_word && !acronym ? static_cast<char>(std::tolower(static_cast<unsigned char>(rpc[i]))) : rpc[i];
  }
  return out;
}

}  // namespace parley::contract
