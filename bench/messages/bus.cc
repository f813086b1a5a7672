#include "bus.h"

#include <algorithm>
#include <charconv>

#include "../load/lines.h"

namespace parley::bench {
namespace {

// The stamp is wall-clock time, as in lines.h; what is due is on the steady clock.
long long as_wall(Instant due) {
  return now_ns() - std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - due).count();
}

}  // namespace

void Bus::confirmed(int producer, Instant due) {
  --in_flight_[static_cast<std::size_t>(producer)];
  ++counts.confirmed;
  counts.confirm_us.push_back(std::chrono::duration<float, std::micro>(Clock::now() - due).count());
}

void Bus::handled(std::string_view payload) {
  ++counts.handled;
  const std::size_t mark = payload.find(line_mark);
  if (mark == std::string_view::npos) return;
  const std::string_view digits = payload.substr(mark + line_mark.size(), line_digits);
  long long made = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), made).ec == std::errc())
    counts.handle_us.push_back(static_cast<float>(now_ns() - made) / 1000);
}

std::string_view Bus::stamped(Instant due) {
  if (payload_.empty()) {
    payload_ = std::string(line_mark) + std::string(line_digits, '0');
    payload_.resize(std::max(payload_.size(), options_.bytes), '.');
  }
  const std::string digits = std::to_string(as_wall(due));
  payload_.replace(line_mark.size(), line_digits, digits);
  return payload_;
}

}  // namespace parley::bench
