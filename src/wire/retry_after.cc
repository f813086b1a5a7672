#include "wire/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace parley::wire {
namespace {

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t most_words = 8;

// Words between the separators that dates have. More than `most_words` are none at all.
std::size_t words_of(std::string_view text, std::array<std::string_view, most_words>& words) {
  constexpr std::string_view separators = " ,-:";
  std::size_t count = 0;
  for (std::size_t at = text.find_first_not_of(separators); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    if (count == most_words) return 0;
    words[count++] = text.substr(at, end - at);
    at = text.find_first_not_of(separators, end);
  }
  return count;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || text.front() == '-' || wrong != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  std::array<std::string_view, most_words> words;
  const std::size_t count = words_of(text, words);
  // "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"; asctime's "Sun Nov  6 08:49:37 1994".
  const bool asctime = count == 7;
  if (!asctime && (count != 8 || words[7] != "GMT")) return std::nullopt;
  const auto month = std::ranges::find(months, words[asctime ? 1 : 2]);
  const auto day = number_of(words[asctime ? 2 : 1]);
  auto year = number_of(words[asctime ? 6 : 3]);
  const std::size_t time = asctime ? 3 : 4;
  const auto hour = number_of(words[time]);
  const auto minute = number_of(words[time + 1]);
  const auto second = number_of(words[time + 2]);
  if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  if (*year > 9999 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  if (*year < 100) *year += *year < 70 ? 2000 : 1900;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::optional<Duration> parse_retry_after(std::string_view text, std::string_view date, WallTime now) {
  constexpr auto longest = std::chrono::duration_cast<std::chrono::seconds>(Duration::max());
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits) return std::min(std::chrono::seconds(number_of(text).value_or(longest.count())), longest);
  const auto until = parse_http_date(text);
  if (!until) return std::nullopt;
  const auto from = parse_http_date(date);
  const auto wait = *until - (from ? WallTime(*from) : now);
  return std::clamp<std::chrono::milliseconds>(wait, std::chrono::milliseconds::zero(), longest);
}

}  // namespace parley::wire
