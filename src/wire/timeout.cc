#include "wire/timeout.h"

#include <cstdint>

namespace parley::wire {
namespace {

struct Unit {
  char letter;
  std::int64_t nanoseconds;
};
// Finest first.
constexpr Unit units[] = {
    {'n', 1}, {'u', 1'000}, {'m', 1'000'000}, {'S', 1'000'000'000}, {'M', 60'000'000'000}, {'H', 3'600'000'000'000}};
constexpr std::int64_t grpc_beyond = 100'000'000;        // the first number of nine digits
constexpr std::int64_t connect_beyond = 10'000'000'000;  // the first of eleven

std::optional<std::int64_t> digits(std::string_view text, std::size_t at_most) {
  if (text.empty() || text.size() > at_most) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

Duration scaled(std::int64_t count, std::int64_t nanoseconds) {
  if (count > Duration::max().count() / nanoseconds) return Duration::max();
  return std::chrono::nanoseconds(count * nanoseconds);
}

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) { return value / unit + (value % unit != 0 ? 1 : 0); }

}  // namespace

std::optional<Duration> parse_grpc_timeout(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto count = digits(text.substr(0, text.size() - 1), 8);
  if (!count) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.letter == text.back()) return scaled(*count, unit.nanoseconds);
  }
  return std::nullopt;
}

std::string format_grpc_timeout(Duration timeout) {
  const std::int64_t left = timeout.count() < 0 ? 0 : timeout.count();
  for (const Unit& unit : units) {
    const std::int64_t count = rounded_up(left, unit.nanoseconds);
    if (count < grpc_beyond) return std::to_string(count) + unit.letter;
  }
  return "99999999H";
}

std::optional<Duration> parse_connect_timeout(std::string_view text) {
  const auto count = digits(text, 10);
  if (!count) return std::nullopt;
  return scaled(*count, 1'000'000);
}

std::string format_connect_timeout(Duration timeout) {
  const std::int64_t left = timeout.count() < 0 ? 0 : rounded_up(timeout.count(), 1'000'000);
  return std::to_string(left < connect_beyond ? left : connect_beyond - 1);
}

}  // namespace parley::wire
