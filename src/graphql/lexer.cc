#include "graphql/lexer.h"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "graphql/utf8.h"

namespace parley::graphql {
namespace {

enum Class : std::uint8_t { other = 0, name_start = 1, digit = 2, ignored = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> out{};
  for (int c = 'a'; c <= 'z'; ++c) out[c] = out[c - 'a' + 'A'] = name_start;
  out['_'] = name_start;
  for (int c = '0'; c <= '9'; ++c) out[c] = digit;
  for (const char c : {' ', '\t', '\n', '\r', ','}) out[static_cast<unsigned char>(c)] = ignored;
  return out;
}
constexpr auto classes = make_classes();

bool is_digit(unsigned char c) { return classes[c] == digit; }
bool is_name_start(unsigned char c) { return classes[c] == name_start; }
bool is_name_continue(unsigned char c) { return (classes[c] & (name_start | digit)) != 0; }

// -1: it is none.
int hex_value(unsigned char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_scalar_value(std::uint32_t point) { return point < 0xd800 || (point >= 0xe000 && point <= 0x10ffff); }
bool is_leading(std::uint32_t unit) { return unit >= 0xd800 && unit <= 0xdbff; }
bool is_trailing(std::uint32_t unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

constexpr std::string_view descriptions[] = {
    "<SOF>", "<EOF>", "\"!\"", "\"$\"", "\"&\"", "\"(\"", "\")\"", "\"...\"", "\":\"",  "\"=\"",       "\"@\"",
    "\"[\"", "\"]\"", "\"{\"", "\"|\"", "\"}\"", "Name",  "Int",   "Float",   "String", "BlockString", "<error>"};

}  // namespace

std::string_view description(TokenKind kind) { return descriptions[static_cast<std::size_t>(kind)]; }

Token Lexer::next() {
  const std::uint32_t at = skip_ignored();
  if (at >= source_.size()) return {TokenKind::end_of_file, at, {}};
  const unsigned char c = byte(at);
  if (is_name_start(c)) return name();
  switch (c) {
    case '!': return punctuator(TokenKind::bang, 1);
    case '$': return punctuator(TokenKind::dollar, 1);
    case '&': return punctuator(TokenKind::amp, 1);
    case '(': return punctuator(TokenKind::paren_l, 1);
    case ')': return punctuator(TokenKind::paren_r, 1);
    case ':': return punctuator(TokenKind::colon, 1);
    case '=': return punctuator(TokenKind::equals, 1);
    case '@': return punctuator(TokenKind::at, 1);
    case '[': return punctuator(TokenKind::bracket_l, 1);
    case ']': return punctuator(TokenKind::bracket_r, 1);
    case '{': return punctuator(TokenKind::brace_l, 1);
    case '|': return punctuator(TokenKind::pipe, 1);
    case '}': return punctuator(TokenKind::brace_r, 1);
    case '.': return is_at(at, "...") ? punctuator(TokenKind::spread, 3) : unexpected_character();
    case '"': return is_at(at, R"(""")") ? block_string() : string();
    default: return is_digit(c) || c == '-' ? number() : unexpected_character();
  }
}

// Blanks, commas, line ends, byte order marks and comments.
std::uint32_t Lexer::skip_ignored() {
  for (;;) {
    const unsigned char c = byte(at_);
    if (classes[c] == ignored) {
      ++at_;
    } else if (c == '#') {
      at_ = std::min(source_.find_first_of("\r\n", at_), source_.size());
    } else if (c == 0xef && is_at(at_, "\xef\xbb\xbf")) {
      at_ += 3;
    } else {
      return static_cast<std::uint32_t>(at_);
    }
  }
}

Token Lexer::punctuator(TokenKind kind, std::uint32_t size) {
  const Token out{kind, static_cast<std::uint32_t>(at_), {}};
  at_ += size;
  return out;
}

Token Lexer::name() {
  const std::size_t from = at_;
  while (is_name_continue(byte(at_))) ++at_;
  return {TokenKind::name, static_cast<std::uint32_t>(from), source_.substr(from, at_ - from)};
}

bool Lexer::skip_digits(std::size_t& at) {
  if (!is_digit(byte(at))) {
    fail(at, fmt::format("Invalid number, expected digit but got: {}.", character_at(at)));
    return false;
  }
  while (is_digit(byte(at))) ++at;
  return true;
}

Token Lexer::number() {
  const auto failed = [this] { return Token{TokenKind::error, static_cast<std::uint32_t>(error_at_), {}}; };
  std::size_t at = at_;
  if (byte(at) == '-') ++at;
  if (byte(at) == '0') {
    ++at;
    if (is_digit(byte(at)))
      return fail(at, fmt::format("Invalid number, unexpected digit after 0: {}.", character_at(at)));
  } else if (!skip_digits(at)) {
    return failed();
  }
  TokenKind kind = TokenKind::integer;
  if (byte(at) == '.') {
    kind = TokenKind::floating;
    if (!skip_digits(++at)) return failed();
  }
  if (byte(at) == 'e' || byte(at) == 'E') {
    kind = TokenKind::floating;
    ++at;
    if (byte(at) == '+' || byte(at) == '-') ++at;
    if (!skip_digits(at)) return failed();
  }
  if (byte(at) == '.' || is_name_start(byte(at)))
    return fail(at, fmt::format("Invalid number, expected digit but got: {}.", character_at(at)));
  const Token out{kind, static_cast<std::uint32_t>(at_), source_.substr(at_, at - at_)};
  at_ = at;
  return out;
}

Token Lexer::string() {
  const auto start = static_cast<std::uint32_t>(at_);
  std::size_t at = at_ + 1;
  std::size_t chunk = at;
  std::string decoded;
  bool escaped = false;
  while (at < source_.size() && source_[at] != '\n' && source_[at] != '\r') {
    if (source_[at] == '"') {
      at_ = at + 1;
      if (!escaped) return {TokenKind::string, start, source_.substr(chunk, at - chunk)};
      decoded.append(source_, chunk, at - chunk);
      return {TokenKind::string, start, arena_.copy(decoded)};
    }
    if (source_[at] != '\\') {
      ++at;
      continue;
    }
    escaped = true;
    decoded.append(source_, chunk, at - chunk);
    if (!escape(at, decoded)) return {TokenKind::error, static_cast<std::uint32_t>(error_at_), {}};
    chunk = at;
  }
  return fail(at, "Unterminated string.");
}

// At a backslash; `at` is moved past the escape.
bool Lexer::escape(std::size_t& at, std::string& out) {
  const unsigned char c = byte(at + 1);
  if (c == 'u') return byte(at + 2) == '{' ? braced_escape(at, out) : fixed_escape(at, out);
  constexpr std::string_view from = "\"\\/bfnrt";
  constexpr std::string_view to = "\"\\/\b\f\n\r\t";
  const std::size_t which = c == 0 ? std::string_view::npos : from.find(static_cast<char>(c));
  if (which == std::string_view::npos) {
    fail(at, fmt::format("Invalid character escape sequence: \"{}\".", units(at, 2)));
    return false;
  }
  out += to[which];
  at += 2;
  return true;
}

// \uXXXX, or two of them that are a surrogate pair.
bool Lexer::fixed_escape(std::size_t& at, std::string& out) {
  const auto unit_at = [this](std::size_t from) -> std::optional<std::uint32_t> {
    std::uint32_t unit = 0;
    for (std::size_t i = from; i < from + 4; ++i) {
      const int value = hex_value(byte(i));
      if (value < 0) return std::nullopt;
      unit = unit << 4U | static_cast<std::uint32_t>(value);
    }
    return unit;
  };
  const auto unit = unit_at(at + 2);
  if (!unit) return bad_unicode_escape(at, 6);
  if (is_scalar_value(*unit)) {
    append_utf8(*unit, out);
    at += 6;
    return true;
  }
  if (!is_leading(*unit) || !is_at(at + 6, "\\u")) return bad_unicode_escape(at, 6);
  const auto second = unit_at(at + 8);
  if (!second || !is_trailing(*second)) return bad_unicode_escape(at, 6);
  append_utf8(0x10000 + ((*unit - 0xd800) << 10U) + (*second - 0xdc00), out);
  at += 12;
  return true;
}

// \u{X…}
bool Lexer::braced_escape(std::size_t& at, std::string& out) {
  std::uint32_t point = 0;
  std::size_t size = 3;
  while (size < 12) {
    const unsigned char c = byte(at + size++);
    if (c == '}') {
      if (size < 5 || !is_scalar_value(point)) break;
      append_utf8(point, out);
      at += size;
      return true;
    }
    const int value = hex_value(c);
    if (value < 0) break;
    point = point << 4U | static_cast<std::uint32_t>(value);
    if (point > 0x7fffffff) break;
  }
  return bad_unicode_escape(at, size);
}

bool Lexer::bad_unicode_escape(std::size_t at, std::size_t count) {
  fail(at, fmt::format("Invalid Unicode escape sequence: \"{}\".", units(at, count)));
  return false;
}

Token Lexer::block_string() {
  const auto start = static_cast<std::uint32_t>(at_);
  const std::size_t from = at_ + 3;
  std::size_t at = from;
  while ((at = source_.find('"', at)) != std::string_view::npos) {
    if (!is_at(at, R"(""")")) {
      ++at;
    } else if (at > from && source_[at - 1] == '\\') {
      at += 3;
    } else {
      at_ = at + 3;
      return {TokenKind::block_string, start, block_string_value(source_.substr(from, at - from), arena_)};
    }
  }
  return fail(source_.size(), "Unterminated string.");
}

Token Lexer::unexpected_character() {
  if (byte(at_) == '\'')
    return fail(at_, "Unexpected single quote character ('), did you mean to use a double quote (\")?");
  return fail(at_, fmt::format("Unexpected character: {}.", character_at(at_)));
}

Token Lexer::fail(std::size_t at, std::string message) {
  error_at_ = at;
  message_ = std::move(message);
  return {TokenKind::error, static_cast<std::uint32_t>(at), {}};
}

std::string Lexer::character_at(std::size_t at) const {
  if (at >= source_.size()) return "<EOF>";
  const std::uint32_t point = code_point_at(source_, at);
  if (point == '"') return "'\"'";
  if (point >= 0x20 && point <= 0x7e) return fmt::format("\"{}\"", static_cast<char>(point));
  return fmt::format("U+{:04X}", point);
}

// So many UTF-16 code units of the source, as JavaScript would slice it.
std::string_view Lexer::units(std::size_t at, std::size_t count) const {
  std::size_t end = at;
  for (std::size_t seen = 0; seen < count && end < source_.size();) {
    const std::size_t size = utf8_size(source_[end]);
    seen += size == 4 ? 2 : 1;
    end += size;
  }
  return source_.substr(at, end - at);
}

}  // namespace parley::graphql
