// Server-sent events (WHATWG HTML, "Parsing an event stream"), the receiving side. The same bytes in any chunking give
// the same events.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::route {

class SseReader {
 public:
  struct Event {
    std::string type;  // "" is "message"
    std::string data;
  };
  // `max_event`: bytes of one event.
  explicit SseReader(std::size_t max_event) : max_event_(max_event) {}

  void feed(std::string_view chunk) { buffer_.append(chunk); }
  // The next event that has data; nothing: needs another chunk. An event without its empty line is dropped, as browsers
  // do. Errors: resource_exhausted.
  Result<std::optional<Event>> next();

 private:
  std::optional<std::string_view> next_line();
  void take_field(std::string_view line);

  std::size_t max_event_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool after_cr_ = false;  // an LF that follows belongs to the line before
  bool first_line_ = true;
  Event event_;
  bool has_data_ = false;
};

}  // namespace parley::route
