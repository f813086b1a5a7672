// JsonReader: a strict tokenizer of JSON text (RFC 8259) for a recursive-descent parser. It owns the place in the text
// and the first error; each function returns false once something is wrong, and the callers only pass that on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "contract/number_text.h"
#include "contract/text_scan.h"

namespace parley::contract {

// A string token: what stands between the quotes.
struct JsonString {
  std::string_view raw;
  bool escaped = false;  // holds backslashes
};

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  // ---- the place

  const char* at() const { return at_; }
  const char* end() const { return end_; }
  void move_to(const char* place) { at_ = place; }
  // The next character that is not white space, without taking it; 0 at the end.
  char peek() {
    if (at_ != end_ && static_cast<unsigned char>(*at_) > ' ') [[likely]]
      return *at_;
    return peek_after_space();
  }
  // Takes `c` if it is next.
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool expect(char c, std::string_view what) { return take(c) || fail_expected(what); }
  // Nothing but white space is left.
  bool expect_end();

  // ---- tokens; each begins at peek()

  bool read_string(JsonString& token);
  // The characters of a string, unescaped into `scratch` only where needed. The view lives as long as both text and
  // scratch.
  bool read_text(std::string_view& text, std::string& scratch);
  // The text of a number, checked against the grammar.
  bool read_number(std::string_view& text);
  // `true`, `false` or `null`, whichever `word` is.
  bool take_word(std::string_view word);
  // Any value, checked as strictly as those that are used.
  bool skip_value(int depth);

  // ---- errors

  // Records the first error, at `place`. Always false.
  bool fail(const char* place, std::string message);
  bool fail(std::string message) { return fail(at_, std::move(message)); }
  // "expected WHAT, got a string"
  bool fail_expected(std::string_view what);
  bool failed() const { return failed_; }
  // What stands at peek(), for messages: `"abc"`, `12`, `an object`, `the end`.
  std::string found();

  // The parser calls these while it returns from an error, innermost first.
  void in_field(std::string_view field) { path_.insert(0, "." + std::string(field)); }
  void in_key(std::string_view key) { path_.insert(0, "[" + std::string(key) + "]"); }
  void in_element(std::size_t index) { path_.insert(0, "[" + std::to_string(index) + "]"); }
  void too_large() { too_large_ = true; }
  // "$.items[2].price: expected an int32, got "x" (line 3, column 14)"
  Error error() const;

 private:
  char peek_after_space();
  bool skip_object(int depth);
  bool skip_array(int depth);

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* error_at_ = nullptr;
  bool failed_ = false;
  bool too_large_ = false;
  std::string message_;
  std::string path_;
};

}  // namespace parley::contract
