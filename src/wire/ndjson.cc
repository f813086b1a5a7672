#include "wire/ndjson.h"

#include <utility>

namespace parley::wire {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_blank(std::string_view line) {
  for (const char c : line) {
    if (!is_space(c)) return false;
  }
  return true;
}

}  // namespace

void JsonSplitter::feed(std::string_view chunk) {
  buffer_.erase(0, at_);
  scanned_ -= at_;
  at_ = 0;
  buffer_.append(chunk);
}

JsonSplitter::Next JsonSplitter::next() { return framing_ == Framing::lines ? next_line() : next_value(); }

std::unexpected<Error> JsonSplitter::too_large() const {
  return fail(Error(Code::resource_exhausted, Blame::caller,
                    "a message of the body is larger than " + std::to_string(max_text_) + " bytes")
                  .with_reason("message_too_large"));
}

JsonSplitter::Next JsonSplitter::take(std::size_t size) {
  if (size > max_text_) return too_large();
  const std::string_view text = std::string_view(buffer_).substr(at_, size);
  at_ += size;
  scanned_ = at_;
  return text;
}

JsonSplitter::Next JsonSplitter::next_line() {
  for (;;) {
    const std::size_t newline = buffer_.find('\n', scanned_);
    if (newline == std::string::npos && !ended_) {
      scanned_ = buffer_.size();
      if (scanned_ - at_ > max_text_) return too_large();
      return std::nullopt;
    }
    const std::size_t end = newline == std::string::npos ? buffer_.size() : newline;
    if (at_ == buffer_.size()) return std::nullopt;
    auto line = take(end - at_);
    if (newline != std::string::npos) scanned_ = ++at_;
    if (!line || !is_blank(**line)) return line;
  }
}

// Looks on at the value that starts at at_; true once its end is at scanned_. A value that is no string, array or
// object ends at what cannot be part of it.
bool JsonSplitter::scan_value() {
  for (; scanned_ < buffer_.size(); ++scanned_) {
    const char c = buffer_[scanned_];
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
        if (depth_ == 0) return ++scanned_, true;
      }
      continue;
    }
    const bool opens = c == '{' || c == '[';
    const bool closes = c == '}' || c == ']';
    if (depth_ == 0 && scanned_ != at_ && (opens || closes || c == ',' || c == '"' || is_space(c))) return true;
    if (c == '"') in_string_ = true;
    if (opens) ++depth_;
    if (closes && --depth_ <= 0) return ++scanned_, true;
  }
  return false;
}

// Between two values, at a character that is no space: true if a value begins here, else the character is passed over.
Result<bool> JsonSplitter::begin_value() {
  const char c = buffer_[at_];
  switch (place_) {
    case Place::start:
      place_ = c == '[' ? Place::first_element : Place::values;
      if (c != '[') return true;
      break;
    case Place::values:
    case Place::element: return true;
    case Place::first_element:
      if (c != ']') return true;
      place_ = Place::after_array;
      break;
    case Place::after_element:
      if (c != ',' && c != ']')
        return invalid("an element of the body's JSON array is followed by neither ',' nor ']'");
      place_ = c == ',' ? Place::element : Place::after_array;
      break;
    case Place::after_array: return invalid("text follows the body's JSON array");
  }
  scanned_ = ++at_;
  return false;
}

JsonSplitter::Next JsonSplitter::next_value() {
  while (!in_value_) {
    while (at_ < buffer_.size() && is_space(buffer_[at_])) ++at_;
    scanned_ = at_;
    if (at_ == buffer_.size()) {
      const bool open_array = place_ != Place::start && place_ != Place::values && place_ != Place::after_array;
      if (ended_ && open_array) return invalid("the body's JSON array has no end");
      return std::nullopt;
    }
    auto begins = begin_value();
    if (!begins) return fail(std::move(begins).error());
    in_value_ = *begins;
  }
  if (!scan_value() && !ended_) {
    if (scanned_ - at_ > max_text_) return too_large();
    return std::nullopt;
  }
  in_value_ = in_string_ = escaped_ = false;
  depth_ = 0;
  if (place_ == Place::first_element || place_ == Place::element) place_ = Place::after_element;
  return take(scanned_ - at_);
}

}  // namespace parley::wire
