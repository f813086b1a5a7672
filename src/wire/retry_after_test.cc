#include "wire/retry_after.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds example(784111777s);  // RFC 9110 section 5.6.7

TEST(RetryAfter, DatesInEachForm) {
  const struct {
    const char* text;
    std::optional<std::chrono::sys_seconds> want;
  } cases[] = {
      {"Sun, 06 Nov 1994 08:49:37 GMT", example},
      {"Sunday, 06-Nov-94 08:49:37 GMT", example},
      {"Sun Nov  6 08:49:37 1994", example},
      {"Thu, 01 Jan 1970 00:00:00 GMT", std::chrono::sys_seconds(0s)},
      {"", std::nullopt},
      {"tomorrow", std::nullopt},
      {"Sun, 06 Nov 1994 08:49:37 CET", std::nullopt},
      {"Sun, 06 Now 1994 08:49:37 GMT", std::nullopt},
      {"Sun, 31 Feb 1994 08:49:37 GMT", std::nullopt},
      {"Sun, 06 Nov 1994 24:49:37 GMT", std::nullopt},
      {"Sun, 06 Nov 1994 08:49 GMT", std::nullopt},
      {"Sun, 06 Nov 1994 08:49:37 GMT and more", std::nullopt},
      {"Sun, 06 Nov 99999999999999999999 08:49:37 GMT", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_http_date(c.text), c.want) << c.text;
}

TEST(RetryAfter, HowLongToWait) {
  constexpr const char* minute_before = "Sun, 06 Nov 1994 08:48:37 GMT";
  constexpr const char* at = "Sun, 06 Nov 1994 08:49:37 GMT";
  const struct {
    const char* text;
    const char* date;
    std::optional<Duration> want;
  } cases[] = {
      {"120", "", 2min},
      {"0", "", 0s},
      {at, minute_before, 1min},
      {at, "", 10s},
      {at, "rubbish", 10s},
      {minute_before, at, 0s},
      {"-1", "", std::nullopt},
      {"1.5", "", std::nullopt},
      {"soon", "", std::nullopt},
      {"", "", std::nullopt},
      {"99999999999999999999", "", std::chrono::duration_cast<std::chrono::seconds>(Duration::max())},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_retry_after(c.text, c.date, example - 10s), c.want) << c.text;
}

}  // namespace
}  // namespace parley::wire
