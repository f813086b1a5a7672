// Reads definitions of the type system (`type`, `schema`, `extend …`) to their end. A request holds none; they are read
// so that the error is validation's, which says so, and not one of the syntax.
#pragma once

#include "graphql/parser.h"

namespace parley::graphql {

class TypeSystemParser {
 public:
  explicit TypeSystemParser(Parser& parser) : parser_(parser) {}

  static bool is_keyword(std::string_view word);
  // At the keyword; `at`: where the definition begins.
  Definition definition(std::uint32_t at);
  // At `extend`.
  Definition extension(std::uint32_t at);

 private:
  using Item = void (TypeSystemParser::*)();
  // What was there of the parts that an extension needs one of.
  bool body(std::string_view keyword, bool extends);
  bool many(TokenKind open, Item item, TokenKind close, bool optional);
  bool implements();
  bool union_members();
  bool directives();
  void operation_type();
  void field_definition();
  void input_value();
  void enum_value();
  void directive_definition();
  void directive_location();

  Parser& parser_;
};

}  // namespace parley::graphql
