#include "contract/json_reader.h"

#include <algorithm>

#include "contract/text_escape.h"

namespace parley::contract {

namespace {

constexpr std::size_t longest_shown = 40;  // of the caller's text in a message

}  // namespace

char JsonReader::peek_after_space() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  return at_ == end_ ? '\0' : *at_;
}

bool JsonReader::expect_end() {
  peek();
  return at_ == end_ || fail("expected nothing after the value, got " + found());
}

bool JsonReader::read_string(JsonString& token) {
  if (peek() != '"') return fail_expected("a string");
  const char* const start = at_ + 1;
  const char* stop = start;
  bool high = false;
  token.escaped = false;
  for (;;) {
    stop = scan_plain(stop, end_, high);
    if (stop == end_) return fail("this string has no end");
    if (*stop == '"') break;
    if (*stop != '\\') return fail(stop, "a string holds a control character: escape it");
    token.escaped = true;
    if (end_ - stop < 2) return fail("this string has no end");
    stop += 2;
    if (static_cast<unsigned char>(stop[-1]) >= 0x80) return fail(stop - 2, "unknown escape");
  }
  token.raw = {start, stop};
  if (high && !is_utf8(token.raw)) return fail("this string is not valid UTF-8");
  at_ = stop + 1;
  return true;
}

bool JsonReader::read_text(std::string_view& text, std::string& scratch) {
  JsonString token;
  if (!read_string(token)) return false;
  text = token.raw;
  if (!token.escaped) return true;
  scratch.resize(token.raw.size());
  const char* bad = nullptr;
  const char* const stop = unescape_json(scratch.data(), token.raw, bad);
  if (stop == nullptr) return fail(bad, "unknown escape, or half of a surrogate pair");
  text = {scratch.data(), stop};
  return true;
}

bool JsonReader::read_number(std::string_view& text) {
  peek();
  const char* const stop = scan_number(at_, end_);
  if (stop == nullptr) return fail_expected("a number");
  text = {at_, stop};
  at_ = stop;
  return true;
}

bool JsonReader::take_word(std::string_view word) {
  peek();
  if (!std::string_view(at_, end_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonReader::skip_value(int depth) {
  if (depth < 0) return fail("nested too deeply");
  std::string scratch;
  std::string_view text;
  switch (peek()) {
    case '{': return skip_object(depth);
    case '[': return skip_array(depth);
    case '"': return read_text(text, scratch);
    case 't': return take_word("true") || fail_expected("a value");
    case 'f': return take_word("false") || fail_expected("a value");
    case 'n': return take_word("null") || fail_expected("a value");
    default: return read_number(text) || fail_expected("a value");
  }
}

bool JsonReader::skip_object(int depth) {
  std::string scratch;
  std::string_view key;
  ++at_;
  if (take('}')) return true;
  do {
    if (!read_text(key, scratch) || !expect(':', "':'") || !skip_value(depth - 1)) return false;
  } while (take(','));
  return expect('}', "',' or '}'");
}

bool JsonReader::skip_array(int depth) {
  ++at_;
  if (take(']')) return true;
  do {
    if (!skip_value(depth - 1)) return false;
  } while (take(','));
  return expect(']', "',' or ']'");
}

std::string JsonReader::found() {
  const char first = peek();
  if (at_ == end_) return "the end of the text";
  if (first == '{') return "an object";
  if (first == '[') return "an array";
  const char* stop = at_ + 1;
  if (first == '"') {
    while (stop != end_ && *stop != '"') stop += *stop == '\\' && end_ - stop > 1 ? 2 : 1;
    if (stop != end_) ++stop;
  } else {
    constexpr std::string_view marks = ",:{}[]\" \n\r\t";
    while (stop != end_ && marks.find(*stop) == std::string_view::npos) ++stop;
  }
  std::string text(at_, std::min(stop, at_ + longest_shown));
  if (stop - at_ > static_cast<std::ptrdiff_t>(longest_shown)) text += "…";
  return is_utf8(text) ? text : "text that is not valid UTF-8";
}

bool JsonReader::fail(const char* place, std::string message) {
  if (failed_) return false;
  failed_ = true;
  error_at_ = place;
  message_ = std::move(message);
  return false;
}

bool JsonReader::fail_expected(std::string_view what) {
  if (failed_) return false;
  return fail("expected " + std::string(what) + ", got " + found());
}

Error JsonReader::error() const {
  const std::string_view before(begin_, error_at_);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const std::string place =
      " (line " + std::to_string(line) + ", column " + std::to_string(before.size() - line_start + 1) + ")";
  return {too_large_ ? Code::resource_exhausted : Code::invalid_argument, Blame::caller,
          "$" + path_ + ": " + message_ + place};
}

}  // namespace parley::contract
