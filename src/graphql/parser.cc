#include "graphql/parser.h"

#include <fmt/format.h>

#include "graphql/type_system_parser.h"

namespace parley::graphql {

std::string description(const Token& token) {
  const std::string_view kind = description(token.kind);
  return token.kind < TokenKind::name ? std::string(kind) : fmt::format("{} \"{}\"", kind, token.text);
}

bool Parser::enter() {
  if (depth_ >= limits_.max_depth) {
    fail(token_.at, fmt::format("Document is nested deeper than {} levels. Parsing aborted.", limits_.max_depth));
    return false;
  }
  deepest_ = std::max(deepest_, ++depth_);
  return true;
}

bool Parser::parse_document(Document& document) {
  advance();
  do {
    const Definition next = definition();
    if (failed()) return false;
    definitions_.push_back(next);
  } while (!peek(TokenKind::end_of_file));

  std::vector<OperationDefinition*> operations;
  std::vector<FragmentDefinition*> fragments;
  for (const Definition& each : definitions_) {
    if (each.operation != nullptr) operations.push_back(each.operation);
    if (each.fragment == nullptr) continue;
    each.fragment->index = static_cast<std::uint32_t>(fragments.size());
    fragments.push_back(each.fragment);
  }
  document.definitions_ = arena_.copy(List<Definition>(definitions_));
  document.operations_ = arena_.copy(List<OperationDefinition*>(operations));
  document.fragments_ = arena_.copy(List<FragmentDefinition*>(fragments));
  document.selection_set_count_ = selection_sets_;
  document.token_count_ = tokens_;
  document.depth_ = deepest_;
  return true;
}

bool Parser::parse_lone_value(Value& out) {
  advance();
  out = value(true);
  if (!failed()) expect(TokenKind::end_of_file);
  return !failed();
}

Definition Parser::definition() {
  const std::uint32_t at = token_.at;
  if (peek(TokenKind::brace_l)) return operation(at);
  const bool described = description();
  if (described && peek(TokenKind::brace_l)) {
    fail(at, "Unexpected description, descriptions are not supported on shorthand queries.");
    return {};
  }
  if (!peek(TokenKind::name)) {
    unexpected(token_);
    return {};
  }
  const std::string_view word = token_.text;
  if (word == "query" || word == "mutation" || word == "subscription") return operation(at);
  if (word == "fragment") return fragment(at);
  if (TypeSystemParser::is_keyword(word)) return TypeSystemParser(*this).definition(at);
  if (described) {
    fail(at, "Unexpected description, only GraphQL definitions support descriptions.");
    return {};
  }
  if (word == "extend") return TypeSystemParser(*this).extension(at);
  unexpected(token_);
  return {};
}

// `at`: where the definition begins, its description included.
Definition Parser::operation(std::uint32_t at) {
  auto* const out = arena_.make<OperationDefinition>();
  out->at = at;
  if (!peek(TokenKind::brace_l)) {
    out->kind = operation_kind();
    if (peek(TokenKind::name)) out->name = name();
    out->variables = variables();
    out->directives = directives(false);
  }
  out->selections = selection_set();
  return {DefinitionKind::operation, out, nullptr, at, {}, false, false};
}

OperationKind Parser::operation_kind() {
  const Token token = token_;
  if (!expect(TokenKind::name)) return OperationKind::query;
  if (token.text == "mutation") return OperationKind::mutation;
  if (token.text == "subscription") return OperationKind::subscription;
  if (token.text != "query") unexpected(token);
  return OperationKind::query;
}

Definition Parser::fragment(std::uint32_t at) {
  auto* const out = arena_.make<FragmentDefinition>();
  out->at = at;
  expect_keyword("fragment");
  out->name = fragment_name();
  expect_keyword("on");
  out->type_condition = named_type();
  out->directives = directives(false);
  out->selections = selection_set();
  return {DefinitionKind::fragment, nullptr, out, at, {}, false, false};
}

List<VariableDefinition> Parser::variables() {
  if (!accept(TokenKind::paren_l)) return {};
  Collect items(variables_, arena_);
  do {
    items.add(variable_definition(static_cast<std::uint32_t>(items.size())));
  } while (!failed() && !accept(TokenKind::paren_r));
  return items.done();
}

VariableDefinition Parser::variable_definition(std::uint32_t index) {
  VariableDefinition out;
  out.index = index;
  out.at = token_.at;
  description();
  out.dollar = token_.at;
  out.name = variable_name();
  expect(TokenKind::colon);
  out.type = type_reference();
  if (accept(TokenKind::equals)) out.default_value = arena_.make(value(true));
  out.directives = directives(true);
  return out;
}

Name Parser::variable_name() {
  expect(TokenKind::dollar);
  return name();
}

SelectionSet* Parser::selection_set() {
  auto* const out = arena_.make<SelectionSet>();
  out->at = token_.at;
  out->index = selection_sets_++;
  if (!expect(TokenKind::brace_l) || !enter()) return out;
  Collect items(selections_, arena_);
  do {
    items.add(selection());
  } while (!failed() && !accept(TokenKind::brace_r));
  --depth_;
  out->items = items.done();
  return out;
}

Selection Parser::selection() { return peek(TokenKind::spread) ? spread_or_inline() : field(); }

Selection Parser::field() {
  Selection out;
  out.at = token_.at;
  out.name = name();
  if (accept(TokenKind::colon)) {
    out.alias = out.name;
    out.name = name();
  }
  out.arguments = arguments(false);
  out.directives = directives(false);
  if (peek(TokenKind::brace_l)) out.selections = selection_set();
  return out;
}

Selection Parser::spread_or_inline() {
  Selection out;
  out.at = token_.at;
  expect(TokenKind::spread);
  const bool on = accept_keyword("on");
  if (!on && peek(TokenKind::name)) {
    out.kind = SelectionKind::spread;
    out.name = fragment_name();
    out.directives = directives(false);
    return out;
  }
  out.kind = SelectionKind::inline_fragment;
  if (on) out.type_condition = named_type();
  out.directives = directives(false);
  out.selections = selection_set();
  return out;
}

Name Parser::fragment_name() {
  if (!failed() && token_.text == "on") {
    unexpected(token_);
    return {};
  }
  return name();
}

List<Argument> Parser::arguments(bool constant) {
  if (!accept(TokenKind::paren_l)) return {};
  Collect items(arguments_, arena_);
  do {
    Argument next;
    next.name = name();
    expect(TokenKind::colon);
    next.value = value(constant);
    items.add(next);
  } while (!failed() && !accept(TokenKind::paren_r));
  return items.done();
}

List<Directive> Parser::directives(bool constant) {
  if (!peek(TokenKind::at)) return {};
  Collect items(directives_, arena_);
  while (peek(TokenKind::at)) {
    Directive next;
    next.at = token_.at;
    advance();
    next.name = name();
    next.arguments = arguments(constant);
    items.add(next);
  }
  return items.done();
}

TypeReference Parser::type_reference() {
  TypeReference out;
  out.at = token_.at;
  if (accept(TokenKind::bracket_l)) {
    if (!enter()) return out;
    const TypeReference inner = type_reference();
    --depth_;
    out.name = inner.name;
    expect(TokenKind::bracket_r);
    if (!wrap(out, inner.wrapping, true)) return out;
  } else {
    out.name = named_type();
  }
  if (accept(TokenKind::bang)) wrap(out, out.wrapping, false);
  return out;
}

bool Parser::wrap(TypeReference& type, Wrapping inner, bool list) {
  if (inner.count() >= Wrapping::max_count) {
    fail(type.at, fmt::format("Type has more than {} lists and non-nulls. Parsing aborted.", Wrapping::max_count));
    return false;
  }
  type.wrapping = list ? inner.in_list() : inner.in_non_null();
  return true;
}

Name Parser::name() {
  const Name out{token_.text, token_.at};
  return expect(TokenKind::name) ? out : Name();
}

bool Parser::description() {
  if (!peek_description()) return false;
  advance();
  return true;
}

bool Parser::expect(TokenKind kind) {
  if (token_.kind == kind) {
    advance();
    return true;
  }
  fail(token_.at, fmt::format("Expected {}, found {}.", graphql::description(kind), graphql::description(token_)));
  return false;
}

bool Parser::accept(TokenKind kind) {
  if (token_.kind != kind) return false;
  advance();
  return true;
}

void Parser::expect_keyword(std::string_view word) {
  if (accept_keyword(word)) return;
  fail(token_.at, fmt::format("Expected \"{}\", found {}.", word, graphql::description(token_)));
}

bool Parser::accept_keyword(std::string_view word) {
  if (!peek_keyword(word)) return false;
  advance();
  return true;
}

void Parser::advance() {
  if (token_.kind == TokenKind::end_of_file || failed()) return;
  token_ = lexer_.next();
  if (token_.kind == TokenKind::error) return fail(token_.at, lexer_.message());
  if (token_.kind == TokenKind::end_of_file) return;
  if (++tokens_ > limits_.max_tokens)
    fail(token_.at, fmt::format("Document contains more that {} tokens. Parsing aborted.", limits_.max_tokens));
}

void Parser::unexpected(const Token& token) {
  fail(token.at, fmt::format("Unexpected {}.", graphql::description(token)));
}

// The first error stays.
void Parser::fail(std::uint32_t at, const std::string& message) {
  if (failed()) return;
  error_ = Failure{"Syntax Error: " + message, at};
  token_ = {TokenKind::error, at, {}};
}

}  // namespace parley::graphql
