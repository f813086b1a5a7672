#include "contract/well_known.h"

#include <array>
#include <chrono>

#include "contract/number_text.h"

namespace parley::contract {

namespace {

constexpr std::int64_t least_timestamp = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t most_timestamp = 253'402'300'799;   // 9999-12-31T23:59:59Z
constexpr std::int64_t most_duration = 315'576'000'000;
constexpr std::int32_t billion = 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes exactly `count` digits from the front.
bool take_digits(std::string_view& text, std::size_t count, int& value) {
  if (text.size() < count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// ".5" to nanoseconds, one to nine digits; nothing is taken if there is no point.
bool take_fraction(std::string_view& text, std::int32_t& nanos) {
  nanos = 0;
  if (!take(text, '.')) return true;
  std::int32_t unit = billion;
  while (!text.empty() && is_digit(text[0])) {
    if (unit == 1) return false;
    unit /= 10;
    nanos += unit * (text[0] - '0');
    text.remove_prefix(1);
  }
  return unit != billion;
}

// "Z", or hours and minutes east of UTC, in seconds.
bool take_offset(std::string_view& text, std::int64_t& offset) {
  offset = 0;
  if (take(text, 'Z')) return true;
  const bool west = text.starts_with('-');
  if (!take(text, west ? '-' : '+')) return false;
  int hours = 0;
  int minutes = 0;
  if (!take_digits(text, 2, hours) || !take(text, ':') || !take_digits(text, 2, minutes)) return false;
  offset = (hours * 60 + minutes) * (west ? -60 : 60);
  return hours < 24 && minutes < 60;
}

std::string bad(std::string_view what, std::string_view text) {
  return "expected " + std::string(what) + ", got \"" + std::string(text.substr(0, 40)) + "\"";
}

char* put_two(char* to, unsigned value) {
  *to++ = static_cast<char>('0' + value / 10);
  *to++ = static_cast<char>('0' + value % 10);
  return to;
}

char* put_fraction(char* to, std::int32_t nanos) {
  if (nanos == 0) return to;
  int places = 9;
  for (; places > 3 && nanos % 1000 == 0; places -= 3) nanos /= 1000;
  *to = '.';
  for (int i = places; i > 0; --i, nanos /= 10) to[i] = static_cast<char>('0' + nanos % 10);
  return to + places + 1;
}

}  // namespace

std::string get_timestamp(std::string_view text, SecondsNanos& value) {
  constexpr std::string_view form = "a timestamp such as 2030-01-31T12:00:00Z";
  std::string_view rest = text;
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t offset = 0;
  const bool well_formed = take_digits(rest, 4, year) && take(rest, '-') && take_digits(rest, 2, month) &&
                           take(rest, '-') && take_digits(rest, 2, day) && take(rest, 'T') &&
                           take_digits(rest, 2, hour) && take(rest, ':') && take_digits(rest, 2, minute) &&
                           take(rest, ':') && take_digits(rest, 2, second) && take_fraction(rest, value.nanos) &&
                           take_offset(rest, offset) && rest.empty();
  if (!well_formed) return bad(form, text);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return bad("a day and time that exist", text);
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  value.seconds = days * 86'400 + hour * 3600 + minute * 60 + second - offset;
  if (value.seconds < least_timestamp || value.seconds > most_timestamp) return bad("a year from 1 to 9999", text);
  return {};
}

char* put_timestamp(char* to, SecondsNanos value) {
  if (value.seconds < least_timestamp || value.seconds > most_timestamp || value.nanos < 0 || value.nanos >= billion) {
    return nullptr;
  }
  const std::chrono::sys_seconds when{std::chrono::seconds(value.seconds)};
  const auto midnight = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(midnight);
  const auto second = static_cast<unsigned>((when - midnight).count());
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  to = put_two(put_two(to, year / 100), year % 100);
  *to++ = '-';
  to = put_two(to, static_cast<unsigned>(date.month()));
  *to++ = '-';
  to = put_two(to, static_cast<unsigned>(date.day()));
  *to++ = 'T';
  to = put_two(to, second / 3600);
  *to++ = ':';
  to = put_two(to, second / 60 % 60);
  *to++ = ':';
  to = put_two(to, second % 60);
  to = put_fraction(to, value.nanos);
  *to++ = 'Z';
  return to;
}

std::string get_duration(std::string_view text, SecondsNanos& value) {
  constexpr std::string_view form = "a duration such as 1.5s";
  std::string_view rest = text;
  const bool negative = take(rest, '-');
  std::int64_t seconds = 0;
  const std::size_t before = rest.size();
  for (; !rest.empty() && is_digit(rest[0]); rest.remove_prefix(1)) {
    if (seconds <= most_duration) seconds = seconds * 10 + (rest[0] - '0');
  }
  if (rest.size() == before || !take_fraction(rest, value.nanos) || rest != "s") return bad(form, text);
  if (seconds > most_duration) {
    return bad("a duration of at most 315576000000s", text);
  }
  value.seconds = negative ? -seconds : seconds;
  if (negative) value.nanos = -value.nanos;
  return {};
}

char* put_duration(char* to, SecondsNanos value) {
  const bool signs_differ = (value.seconds < 0 && value.nanos > 0) || (value.seconds > 0 && value.nanos < 0);
  if (value.seconds < -most_duration || value.seconds > most_duration || value.nanos <= -billion ||
      value.nanos >= billion || signs_differ) {
    return nullptr;
  }
  if (value.seconds < 0 || value.nanos < 0) *to++ = '-';
  to = put_uint(to, static_cast<std::uint64_t>(value.seconds < 0 ? -value.seconds : value.seconds));
  to = put_fraction(to, value.nanos < 0 ? -value.nanos : value.nanos);
  *to++ = 's';
  return to;
}

bool path_from_json(std::string_view json, std::string& path) {
  if (json.empty()) return false;
  for (const char c : json) {
    if (c == '_') return false;
    if (c >= 'A' && c <= 'Z') {
      path += '_';
      path += static_cast<char>(c - 'A' + 'a');
    } else {
      path += c;
    }
  }
  return true;
}

bool path_to_json(std::string_view path, std::string& json) {
  if (path.empty()) return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if ((c >= 'A' && c <= 'Z') || c == ',') return false;  // a comma stands between two paths
    if (c != '_') {
      json += c;
      continue;
    }
    ++i;
    if (i == path.size() || path[i] < 'a' || path[i] > 'z') return false;
    json += static_cast<char>(path[i] - 'a' + 'A');
  }
  return true;
}

}  // namespace parley::contract
