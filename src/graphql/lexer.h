// Tokens of a GraphQL document (September 2025, Lexical Tokens). The lexer reads UTF-8 that was checked before; errors
// are graphql-js's, to the letter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "graphql/arena.h"

namespace parley::graphql {

enum class TokenKind : std::uint8_t {
  start_of_file,
  end_of_file,
  bang,
  dollar,
  amp,
  paren_l,
  paren_r,
  spread,
  colon,
  equals,
  at,
  bracket_l,
  bracket_r,
  brace_l,
  pipe,
  brace_r,
  name,
  integer,
  floating,
  string,
  block_string,
  error,  // Lexer::message() says what is wrong at the token
};

// How an error calls the kind: `"{"` with its quotes, `Name`, `<EOF>`.
std::string_view description(TokenKind kind);

struct Token {
  TokenKind kind = TokenKind::start_of_file;
  std::uint32_t at = 0;   // byte offset
  std::string_view text;  // names and numbers as written, strings decoded; empty for punctuators
};

class Lexer {
 public:
  // Decoded strings that differ from the source lie in `arena`.
  Lexer(std::string_view source, Arena& arena) : source_(source), arena_(arena) {}

  Token next();
  const std::string& message() const { return message_; }

 private:
  std::uint32_t skip_ignored();
  bool is_at(std::size_t at, std::string_view text) const { return source_.substr(at).starts_with(text); }
  unsigned char byte(std::size_t at) const { return at < source_.size() ? static_cast<unsigned char>(source_[at]) : 0; }
  Token punctuator(TokenKind kind, std::uint32_t size);
  Token name();
  Token number();
  Token string();
  Token block_string();
  Token unexpected_character();
  Token fail(std::size_t at, std::string message);
  bool skip_digits(std::size_t& at);
  bool escape(std::size_t& at, std::string& out);
  bool fixed_escape(std::size_t& at, std::string& out);
  bool braced_escape(std::size_t& at, std::string& out);
  bool bad_unicode_escape(std::size_t at, std::size_t units);
  std::string character_at(std::size_t at) const;
  std::string_view units(std::size_t at, std::size_t count) const;

  std::string_view source_;
  Arena& arena_;
  std::size_t at_ = 0;
  std::size_t error_at_ = 0;
  std::string message_;
};

// The value of a block string's raw text, which stands between the triple quotes (BlockStringValue()).
std::string_view block_string_value(std::string_view raw, Arena& arena);

}  // namespace parley::graphql
