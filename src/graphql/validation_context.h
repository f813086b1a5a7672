// What the rules of validation share: errors in their order, fragments by name, uses of variables.
//
// graphql-js visits a document once and runs all rules beside one another, so an error's place in the list is where its
// node is entered or left. Rules that look at a whole operation when it is left need the fragments it uses, which may
// come later in the document; so errors are kept by definition and put in order at the end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "graphql/document.h"
#include "graphql/name_table.h"
#include "graphql/schema.h"
#include "graphql/validation.h"

namespace parley::graphql {

// Where a variable is used.
struct VariableUse {
  const Value* node = nullptr;
  Type expected;                      // none: not known
  bool has_default = false;           // what it is given to has a default of its own
  const NamedType* one_of = nullptr;  // the @oneOf input object that it is a field of
};

inline std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

class ValidationContext {
 public:
  ValidationContext(const Schema& schema, Document& document, const ValidationLimits& limits);

  const Schema& schema() const { return schema_; }
  Document& document() const { return document_; }
  const ValidationLimits& limits() const { return limits_; }

  // Errors are reported for this place of the document from now on: 0 its beginning, then one a definition, and one for
  // its end.
  void enter(std::size_t place) { place_ = place; }
  std::size_t place_count() const { return places_.size(); }
  void report(std::string message, std::span<const std::uint32_t> at);
  void report(std::string message, std::initializer_list<std::uint32_t> at) {
    report(std::move(message), std::span(at.begin(), at.size()));
  }
  // No further error will be shown: what is left to do may be left.
  bool full() const { return full_; }
  // The document asks for more work than is good: "Validation aborted." is its last error.
  void abort();
  // Counts work that grows faster than the document.
  bool spend(std::size_t work);

  std::vector<GraphqlError> errors() &&;

  // The last one of that name, as graphql-js has it; null if there is none.
  FragmentDefinition* fragment(std::string_view name);
  // The spreads below a selection set, in the order graphql-js finds them in.
  std::vector<const Selection*> spreads(const SelectionSet& set) const;
  const std::vector<const Selection*>& spreads(const FragmentDefinition& fragment);
  // All that these spreads lead to, each once, nearest first.
  std::vector<const FragmentDefinition*> reachable(std::span<const Selection* const> spreads);

  std::vector<VariableUse>& uses(const FragmentDefinition& fragment) { return fragment_uses_[fragment.index]; }

 private:
  struct Pending {
    std::string message;
    std::vector<std::uint32_t> at;
  };
  struct Place {
    std::vector<Pending> errors;
    bool aborted = false;
  };
  void locate(std::vector<std::pair<std::uint32_t, SourceLocation*>>& wanted) const;

  const Schema& schema_;
  Document& document_;
  const ValidationLimits& limits_;
  std::vector<Place> places_;
  std::size_t place_ = 0;
  std::size_t work_ = 0;
  bool full_ = false;
  NameTable fragments_;
  std::vector<std::vector<VariableUse>> fragment_uses_;
  std::vector<std::vector<const Selection*>> fragment_spreads_;
  std::vector<bool> spreads_known_;
};

}  // namespace parley::graphql
