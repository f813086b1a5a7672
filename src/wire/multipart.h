// multipart/form-data (RFC 7578, RFC 2046 section 5.1), read in any chunking. No io.
//
//   parser.feed(chunk);
//   for (;;) { auto event = parser.next(); … if (event->kind == need_more) break; … }
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::wire {

struct PartHead {
  std::string name;  // of the form's field; "" if the part does not say
  std::optional<std::string>
      filename;              // as the client says it: a name, never a path to trust; `filename*` wins (RFC 5987)
  std::string content_type;  // "" if the part does not say: text/plain by RFC 7578 section 4.4
};

class MultipartParser {
 public:
  struct Limits {
    std::size_t head_bytes = 8 * 1024;  // of one part's header block
    std::size_t parts = 1000;
  };
  enum class Kind {
    need_more,  // feed another chunk
    begin,      // `head` describes the part that begins
    data,       // `data` is its next piece
    end,        // of the part
    done,       // of the body; what follows is skipped
  };
  struct Event {
    Kind kind;
    std::string_view data;           // valid until the next call
    const PartHead* head = nullptr;  // valid until the next part
  };

  explicit MultipartParser(std::string_view boundary) : MultipartParser(boundary, Limits()) {}
  MultipartParser(std::string_view boundary, Limits limits);

  // Only after `next` gave need_more, or at first.
  void feed(std::string_view chunk);
  // Errors: invalid_argument for malformed parts, resource_exhausted for a limit; the caller's fault, and final.
  Result<Event> next();
  // At the end of the body. Errors: invalid_argument where the closing boundary is missing.
  Result<void> finish() const;

 private:
  Result<Event> skip_preamble();
  Result<Event> after_delimiter();
  Result<Event> read_head();
  Result<Event> read_data();
  Result<void> parse_head(std::string_view block);
  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }

  enum class State { preamble, delimiter, head, data_start, data, done };

  std::string delimiter_;  // "\r\n--boundary"
  Limits limits_;
  State state_ = State::preamble;
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t parts_ = 0;
  PartHead head_;
};

}  // namespace parley::wire
