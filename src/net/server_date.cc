#include "net/server_date.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace parley::net {

std::string_view http_date() {
  // Not strftime: its names of days and months follow the locale.
  static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static thread_local std::time_t formatted = 0;
  static thread_local std::array<char, 64> text{};
  static thread_local std::size_t size = 0;
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != formatted) {
    formatted = now.tv_sec;
    std::tm t{};
    gmtime_r(&formatted, &t);
    const int written = std::snprintf(
        text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[static_cast<std::size_t>(t.tm_wday)],
        t.tm_mday, months[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    size = static_cast<std::size_t>(written);
  }
  return {text.data(), size};
}

}  // namespace parley::net
