#include "contract/path_template.h"

#include <algorithm>
#include <cctype>

namespace parley::contract {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// pchar of RFC 3986 without ':' (a verb) and '*' (a wildcard).
bool is_literal(char c) { return is_unreserved(c) || std::string_view("!$&'()+,;=@%").contains(c); }

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct Failure {
  TemplateError error;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  PathTemplate run() {
    if (!take('/')) stop("a path begins with `/`", "write `/" + std::string(text_) + "`");
    if (at_end()) {
      out_.segments.push_back({Segment::Kind::literal, ""});
      return std::move(out_);
    }
    segments(false);
    if (take(':')) verb();
    if (!at_end()) unexpected();
    return std::move(out_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void stop(std::string message, std::string hint = "") const {
    throw Failure{{at_, std::move(message), std::move(hint)}};
  }
  [[noreturn]] void unexpected() const {
    if (peek() == '}') stop("`}` closes no variable");
    stop(std::string("`") + peek() + "` does not belong into a path", "percent-encode it");
  }

  void segments(bool in_variable) {
    do segment(in_variable);
    while (take('/'));
  }

  void segment(bool in_variable) {
    if (peek() == '{') {
      if (in_variable) stop("a variable inside a variable", "give each variable segments of its own");
      variable();
    } else if (peek() == '*') {
      wildcard();
    } else {
      out_.segments.push_back({Segment::Kind::literal, literal()});
    }
    const bool ended = at_end() || peek() == '/' || peek() == ':' || (in_variable && peek() == '}');
    if (ended) return;
    if (peek() == '*') stop("`*` must be a whole segment", "put it between slashes");
    if (peek() == '{') stop("a variable must be a whole segment", "put it between slashes");
    unexpected();
  }

  void wildcard() {
    ++at_;
    if (!take('*')) {
      out_.segments.push_back({Segment::Kind::any, ""});
      return;
    }
    const auto is_rest = [](const Segment& s) { return s.kind == Segment::Kind::rest; };
    if (std::ranges::any_of(out_.segments, is_rest)) stop("a second `**`", "a path can have one `**` only");
    out_.segments.push_back({Segment::Kind::rest, ""});
  }

  std::string literal() {
    const std::size_t from = at_;
    while (!at_end() && is_literal(peek())) ++at_;
    if (at_ == from) {
      if (at_end() || peek() == '/')
        stop("an empty segment", at_end() ? "remove the slash at the end" : "remove a slash");
      if (peek() == ':') stop("a verb follows a slash", "write `/v1/orders:verb`, without a slash before the colon");
      unexpected();
    }
    auto decoded = percent_decode(text_.substr(from, at_ - from));
    if (!decoded) stop("a percent-encoding that is not `%` and two hexadecimal digits");
    return *std::move(decoded);
  }

  void variable() {
    ++at_;  // the brace
    PathVariable v;
    const std::size_t name_at = at_;
    v.field_path = field_path();
    const auto same = [&](const PathVariable& o) { return o.field_path == v.field_path; };
    if (std::ranges::any_of(out_.variables, same)) {
      at_ = name_at;
      stop("`" + v.field_path + "` stands twice");
    }
    v.first = static_cast<std::uint16_t>(out_.segments.size());
    if (take('=')) {
      segments(true);
    } else {
      out_.segments.push_back({Segment::Kind::any, ""});
    }
    if (peek() == ':') stop("a verb inside a variable", "put it at the end of the path, after the `}`");
    if (!take('}')) stop("`{" + v.field_path + "` is not closed", "add a `}`");
    v.count = static_cast<std::uint16_t>(out_.segments.size() - v.first);
    v.multi = v.count > 1 || out_.segments[v.first].kind == Segment::Kind::rest;
    out_.variables.push_back(std::move(v));
  }

  std::string field_path() {
    const std::size_t from = at_;
    do {
      const bool starts = std::isalpha(static_cast<unsigned char>(peek())) != 0 || peek() == '_';
      if (!starts) stop("a field's name is missing", "write `{name}` or `{name=orders/*}`");
      while (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '_') ++at_;
    } while (take('.'));
    return std::string(text_.substr(from, at_ - from));
  }

  void verb() {
    const std::size_t from = at_;
    while (!at_end() && is_literal(peek())) ++at_;
    if (at_ == from) stop("a verb is missing after the colon", "remove the colon, or percent-encode it as %3A");
    auto decoded = percent_decode(text_.substr(from, at_ - from));
    if (!decoded) stop("a percent-encoding that is not `%` and two hexadecimal digits");
    out_.colon_verb = *std::move(decoded);
    if (peek() == '/')
      stop("a verb in the middle of a path", "a `:verb` stands at the end only; percent-encode the colon as %3A");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  PathTemplate out_;
};

}  // namespace

std::expected<PathTemplate, TemplateError> parse_path_template(std::string_view text) {
  // Start-up only: the one place where an exception is the shortest way out of a recursive parser.
  try {
    return Parser(text).run();
  } catch (Failure& f) {
    return std::unexpected(std::move(f.error));
  }
}

std::optional<std::string> percent_decode(std::string_view text, bool keep_slash) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    const char c = static_cast<char>(high * 16 + low);
    if (c == '/' && keep_slash) {
      out += text.substr(i, 3);
    } else {
      out += c;
    }
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string binding_key(const HttpRule& rule) {
  std::string key = rule.verb + " ";
  for (const Segment& s : rule.segments) {
    key += '/';
    if (s.kind == Segment::Kind::literal) key += percent_encode(s.text);
    if (s.kind == Segment::Kind::any) key += '*';
    if (s.kind == Segment::Kind::rest) key += "**";
  }
  if (!rule.colon_verb.empty()) key += ":" + percent_encode(rule.colon_verb);
  return key;
}

}  // namespace parley::contract
