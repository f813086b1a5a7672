#include "wire/sse.h"

#include <array>
#include <charconv>

namespace parley::wire {
namespace {

void put_number(std::uint64_t number, std::string& out) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  out.append(digits.data(), end);
}

// Calls `use` with each line; "a\n" has two, the second empty.
template <class Use>
void each_line(std::string_view text, const Use& use) {
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    use(text.substr(0, end));
    if (end == std::string_view::npos) return;
    const bool crlf = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (crlf ? 2 : 1));
  }
}

}  // namespace

void put_sse(const SseEvent& event, std::string& out) {
  if (!event.type.empty()) out.append("event: ").append(event.type).append(1, '\n');
  if (event.id != 0) {
    out.append("id: ");
    put_number(event.id, out);
    out += '\n';
  }
  each_line(event.data, [&](std::string_view line) { out.append("data: ").append(line).append(1, '\n'); });
  out += '\n';
}

void put_sse_comment(std::string_view text, std::string& out) {
  each_line(text, [&](std::string_view line) { out.append(": ").append(line).append(1, '\n'); });
  out += '\n';
}

}  // namespace parley::wire
