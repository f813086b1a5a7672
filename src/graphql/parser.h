// Parser: recursive descent over the executable language (September 2025, chapter Document), one token ahead, errors as
// graphql-js 16 words them. Definitions of the type system are read to their end and kept as a name only: validation
// says that no request may hold them. Used by Document::parse and parse_value.
//
// After an error the current token is TokenKind::error, which nothing expects, so that every loop ends.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graphql/document.h"
#include "graphql/lexer.h"

namespace parley::graphql {

class Parser {
 public:
  Parser(std::string_view source, Arena& arena, const ParseLimits& limits)
      : lexer_(source, arena), arena_(arena), limits_(limits) {}

  // False: error() says why.
  bool parse_document(Document& document);
  bool parse_lone_value(Value& out);

  struct Failure {
    std::string message;  // "Syntax Error: …"
    std::uint32_t at = 0;
  };
  const std::optional<Failure>& error() const { return error_; }

 private:
  friend class TypeSystemParser;
  // Items of one list lie at the end of their stack while it is read; inner lists are done before their outer one
  // goes on.
  template <class T>
  class Collect {
   public:
    Collect(std::vector<T>& stack, Arena& arena) : stack_(stack), arena_(arena), from_(stack.size()) {}
    ~Collect() { stack_.resize(from_); }
    Collect(const Collect&) = delete;
    Collect& operator=(const Collect&) = delete;
    void add(const T& item) { stack_.push_back(item); }
    std::size_t size() const { return stack_.size() - from_; }
    List<T> done() { return arena_.copy(List<T>(stack_).subspan(from_)); }

   private:
    std::vector<T>& stack_;
    Arena& arena_;
    std::size_t from_;
  };
  // One more brace or bracket is open; false: that is one too many. `--depth_` closes it.
  bool enter();

  Definition definition();
  Definition operation(std::uint32_t at);
  Definition fragment(std::uint32_t at);
  OperationKind operation_kind();
  List<VariableDefinition> variables();
  VariableDefinition variable_definition(std::uint32_t index);
  Name variable_name();
  SelectionSet* selection_set();
  Selection selection();
  Selection field();
  Selection spread_or_inline();
  Name fragment_name();
  List<Argument> arguments(bool constant);
  List<Directive> directives(bool constant);
  Value value(bool constant);
  Value variable_or_error(bool constant);
  Value list(bool constant);
  Value object(bool constant);
  Value scalar(ValueKind kind);
  Value name_value();
  TypeReference type_reference();
  bool wrap(TypeReference& type, Wrapping inner, bool list);
  Name named_type() { return name(); }
  Name name();
  bool description();

  bool peek(TokenKind kind) const { return token_.kind == kind; }
  bool peek_description() const { return peek(TokenKind::string) || peek(TokenKind::block_string); }
  bool peek_keyword(std::string_view word) const { return peek(TokenKind::name) && token_.text == word; }
  bool expect(TokenKind kind);
  bool accept(TokenKind kind);
  void expect_keyword(std::string_view word);
  bool accept_keyword(std::string_view word);
  void advance();
  void unexpected(const Token& token);
  void fail(std::uint32_t at, const std::string& message);
  bool failed() const { return error_.has_value(); }

  Lexer lexer_;
  Arena& arena_;
  const ParseLimits& limits_;
  Token token_;
  std::optional<Failure> error_;
  std::uint32_t tokens_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t deepest_ = 0;
  std::uint32_t selection_sets_ = 0;

  std::vector<Definition> definitions_;
  std::vector<VariableDefinition> variables_;
  std::vector<Selection> selections_;
  std::vector<Argument> arguments_;
  std::vector<Directive> directives_;
  std::vector<Value> values_;
  std::vector<ObjectField> entries_;
};

// "Name \"x\"", "<EOF>": a token as errors call it.
std::string description(const Token& token);

}  // namespace parley::graphql
