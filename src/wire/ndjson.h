// Cuts a body into JSON texts, without parsing them: lines (NDJSON), or values that follow one another, also as the
// elements of one array (`application/json`). Whether a text is JSON is for its reader to say.
//
// The same bytes in any chunking give the same texts. A text is copied at most once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::wire {

class JsonSplitter {
 public:
  enum class Framing {
    lines,   // one text a line; empty lines are skipped
    values,  // concatenated values, or one array: then its elements
  };
  // `max_text`: bytes of one text.
  JsonSplitter(Framing framing, std::size_t max_text) : framing_(framing), max_text_(max_text) {}

  // Adds a chunk. Only after `next` gave nothing (or for the first chunk).
  void feed(std::string_view chunk);
  // No more chunks will come: an unfinished text at the end becomes visible.
  void end() { ended_ = true; }
  // The next complete text, valid until the next call; nothing: needs another chunk, or the end was reached.
  // Errors: resource_exhausted for a text above the limit; invalid_argument for broken framing (an array without its
  // end, text after it). The caller's fault, and final.
  Result<std::optional<std::string_view>> next();

 private:
  using Next = Result<std::optional<std::string_view>>;
  Next next_line();
  Next next_value();
  Next take(std::size_t size);
  Result<bool> begin_value();
  bool scan_value();
  std::unexpected<Error> too_large() const;

  enum class Place { start, values, first_element, element, after_element, after_array };

  Framing framing_;
  std::size_t max_text_;
  bool ended_ = false;
  std::string buffer_;
  std::size_t at_ = 0;       // start of the current text
  std::size_t scanned_ = 0;  // how far it was looked at
  Place place_ = Place::start;
  int depth_ = 0;
  bool in_value_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace parley::wire
