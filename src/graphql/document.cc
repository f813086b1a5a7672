#include "graphql/document.h"

#include <simdjson.h>

#include "graphql/parser.h"
#include "graphql/utf8.h"

namespace parley::graphql {
namespace {

template <class T>
const T* find_named(List<T> items, std::string_view name) {
  for (const T& each : items) {
    if (each.name.text == name) return &each;
  }
  return nullptr;
}

GraphqlError plain_error(std::string message) { return {std::move(message), {}, {}, {}}; }

}  // namespace

std::string_view name(OperationKind kind) {
  constexpr std::string_view names[] = {"query", "mutation", "subscription"};
  return names[static_cast<std::size_t>(kind)];
}

const Argument* Directive::argument(std::string_view name) const { return find_named(arguments, name); }
const Argument* Selection::argument(std::string_view name) const { return find_named(arguments, name); }
const Directive* Selection::directive(std::string_view name) const { return find_named(directives, name); }
const VariableDefinition* OperationDefinition::variable(std::string_view name) const {
  return find_named(variables, name);
}

std::expected<std::unique_ptr<Document>, GraphqlError> Document::parse(std::string_view source,
                                                                       const ParseLimits& limits) {
  if (!simdjson::validate_utf8(source)) return std::unexpected(plain_error("Syntax Error: Source is not UTF-8."));
  if (source.size() > UINT32_MAX / 2) return std::unexpected(plain_error("Syntax Error: Source is too long."));
  std::unique_ptr<Document> out(new Document(source));
  Parser parser(out->source_, out->arena_, limits);
  if (parser.parse_document(*out)) return out;
  return std::unexpected(GraphqlError{parser.error()->message, {out->location(parser.error()->at)}, {}, {}});
}

std::expected<const OperationDefinition*, GraphqlError> Document::operation(std::string_view operation_name) const {
  if (operation_name.empty()) {
    if (operations_.size() > 1)
      return std::unexpected(plain_error("Must provide operation name if query contains multiple operations."));
    if (operations_.empty()) return std::unexpected(plain_error("Must provide an operation."));
    return operations_.front();
  }
  for (const OperationDefinition* each : operations_) {
    if (each->name.text == operation_name) return each;
  }
  return std::unexpected(plain_error("Unknown operation named \"" + std::string(operation_name) + "\"."));
}

SourceLocation Document::location(std::uint32_t at) const {
  SourceLocation out{1, 1};
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < at; ++i) {
    const char c = source_[i];
    if (c != '\n' && (c != '\r' || source_[i + 1] == '\n')) continue;
    ++out.line;
    line_start = i + 1;
  }
  out.column = utf16_size(std::string_view(source_).substr(line_start, at - line_start)) + 1;
  return out;
}

std::expected<const Value*, GraphqlError> parse_value(std::string_view source, Arena& arena) {
  if (!simdjson::validate_utf8(source)) return std::unexpected(plain_error("Syntax Error: Source is not UTF-8."));
  const ParseLimits limits;
  Parser parser(arena.copy(source), arena, limits);
  auto* const out = arena.make<Value>();
  if (parser.parse_lone_value(*out)) return out;
  return std::unexpected(plain_error(parser.error()->message));
}

}  // namespace parley::graphql
