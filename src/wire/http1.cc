// The parser: what comes when, the blocks that lines make, and bodies. Heads are http1_head.cc's.
#include "wire/http1.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "wire/http1_text.h"

namespace parley::wire {
namespace {

using namespace http1;

constexpr std::size_t field_overhead = 4;      // ": " and CRLF, which field limits do not count
constexpr std::size_t chunk_line_bytes = 256;  // size and extensions of a chunk
constexpr std::size_t chunk_digits = 16;
constexpr std::size_t most_empty_lines = 4;  // before a request line (RFC 9112 section 2.2 asks for one)

constexpr Http1Error bare_lf{400, "a line ends without CR"};
constexpr Http1Error too_many_fields{431, "too many header fields"};

}  // namespace

Http1Parser::Outcome Http1Parser::broken(const Http1Error& problem) {
  state_ = State::broken;
  error_ = problem;
  return std::unexpected(error_);
}

Http1Parser::Outcome Http1Parser::next(std::string_view& in) {
  if (partial_is_used_) {
    partial_is_used_ = false;
    partial_.clear();
    if (partial_.capacity() > 4096) partial_.shrink_to_fit();
  }
  for (;;) {
    switch (state_) {
      case State::broken: return std::unexpected(error_);
      case State::head: return take_head(in);
      case State::body:
      case State::chunk_data:
      case State::until_close: return take_body(in);
      case State::chunk_size: {
        const Outcome outcome = take_chunk_size(in);
        if (!outcome || *outcome == Event::need_more) return outcome;
        break;
      }
      case State::chunk_end: {
        const Outcome outcome = take_chunk_end(in);
        if (!outcome || *outcome == Event::need_more) return outcome;
        break;
      }
      case State::trailers: {
        const Outcome outcome = take_trailers(in);
        if (!outcome || *outcome == Event::need_more) return outcome;
        break;
      }
      case State::message_end: state_ = State::head; return Event::end;
    }
  }
}

Http1Parser::Outcome Http1Parser::finish() {
  switch (state_) {
    case State::broken: return std::unexpected(error_);
    case State::until_close:
    case State::message_end: state_ = State::head; return Event::end;
    case State::head:
      if (partial_.empty() || partial_is_used_) return Event::need_more;
      [[fallthrough]];
    default: return broken({400, "the message ends early"});
  }
}

// Blocks.

// A line that is longer than its limit is refused at the byte that exceeds it, however the bytes come.
Http1Parser::Problem Http1Parser::check_line(std::size_t size, Block block) const {
  switch (block) {
    case Block::line: return size > chunk_line_bytes ? bad(400, "a chunk's line is too long") : std::nullopt;
    case Block::head:
      if (lines_ == 0)
        return size > limits_.target_bytes + line_overhead ? bad(414, "the request line is too long") : std::nullopt;
      [[fallthrough]];
    case Block::trailers: return size > limits_.field_bytes + field_overhead ? Problem(fields_too_large) : std::nullopt;
  }
  return std::nullopt;
}

std::expected<std::size_t, Http1Error> Http1Parser::scan(std::string_view text, Block block) {
  for (;;) {
    const std::size_t lf = text.find('\n', scanned_);
    const std::size_t size = (lf == std::string_view::npos ? text.size() : lf) - scanned_;
    if (const Problem problem = check_line(size, block)) return std::unexpected(*problem);
    // All lines together are bounded too; each may be small.
    const std::size_t most =
        limits_.field_bytes + limits_.target_bytes + line_overhead + (limits_.field_count + 1) * field_overhead;
    if (scanned_ + size > most) return std::unexpected(fields_too_large);
    if (lf == std::string_view::npos) return 0;
    if (size == 0 || text[lf - 1] != '\r') return std::unexpected(bare_lf);
    scanned_ = lf + 1;
    const bool empty = size == 1;
    if (block == Block::line || (empty && (block == Block::trailers || lines_ > 0))) return scanned_;
    if (empty && scanned_ > 2 * most_empty_lines)
      return std::unexpected(Http1Error{400, "empty lines before the request"});
    if (!empty && ++lines_ > limits_.field_count + 1) return std::unexpected(too_many_fields);
  }
}

std::expected<std::optional<std::string_view>, Http1Error> Http1Parser::take_block(std::string_view& in, Block block) {
  const bool joined = !partial_.empty();
  const std::size_t before = partial_.size();
  if (joined) partial_.append(in);
  const std::string_view text = joined ? std::string_view(partial_) : in;
  const std::expected<std::size_t, Http1Error> size = scan(text, block);
  if (!size) return std::unexpected(size.error());
  if (*size == 0) {
    if (!joined) partial_.assign(in);
    in = {};
    return std::nullopt;
  }
  scanned_ = lines_ = 0;
  if (!joined) {
    const std::string_view out = in.substr(0, *size);
    in.remove_prefix(*size);
    return out;
  }
  in.remove_prefix(*size - before);
  partial_is_used_ = true;
  return std::string_view(partial_).substr(0, *size);
}

// Bodies.

Http1Parser::Outcome Http1Parser::take_body(std::string_view& in) {
  if (in.empty()) return Event::need_more;
  if (state_ == State::until_close) {
    data_ = std::exchange(in, {});
    return Event::data;
  }
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
  data_ = in.substr(0, part);
  in.remove_prefix(part);
  left_ -= part;
  if (left_ == 0) state_ = state_ == State::body ? State::message_end : State::chunk_end;
  return Event::data;
}

// Returns `data` where it went on to the next state.
Http1Parser::Outcome Http1Parser::take_chunk_size(std::string_view& in) {
  if (in.empty()) return Event::need_more;
  const auto block = take_block(in, Block::line);
  if (!block) return broken(block.error());
  if (!*block) return Event::need_more;
  std::string_view line = (*block)->substr(0, (*block)->size() - 2);
  const std::size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  if (digits == 0 || digits > chunk_digits) return broken({400, "malformed chunk size"});
  std::from_chars(line.data(), line.data() + digits, left_, 16);
  if (left_ > INT64_MAX) return broken({400, "malformed chunk size"});
  line.remove_prefix(digits);
  const std::string_view extension = trim(line);
  if (!extension.empty() && (extension.front() != ';' || !all(extension, value)))
    return broken({400, "malformed chunk extension"});
  if (extension.empty() && !line.empty()) return broken({400, "malformed chunk size"});
  if (partial_is_used_) {
    partial_is_used_ = false;
    partial_.clear();
  }
  state_ = left_ == 0 ? State::trailers : State::chunk_data;
  return Event::data;
}

Http1Parser::Outcome Http1Parser::take_chunk_end(std::string_view& in) {
  while (!in.empty()) {
    const char wanted = chunk_end_seen_ == 0 ? '\r' : '\n';
    if (in.front() != wanted) return broken({400, "a chunk is longer than its size"});
    in.remove_prefix(1);
    if (++chunk_end_seen_ == 2) {
      chunk_end_seen_ = 0;
      state_ = State::chunk_size;
      return Event::data;
    }
  }
  return Event::need_more;
}

Http1Parser::Outcome Http1Parser::take_trailers(std::string_view& in) {
  if (in.empty()) return Event::need_more;
  const auto taken = take_block(in, Block::trailers);
  if (!taken) return broken(taken.error());
  if (!*taken) return Event::need_more;
  std::string_view block = **taken;
  while (block.size() > 2) {
    const std::size_t lf = block.find('\n');
    if (const Problem problem = field(block.substr(0, lf - 1), trailers_, true)) return broken(*problem);
    block.remove_prefix(lf + 1);
  }
  state_ = State::message_end;
  return Event::data;
}

}  // namespace parley::wire
