#include "lines.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace parley::bench {
namespace {

int take_number(std::string_view& in) {
  std::uint32_t value = 0;
  for (unsigned shift = 0; !in.empty() && shift < 32; shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= (byte & 0x7FU) << shift;
    if (byte < 0x80) break;
  }
  return static_cast<int>(value);
}

}  // namespace

std::pair<int, int> watch_request(std::string_view framed) {
  std::pair<int, int> request{1, 0};
  framed.remove_prefix(std::min<std::size_t>(5, framed.size()));
  while (!framed.empty()) {
    const int tag = take_number(framed);
    const int value = take_number(framed);
    if (tag == 1 << 3) request.first = value;
    if (tag == 2 << 3) request.second = value;
  }
  return request;
}

void append_line(std::string& out, int bytes) {
  std::string text(line_mark);
  text += std::to_string(now_ns());
  text.resize(std::max(text.size(), static_cast<std::size_t>(std::max(bytes, 0))), '.');
  std::string message = "\x0a";
  for (std::size_t n = text.size();; n >>= 7U) {
    message += static_cast<char>((n & 0x7FU) | (n >= 0x80 ? 0x80U : 0U));
    if (n < 0x80) break;
  }
  message += text;
  out += '\0';
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(message.size() >> shift);
  out += message;
}

long long now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace parley::bench
