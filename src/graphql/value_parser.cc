// Input values (September 2025, Input Values).
#include <fmt/format.h>

#include "graphql/parser.h"

namespace parley::graphql {

Value Parser::value(bool constant) {
  switch (token_.kind) {
    case TokenKind::bracket_l: return list(constant);
    case TokenKind::brace_l: return object(constant);
    case TokenKind::integer: return scalar(ValueKind::integer);
    case TokenKind::floating: return scalar(ValueKind::floating);
    case TokenKind::string:
    case TokenKind::block_string: return scalar(ValueKind::string);
    case TokenKind::name: return name_value();
    case TokenKind::dollar: return variable_or_error(constant);
    default: unexpected(token_); return {};
  }
}

Value Parser::scalar(ValueKind kind) {
  Value out;
  out.kind = kind;
  out.at = token_.at;
  out.text = token_.text;
  out.block = token_.kind == TokenKind::block_string;
  advance();
  return out;
}

Value Parser::name_value() {
  Value out = scalar(ValueKind::enumeration);
  if (out.text == "true" || out.text == "false") {
    out.kind = ValueKind::boolean;
    out.boolean = out.text == "true";
  } else if (out.text == "null") {
    out.kind = ValueKind::null;
  }
  return out;
}

Value Parser::variable_or_error(bool constant) {
  const Token dollar = token_;
  Value out;
  out.kind = ValueKind::variable;
  out.at = token_.at;
  advance();
  if (!constant) {
    out.text = name().text;
  } else if (peek(TokenKind::name)) {
    fail(dollar.at, fmt::format("Unexpected variable \"${}\" in constant value.", token_.text));
  } else {
    unexpected(dollar);
  }
  return out;
}

Value Parser::list(bool constant) {
  Value out;
  out.kind = ValueKind::list;
  out.at = token_.at;
  advance();
  if (accept(TokenKind::bracket_r)) return out;
  if (!enter()) return out;
  Collect items(values_, arena_);
  while (!failed() && !accept(TokenKind::bracket_r)) items.add(value(constant));
  --depth_;
  out.items = items.done();
  return out;
}

Value Parser::object(bool constant) {
  Value out;
  out.kind = ValueKind::object;
  out.at = token_.at;
  advance();
  if (accept(TokenKind::brace_r)) return out;
  if (!enter()) return out;
  Collect items(entries_, arena_);
  while (!failed() && !accept(TokenKind::brace_r)) {
    ObjectField next;
    next.name = name();
    expect(TokenKind::colon);
    next.value = value(constant);
    items.add(next);
  }
  --depth_;
  out.entries = items.done();
  return out;
}

}  // namespace parley::graphql
