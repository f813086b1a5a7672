#include "route/http/sse_reader.h"

#include <utility>

namespace parley::route {

// Lines end with CR, LF or CRLF.
std::optional<std::string_view> SseReader::next_line() {
  if (after_cr_ && at_ < buffer_.size()) {
    if (buffer_[at_] == '\n') ++at_;
    after_cr_ = false;
  }
  const std::size_t end = buffer_.find_first_of("\r\n", at_);
  if (end == std::string::npos) {
    buffer_.erase(0, at_);
    at_ = 0;
    return std::nullopt;
  }
  std::string_view line = std::string_view(buffer_).substr(at_, end - at_);
  after_cr_ = buffer_[end] == '\r';
  at_ = end + 1;
  if (std::exchange(first_line_, false) && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  return line;
}

void SseReader::take_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") event_.type = value;
  if (name != "data") return;
  if (std::exchange(has_data_, true)) event_.data += '\n';
  event_.data += value;
}

Result<std::optional<SseReader::Event>> SseReader::next() {
  while (const std::optional<std::string_view> line = next_line()) {
    if (!line->empty()) {
      take_field(*line);
      if (event_.data.size() > max_event_) break;
      continue;
    }
    Event event = std::exchange(event_, Event());
    if (std::exchange(has_data_, false)) return event;
  }
  if (event_.data.size() > max_event_ || buffer_.size() - at_ > max_event_) {
    return fail(Error(Code::resource_exhausted, Blame::upstream, "an event is larger than the limit")
                    .with_reason("upstream_message_too_large"));
  }
  return std::nullopt;
}

}  // namespace parley::route
