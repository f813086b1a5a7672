// The process' log, for people: one line an event, to standard error. Access logs and metrics are the telemetry
// filter's. Never log a secret: no header values of authorization, cookies or keys, no message bodies.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace parley::log {

enum class Level { debug, info, warn, error };

// Lines below this level are dropped; `info` until set.
void set_level(Level level);
bool enabled(Level level);
// One line, whatever is in it: names, ids and reasons come from producers and handlers, so its control characters are
// written as `printable` has them.
void write(Level level, std::string_view line);
// A text of ours that may have several lines: an event each.
void write_lines(Level level, std::string_view text);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warn)) write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace parley::log
