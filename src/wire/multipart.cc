#include "wire/multipart.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "wire/media_type.h"
#include "wire/percent.h"

namespace parley::wire {
namespace {

std::unexpected<Error> malformed(std::string what) {
  return fail(Error(Code::invalid_argument, Blame::caller, "multipart body: " + std::move(what))
                  .with_reason("malformed_multipart"));
}

std::unexpected<Error> too_large(std::string what) {
  return fail(Error(Code::resource_exhausted, Blame::caller, "multipart body: " + std::move(what))
                  .with_reason("message_too_large"));
}

// RFC 5987: charset'language'percent-encoded. Only UTF-8 is taken.
std::optional<std::string> extended_value(std::string_view text) {
  const std::size_t first = text.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second == std::string_view::npos || lower_case(text.substr(0, first)) != "utf-8") return std::nullopt;
  std::string out;
  if (!decode_query_component(text.substr(second + 1), out, false)) return std::nullopt;
  return out;
}

// Browsers write a quote in a name as %22 and line breaks as %0D%0A (WHATWG HTML, "multipart/form-data encoding
// algorithm"); nothing else is encoded, so a name is not decoded as a whole.
std::string browser_name(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view code = text.substr(i, 3);
    const char meant = code == "%22" ? '"' : code == "%0D" ? '\r' : code == "%0A" ? '\n' : '\0';
    out += meant == '\0' ? text[i] : meant;
    if (meant != '\0') i += 2;
  }
  return out;
}

}  // namespace

MultipartParser::MultipartParser(std::string_view boundary, Limits limits)
    : delimiter_("\r\n--" + std::string(boundary)),
      limits_(limits),
      buffer_("\r\n") {}  // so that a delimiter may come first

void MultipartParser::feed(std::string_view chunk) {
  buffer_.erase(0, at_);
  at_ = 0;
  if (state_ != State::done) buffer_.append(chunk);
}

Result<MultipartParser::Event> MultipartParser::next() {
  switch (state_) {
    case State::preamble: return skip_preamble();
    case State::delimiter: return after_delimiter();
    case State::head: return read_head();
    case State::data_start:
    case State::data: return read_data();
    case State::done: return Event{.kind = Kind::done, .data = {}};
  }
  std::unreachable();
}

Result<void> MultipartParser::finish() const {
  if (state_ == State::done) return {};
  return malformed(state_ == State::preamble ? "the boundary of its content-type never appears"
                                             : "it ends before its closing boundary");
}

Result<MultipartParser::Event> MultipartParser::skip_preamble() {
  const std::size_t found = rest().find(delimiter_);
  if (found == std::string_view::npos) {
    if (rest().size() >= delimiter_.size()) at_ = buffer_.size() - delimiter_.size() + 1;
    return Event{.kind = Kind::need_more, .data = {}};
  }
  at_ += found + delimiter_.size();
  state_ = State::delimiter;
  return after_delimiter();
}

// After a boundary: "--" ends the body; else spaces and a line break, and a part begins.
Result<MultipartParser::Event> MultipartParser::after_delimiter() {
  std::size_t i = 0;
  const std::string_view text = rest();
  if (text.starts_with("--")) {
    state_ = State::done;
    return Event{.kind = Kind::done, .data = {}};
  }
  while (i < text.size() && (text[i] == ' ' || text[i] == '\t')) ++i;
  if (i > limits_.head_bytes) return malformed("a boundary is followed by too many spaces");
  const std::string_view line_end = text.substr(i, 2);
  if (line_end == "\r\n") {
    if (++parts_ > limits_.parts) return too_large("more than " + std::to_string(limits_.parts) + " parts");
    at_ += i;  // the line break stays: a part without any header is then "\r\n\r\n" as well
    state_ = State::head;
    return read_head();
  }
  const bool cut_off = line_end.empty() || line_end == "\r" || text == "-";
  if (!cut_off) return malformed("a boundary is not followed by a line break");
  return Event{.kind = Kind::need_more, .data = {}};
}

Result<MultipartParser::Event> MultipartParser::read_head() {
  const std::string_view text = rest();
  const std::size_t end = text.find("\r\n\r\n");
  const std::size_t known =
      std::min(end, text.size() - std::min<std::size_t>(3, text.size()));  // the rest may be its end
  if (known > limits_.head_bytes) return too_large("a part's header block is too large");
  if (end == std::string_view::npos) return Event{.kind = Kind::need_more, .data = {}};
  if (auto parsed = parse_head(text.substr(0, end)); !parsed) return fail(std::move(parsed).error());
  at_ += end + 2;  // the last line break stays: the delimiter of a part without content may begin with it
  state_ = State::data_start;
  return Event{.kind = Kind::begin, .data = {}, .head = &head_};
}

Result<MultipartParser::Event> MultipartParser::read_data() {
  if (state_ == State::data_start) {
    const bool may_be_delimiter = delimiter_.starts_with(rest());
    if (may_be_delimiter && rest().size() < delimiter_.size()) return Event{.kind = Kind::need_more, .data = {}};
    state_ = State::data;
    if (!rest().starts_with(delimiter_)) at_ += 2;  // the line break that ends the head is not content
  }
  const std::string_view text = rest();
  const std::size_t found = text.find(delimiter_);
  if (found == 0) {
    at_ += delimiter_.size();
    state_ = State::delimiter;
    return Event{.kind = Kind::end, .data = {}};
  }
  std::size_t size = found;
  if (found == std::string_view::npos) {
    // A delimiter may have begun in the last bytes: keep back from the last CR on that could start one.
    const std::size_t from = text.size() >= delimiter_.size() ? text.size() - delimiter_.size() + 1 : 0;
    size = from;
    while (size < text.size() && !std::string_view(delimiter_).starts_with(text.substr(size))) ++size;
  }
  if (size == 0) return Event{.kind = Kind::need_more, .data = {}};
  at_ += size;
  return Event{.kind = Kind::data, .data = text.substr(0, size)};
}

Result<void> MultipartParser::parse_head(std::string_view block) {
  head_ = {};
  while (!block.empty()) {
    block.remove_prefix(2);  // its line break
    const std::size_t end = std::min(block.find("\r\n"), block.size());
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(end);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return malformed("a part has a header line without a name");
    const std::string name = lower_case(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-type") {
      head_.content_type = value;
    } else if (name == "content-disposition") {
      const auto parsed = parse_header_value(value);
      if (!parsed || lower_case(parsed->main) != "form-data")
        return malformed("a part's content-disposition is not form-data");
      if (const std::string* field = parsed->find("name")) head_.name = browser_name(*field);
      if (const std::string* file = parsed->find("filename")) head_.filename = browser_name(*file);
      if (const std::string* file = parsed->find("filename*")) {
        if (auto decoded = extended_value(*file)) head_.filename = std::move(decoded);
      }
    } else if (name == "content-transfer-encoding") {
      const std::string encoding = lower_case(value);
      if (encoding != "binary" && encoding != "8bit" && encoding != "7bit")
        return malformed("content-transfer-encoding " + std::string(value) +
                         " is not supported (RFC 7578 section 4.7)");
    }
  }
  return {};
}

}  // namespace parley::wire
