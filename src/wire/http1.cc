#include "wire/http1.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace parley::wire {
namespace {

// Characters by what they may be in (RFC 9110 section 5.6.2, RFC 9112 section 3.2).
enum Class : std::uint8_t { token = 1, upper = 2, value = 4, target = 8 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (letter || digit) classes[i] |= token;
    if (c >= 'A' && c <= 'Z') classes[i] |= upper;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[i] |= value;
    if (c > 0x20 && c < 0x7f) classes[i] |= target;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) classes[static_cast<std::size_t>(c)] |= token;
  return classes;
}
constexpr std::array<std::uint8_t, 256> classes = make_classes();

bool all(std::string_view text, Class wanted) {
  std::uint8_t both = wanted;
  for (const char c : text) both &= classes[static_cast<unsigned char>(c)];
  return both != 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `lowered` is in lower case.
bool same(std::string_view text, std::string_view lowered) {
  return text.size() == lowered.size() &&
         std::equal(text.begin(), text.end(), lowered.begin(), [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `each` with the trimmed, non-empty elements of a comma list.
template <class Each>
void for_each_element(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty()) each(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

// The fields that a head's parser looks at; all others pass on.
enum class Known : std::uint8_t {
  other,
  connection,
  keep_alive,
  proxy_connection,
  te,
  transfer_encoding,
  upgrade,
  host,
  expect,
  content_length
};

Known known(std::string_view name) {
  switch (name.size()) {
    case 2: return same(name, "te") ? Known::te : Known::other;
    case 4: return same(name, "host") ? Known::host : Known::other;
    case 6: return same(name, "expect") ? Known::expect : Known::other;
    case 7: return same(name, "upgrade") ? Known::upgrade : Known::other;
    case 10:
      if (same(name, "connection")) return Known::connection;
      return same(name, "keep-alive") ? Known::keep_alive : Known::other;
    case 14: return same(name, "content-length") ? Known::content_length : Known::other;
    case 16: return same(name, "proxy-connection") ? Known::proxy_connection : Known::other;
    case 17: return same(name, "transfer-encoding") ? Known::transfer_encoding : Known::other;
    default: return Known::other;
  }
}

struct Reason {
  int status;
  std::string_view text;
};
constexpr Reason reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

constexpr std::size_t line_overhead = 64;      // of a request line beside its target: method, version, blanks
constexpr std::size_t field_overhead = 4;      // ": " and CRLF, which field limits do not count
constexpr std::size_t chunk_line_bytes = 256;  // size and extensions of a chunk
constexpr std::size_t chunk_digits = 16;
constexpr std::size_t most_empty_lines = 4;  // before a request line (RFC 9112 section 2.2 asks for one)

constexpr Http1Error bare_lf{400, "a line ends without CR"};
constexpr Http1Error too_many_fields{431, "too many header fields"};
constexpr Http1Error fields_too_large{431, "the header fields are too large"};

std::optional<Http1Error> bad(int status, std::string_view text) { return Http1Error{status, text}; }

// Digits only, below 2^63. Lists of equal values ("5, 5") are refused like different ones.
std::optional<std::uint64_t> parse_length(std::string_view text) {
  std::uint64_t out = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out);
  if (text.empty() || error != std::errc() || at != end || out > INT64_MAX || text.front() == '+') return std::nullopt;
  return out;
}

// A host as RFC 3986 writes it, with an optional port; no user information.
bool is_host(std::string_view host) {
  return all(host, target) && host.find_first_of("/?#@\\<>\"{}|^`") == std::string_view::npos;
}

}  // namespace

std::string_view reason_phrase(int status) {
  const auto* at = std::lower_bound(std::begin(reasons), std::end(reasons), status,
                                    [](const Reason& r, int s) { return r.status < s; });
  return at != std::end(reasons) && at->status == status ? at->text : std::string_view();
}

bool is_hop_by_hop(std::string_view name) {
  switch (known(name)) {
    case Known::connection:
    case Known::keep_alive:
    case Known::proxy_connection:
    case Known::transfer_encoding:
    case Known::upgrade:
    case Known::te: return true;
    default: return false;
  }
}

bool is_field(const Field& field) {
  if (field.name.empty() || !all(field.name, token) || !all(field.value, value)) return false;
  return std::none_of(field.name.begin(), field.name.end(),
                      [](char c) { return (classes[static_cast<unsigned char>(c)] & upper) != 0; });
}

// The parser.

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

// Heads.

Http1Parser::Outcome Http1Parser::take_head(std::string_view& in) {
  if (in.empty()) return Event::need_more;
  const auto block = take_block(in, Block::head);
  if (!block) return broken(block.error());
  if (!*block) return Event::need_more;
  if (const Problem problem = parse_head(**block)) return broken(*problem);
  return Event::head;
}

Http1Parser::Problem Http1Parser::parse_head(std::string_view block) {
  head_ = {};
  trailers_.clear();
  connection_.clear();
  transfer_encoding_.clear();
  has_length_ = false;
  while (block.starts_with("\r\n")) block.remove_prefix(2);
  bool first = true;
  while (block.size() > 2) {  // the last line is the empty one
    const std::size_t lf = block.find('\n');
    const std::string_view line = block.substr(0, lf - 1);
    block.remove_prefix(lf + 1);
    const Problem problem = !first                   ? field(line, head_.fields, false)
                            : kind_ == Kind::request ? request_line(line)
                                                     : status_line(line);
    if (problem) return problem;
    first = false;
  }
  connection_fields();
  return decide_body();
}

Http1Parser::Problem Http1Parser::version(std::string_view text) {
  if (text == "HTTP/1.1") {
    head_.version = 11;
  } else if (text == "HTTP/1.0") {
    head_.version = 10;
  } else if (text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.' && text[5] >= '0' && text[5] <= '9' &&
             text[7] >= '0' && text[7] <= '9') {
    if (text[5] != '1') return bad(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    head_.version = 11;  // a later minor version is understood as the highest known one (RFC 9110 section 2.5)
  } else {
    return Http1Error{400, "malformed HTTP version", !text.contains('/')};
  }
  head_.keep_alive = head_.version >= 11;
  return std::nullopt;
}

Http1Parser::Problem Http1Parser::request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad(400, "malformed request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view target_text = line.substr(first + 1, last - first - 1);
  if (method.empty() || method.size() > line_overhead / 2 || !all(method, token)) return bad(400, "malformed method");
  if (target_text.empty() || !all(target_text, target)) return bad(400, "malformed request target");
  if (target_text.size() > limits_.target_bytes) return bad(414, "the request target is too long");
  head_.method = method;
  head_.target = target_text;
  return version(line.substr(last + 1));
}

// "HTTP/1.1 200 OK"; the reason may be empty, and its blank left out (RFC 9112 section 4 asks servers for it, some
// forget).
Http1Parser::Problem Http1Parser::status_line(std::string_view line) {
  constexpr std::size_t version_size = 8;
  constexpr std::size_t status_end = version_size + 4;
  if (line.size() < status_end || line[version_size] != ' ') return bad(400, "malformed status line");
  if (line.size() > status_end && line[status_end] != ' ') return bad(400, "malformed status line");
  if (!all(line, value)) return bad(400, "malformed reason phrase");
  for (std::size_t i = version_size + 1; i < status_end; ++i) {
    if (line[i] < '0' || line[i] > '9') return bad(400, "malformed status");
    head_.status = head_.status * 10 + (line[i] - '0');
  }
  if (head_.status < 100 || head_.status > 599) return bad(400, "a status out of range");
  return version(line.substr(0, version_size));
}

Http1Parser::Problem Http1Parser::field(std::string_view line, Fields& into, bool trailer) {
  const std::size_t colon = line.find(':');
  if (line.front() == ' ' || line.front() == '\t') return bad(400, "obsolete line folding");
  if (colon == std::string_view::npos) return bad(400, "a header field without a colon");
  const std::string_view name = line.substr(0, colon);
  const std::string_view content = trim(line.substr(colon + 1));
  if (name.empty() || !all(name, token)) return bad(400, "malformed header field name");
  if (!all(content, value)) return bad(400, "malformed header field value");
  if (into.bytes() + name.size() + content.size() > limits_.field_bytes) return fields_too_large;
  const Known which = known(name);
  if (trailer) {
    // Fields that would change framing or routing are not allowed here (RFC 9110 section 6.5.1): left out.
    if (which == Known::other) into.add(name, content);
    return std::nullopt;
  }
  if (which == Known::other) {
    into.add(name, content);
    return std::nullopt;
  }
  return known_field(static_cast<int>(which), name, content);
}

Http1Parser::Problem Http1Parser::known_field(int which, std::string_view name, std::string_view content) {
  switch (static_cast<Known>(which)) {
    case Known::connection: connection_.append(connection_.empty() ? "" : ",").append(content); break;
    case Known::transfer_encoding:
      transfer_encoding_.append(transfer_encoding_.empty() ? "" : ",").append(content);
      if (content.empty()) return bad(400, "empty Transfer-Encoding");
      break;
    case Known::upgrade: head_.upgrade.append(head_.upgrade.empty() ? "" : ", ").append(content); break;
    case Known::te: {
      bool trailers_wanted = false;
      for_each_element(content,
                       [&](std::string_view coding) { trailers_wanted = trailers_wanted || same(coding, "trailers"); });
      if (trailers_wanted && !head_.fields.has("te")) head_.fields.add("te", "trailers");
      break;
    }
    case Known::host:
      if (head_.has_host) return bad(400, "more than one Host field");
      if (!is_host(content)) return bad(400, "malformed Host field");
      head_.has_host = true;
      head_.host = content;
      break;
    case Known::expect:
      if (!same(content, "100-continue")) return bad(417, "the only expectation known is 100-continue");
      head_.expect_continue = head_.version >= 11;
      break;
    case Known::content_length: {
      const std::optional<std::uint64_t> length = parse_length(content);
      if (!length) return bad(400, "malformed Content-Length");
      if (has_length_ && *length != head_.content_length) return bad(400, "Content-Length fields that disagree");
      if (!has_length_) head_.fields.add(name, content);
      has_length_ = true;
      head_.content_length = *length;
      break;
    }
    default: break;
  }
  return std::nullopt;
}

// What Connection says and names (RFC 9110 section 7.6.1).
void Http1Parser::connection_fields() {
  bool upgrade = false;
  bool close = false;
  for_each_element(connection_, [&](std::string_view option) {
    if (same(option, "close")) {
      close = true;
    } else if (same(option, "keep-alive")) {
      head_.keep_alive = true;
    } else if (same(option, "upgrade")) {
      upgrade = true;
    } else if (!same(option, "te") && known(option) == Known::other) {
      std::string name(option);
      std::transform(name.begin(), name.end(), name.begin(), lower);
      head_.fields.remove(name);
    }
  });
  if (close) head_.keep_alive = false;
  if (!upgrade) head_.upgrade.clear();
}

// RFC 9112 section 6.3.
Http1Parser::Problem Http1Parser::decide_body() {
  if (!transfer_encoding_.empty()) {
    if (has_length_) return bad(400, "Content-Length beside Transfer-Encoding");
    if (head_.version < 11) return bad(400, "Transfer-Encoding in HTTP/1.0");
    bool chunked_last = false;
    bool chunked_before = false;
    bool others = false;
    for_each_element(transfer_encoding_, [&](std::string_view coding) {
      chunked_before = chunked_before || chunked_last;
      chunked_last = same(coding, "chunked");
      others = others || !chunked_last;
    });
    if (chunked_before || !chunked_last) return bad(400, "chunked must be the last transfer coding");
    if (others) return bad(501, "the only transfer coding known is chunked");
    head_.body = Http1Body::chunked;
  } else if (has_length_) {
    head_.body = head_.content_length > 0 ? Http1Body::length : Http1Body::none;
  } else {
    head_.body = kind_ == Kind::request ? Http1Body::none : Http1Body::until_close;
  }
  const int s = head_.status;
  if (kind_ == Kind::response && (no_body_ || s < 200 || s == 204 || s == 304)) head_.body = Http1Body::none;
  switch (head_.body) {
    case Http1Body::none: state_ = State::message_end; break;
    case Http1Body::length: state_ = State::body; break;
    case Http1Body::chunked: state_ = State::chunk_size; break;
    case Http1Body::until_close:
      state_ = State::until_close;
      head_.keep_alive = false;
      break;
  }
  left_ = head_.content_length;
  return std::nullopt;
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

// Serialisation.

void append_request_line(std::string& out, std::string_view method, std::string_view target_text) {
  out.append(method).append(" ").append(target_text).append(" HTTP/1.1\r\n");
}

void append_status_line(std::string& out, int status) {
  const std::array<char, 3> digits = {static_cast<char>('0' + status / 100 % 10),
                                      static_cast<char>('0' + status / 10 % 10), static_cast<char>('0' + status % 10)};
  out.append("HTTP/1.1 ").append(digits.data(), digits.size()).append(" ").append(reason_phrase(status)).append("\r\n");
}

void append_field(std::string& out, std::string_view name, std::string_view content) {
  out.append(name).append(": ").append(content).append("\r\n");
}

void append_fields(std::string& out, const Fields& fields) {
  for (const Field f : fields) append_field(out, f.name, f.value);
}

void append_chunk_head(std::string& out, std::size_t size) {
  std::array<char, 18> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  out.append(digits.data(), end).append("\r\n");
}

void append_last_chunk(std::string& out, const Fields& trailers) {
  out += "0\r\n";
  append_fields(out, trailers);
  out += "\r\n";
}

}  // namespace parley::wire
