#include "graphql/type_system_parser.h"

#include <algorithm>

#include <fmt/format.h>

namespace parley::graphql {
namespace {

constexpr std::string_view keywords[] = {"schema", "scalar", "type",  "interface",
                                         "union",  "enum",   "input", "directive"};
constexpr std::string_view locations[] = {"QUERY",
                                          "MUTATION",
                                          "SUBSCRIPTION",
                                          "FIELD",
                                          "FRAGMENT_DEFINITION",
                                          "SCHEMA",
                                          "SCALAR",
                                          "FRAGMENT_SPREAD",
                                          "INLINE_FRAGMENT",
                                          "VARIABLE_DEFINITION",
                                          "OBJECT",
                                          "INTERFACE",
                                          "FIELD_DEFINITION",
                                          "ARGUMENT_DEFINITION",
                                          "INPUT_FIELD_DEFINITION",
                                          "UNION",
                                          "ENUM",
                                          "ENUM_VALUE",
                                          "INPUT_OBJECT",
                                          "DIRECTIVE_DEFINITION"};

}  // namespace

bool TypeSystemParser::is_keyword(std::string_view word) { return std::ranges::find(keywords, word) != keywords + 8; }

Definition TypeSystemParser::definition(std::uint32_t at) {
  const std::string_view keyword = parser_.token_.text;
  parser_.advance();
  Definition out{DefinitionKind::type_system, nullptr, nullptr, at, {}, keyword == "schema", false};
  out.defines_type = keyword != "schema" && keyword != "directive";
  if (keyword == "directive") parser_.expect(TokenKind::at);
  if (keyword != "schema") out.text = parser_.name().text;
  if (keyword == "directive") {
    directive_definition();
  } else {
    body(keyword, false);
  }
  return out;
}

Definition TypeSystemParser::extension(std::uint32_t at) {
  parser_.advance();
  const std::string_view keyword = parser_.token_.text;
  Definition out{DefinitionKind::type_system, nullptr, nullptr, at, {}, keyword == "schema", false};
  if (!parser_.peek(TokenKind::name) || !is_keyword(keyword) || keyword == "directive") {
    parser_.unexpected(parser_.token_);
    return out;
  }
  parser_.advance();
  if (keyword != "schema") out.text = parser_.name().text;
  if (!body(keyword, true)) parser_.unexpected(parser_.token_);
  return out;
}

bool TypeSystemParser::body(std::string_view keyword, bool extends) {
  bool any = false;
  if (keyword == "type" || keyword == "interface") any = implements();
  any = directives() || any;
  if (keyword == "schema")
    return many(TokenKind::brace_l, &TypeSystemParser::operation_type, TokenKind::brace_r, extends) || any;
  if (keyword == "union") return union_members() || any;
  const Item item = keyword == "enum"    ? &TypeSystemParser::enum_value
                    : keyword == "input" ? &TypeSystemParser::input_value
                                         : &TypeSystemParser::field_definition;
  if (keyword == "scalar") return any;
  return many(TokenKind::brace_l, item, TokenKind::brace_r, true) || any;
}

bool TypeSystemParser::many(TokenKind open, Item item, TokenKind close, bool optional) {
  if (optional ? !parser_.accept(open) : !parser_.expect(open)) return false;
  do {
    (this->*item)();
  } while (!parser_.failed() && !parser_.accept(close));
  return true;
}

bool TypeSystemParser::implements() {
  if (!parser_.accept_keyword("implements")) return false;
  parser_.accept(TokenKind::amp);
  do {
    parser_.named_type();
  } while (parser_.accept(TokenKind::amp));
  return true;
}

bool TypeSystemParser::union_members() {
  if (!parser_.accept(TokenKind::equals)) return false;
  parser_.accept(TokenKind::pipe);
  do {
    parser_.named_type();
  } while (parser_.accept(TokenKind::pipe));
  return true;
}

bool TypeSystemParser::directives() { return !parser_.directives(true).empty(); }

void TypeSystemParser::operation_type() {
  parser_.operation_kind();
  parser_.expect(TokenKind::colon);
  parser_.named_type();
}

void TypeSystemParser::field_definition() {
  parser_.description();
  parser_.name();
  many(TokenKind::paren_l, &TypeSystemParser::input_value, TokenKind::paren_r, true);
  parser_.expect(TokenKind::colon);
  parser_.type_reference();
  directives();
}

void TypeSystemParser::input_value() {
  parser_.description();
  parser_.name();
  parser_.expect(TokenKind::colon);
  parser_.type_reference();
  if (parser_.accept(TokenKind::equals)) parser_.value(true);
  directives();
}

void TypeSystemParser::enum_value() {
  parser_.description();
  const Token& token = parser_.token_;
  if (token.text == "true" || token.text == "false" || token.text == "null") {
    parser_.fail(token.at, fmt::format("{} is reserved and cannot be used for an enum value.", description(token)));
    return;
  }
  parser_.name();
  directives();
}

void TypeSystemParser::directive_definition() {
  many(TokenKind::paren_l, &TypeSystemParser::input_value, TokenKind::paren_r, true);
  parser_.accept_keyword("repeatable");
  parser_.expect_keyword("on");
  parser_.accept(TokenKind::pipe);
  do {
    directive_location();
  } while (parser_.accept(TokenKind::pipe));
}

void TypeSystemParser::directive_location() {
  const Token token = parser_.token_;
  parser_.name();
  if (std::ranges::find(locations, token.text) == std::end(locations)) parser_.unexpected(token);
}

}  // namespace parley::graphql
