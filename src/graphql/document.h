// Document: a parsed GraphQL request (September 2025, chapter Language), as a tree in one arena.
//
// Names and undecoded texts are views into the document's own copy of the source. The tree is plain data without
// destructors; nodes live as long as their Document. `at` is the offset, in bytes of the source, of the node's first
// token: Document::location turns it into a line and a column, which only errors need.
//
// validate() (validation.h) resolves names as it goes and leaves what it found in the members marked "resolved". They
// are null before, and where the document is not valid. A planner need look nothing up by name. Once validated, a
// document is read-only and can be read from any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "graphql/arena.h"
#include "graphql/error.h"
#include "graphql/type.h"

namespace parley::graphql {

struct Directive;
struct Field;  // schema.h
struct FragmentDefinition;
struct InputValue;  // schema.h
struct NamedType;   // schema.h
struct SelectionSet;
struct Value;
struct VariableDefinition;

template <class T>
using List = std::span<T>;

struct Name {
  std::string_view text;  // empty: there is none
  std::uint32_t at = 0;
  explicit operator bool() const { return !text.empty(); }
};

enum class ValueKind : std::uint8_t { variable, integer, floating, string, boolean, null, enumeration, list, object };

struct ObjectField;

struct Value {
  ValueKind kind = ValueKind::null;
  bool boolean = false;  // kind boolean
  bool block = false;    // a string between """
  std::uint32_t at = 0;
  // variable: its name without $. integer and floating: as written. string: decoded, escapes and block indentation
  // done, UTF-8. enumeration: its name.
  std::string_view text;
  List<Value> items;          // kind list
  List<ObjectField> entries;  // kind object, in the order of the document
};

struct ObjectField {
  Name name;
  Value value;
  const InputValue* definition = nullptr;  // resolved
};

struct Argument {
  Name name;
  Value value;
  const InputValue* definition = nullptr;  // resolved
};

struct Directive {
  std::uint32_t at = 0;  // the @
  Name name;
  List<Argument> arguments;
  // The argument of that name; null if there is none.
  const Argument* argument(std::string_view name) const;
};

// A type as a document writes it: [String!]!
struct TypeReference {
  std::uint32_t at = 0;
  Name name;                                       // the innermost type's
  Wrapping wrapping;                               // what is around it
  const NamedType* named = nullptr;                // resolved
  Type type() const { return {named, wrapping}; }  // once resolved
};

struct VariableDefinition {
  std::uint32_t at = 0;      // the $, or the description before it
  std::uint32_t dollar = 0;  // the $
  Name name;                 // without $; `at` is that of the letters
  TypeReference type;
  Value* default_value = nullptr;  // null: none
  List<Directive> directives;
  std::uint32_t index = 0;  // in its operation's variables
};

enum class SelectionKind : std::uint8_t { field, spread, inline_fragment };

struct Selection {
  SelectionKind kind = SelectionKind::field;
  std::uint32_t at = 0;
  Name alias;                          // field
  Name name;                           // field; spread: the fragment's name
  Name type_condition;                 // inline fragment: may be empty
  List<Argument> arguments;            // field
  List<Directive> directives;          // all
  SelectionSet* selections = nullptr;  // field: null if it has none; inline fragment: never null

  const Field* field = nullptr;                  // resolved: the field's definition; __typename and so on too
  const FragmentDefinition* fragment = nullptr;  // resolved: the spread's
  const NamedType* condition = nullptr;          // resolved: the inline fragment's, null if it has none

  // The key in the response.
  std::string_view response_name() const { return alias ? alias.text : name.text; }
  const Argument* argument(std::string_view name) const;
  const Directive* directive(std::string_view name) const;
};

struct SelectionSet {
  std::uint32_t at = 0;  // the {
  List<Selection> items;
  std::uint32_t index = 0;            // 0..Document::selection_set_count-1, for tables beside the tree
  const NamedType* parent = nullptr;  // resolved: the type that is selected from
};

enum class OperationKind : std::uint8_t { query, mutation, subscription };
std::string_view name(OperationKind kind);  // "query"

struct OperationDefinition {
  std::uint32_t at = 0;
  OperationKind kind = OperationKind::query;
  Name name;  // empty: anonymous
  List<VariableDefinition> variables;
  List<Directive> directives;
  SelectionSet* selections = nullptr;  // never null

  const VariableDefinition* variable(std::string_view name) const;
};

struct FragmentDefinition {
  std::uint32_t at = 0;
  Name name;
  Name type_condition;
  List<Directive> directives;
  SelectionSet* selections = nullptr;  // never null
  std::uint32_t index = 0;             // in Document::fragments()

  const NamedType* condition = nullptr;  // resolved
};

enum class DefinitionKind : std::uint8_t { operation, fragment, type_system };

struct Definition {
  DefinitionKind kind = DefinitionKind::operation;
  OperationDefinition* operation = nullptr;
  FragmentDefinition* fragment = nullptr;
  // A definition of the type system (`type`, `schema`, `extend …`), which no request may hold: validation says so.
  std::uint32_t at = 0;
  std::string_view text;      // its name
  bool is_schema = false;     // `schema`, which has none
  bool defines_type = false;  // a type, and no extension of one
};

struct ParseLimits {
  std::uint32_t max_tokens = 15'000;  // graphql-js's `maxTokens`, with its message
  std::uint32_t max_depth = 200;      // of braces and brackets inside one another
};

class Document {
 public:
  // `source` is copied. Errors: one, with one location; the messages are graphql-js's ("Syntax Error: Expected Name,
  // found <EOF>."). Source that is not UTF-8 is refused.
  static std::expected<std::unique_ptr<Document>, GraphqlError> parse(std::string_view source,
                                                                      const ParseLimits& limits = {});

  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  List<Definition> definitions() const { return definitions_; }                // in the order of the document
  List<OperationDefinition* const> operations() const { return operations_; }  // the same order
  List<FragmentDefinition* const> fragments() const { return fragments_; }
  std::string_view source() const { return source_; }
  std::uint32_t selection_set_count() const { return selection_set_count_; }
  std::uint32_t token_count() const { return token_count_; }
  std::uint32_t depth() const { return depth_; }  // of braces and brackets inside one another

  // The operation to run (GetOperation of chapter Execution): by name, or the only one if `operation_name` is empty.
  // Errors: graphql-js's: `Unknown operation named "x".`, `Must provide operation name if query contains multiple
  // operations.`, `Must provide an operation.`
  std::expected<const OperationDefinition*, GraphqlError> operation(std::string_view operation_name) const;

  SourceLocation location(std::uint32_t at) const;
  // For what validation leaves beside the tree.
  Arena& arena() { return arena_; }

 private:
  friend class Parser;
  explicit Document(std::string_view source) : source_(source) {}

  std::string source_;
  Arena arena_;
  List<Definition> definitions_;
  List<OperationDefinition*> operations_;
  List<FragmentDefinition*> fragments_;
  std::uint32_t selection_set_count_ = 0;
  std::uint32_t token_count_ = 0;
  std::uint32_t depth_ = 0;
};

// GraphQL text of a value as graphql-js's `print` writes it: `{name: "x", tags: [A, $b]}`.
void print(const Value& value, std::string& out);
// A value alone (`[1, {a: "x"}]`), without variables: defaults in options, JSON's counterpart in tests. The result and
// what it points to lie in `arena`, which also gets a copy of `source`.
std::expected<const Value*, GraphqlError> parse_value(std::string_view source, Arena& arena);

}  // namespace parley::graphql
