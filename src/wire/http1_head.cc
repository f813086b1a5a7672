// Heads of requests and responses: their first line, the fields that say how the message is framed, and what follows.
#include <algorithm>
#include <charconv>
#include <string>

#include "wire/http1.h"
#include "wire/http1_text.h"

namespace parley::wire {
namespace {

using namespace http1;

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

}  // namespace parley::wire
