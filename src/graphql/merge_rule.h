// Field Selection Merging (September 2025): fields with one response name must be one field, with equal arguments and
// types that can stand in one place.
//
// Compares as graphql-js does, so that conflicts come in its order and words: fields within a selection set, then with
// each fragment spread in it, then fragments with one another. What was compared once is not compared again; the rest
// of the work is counted (ValidationContext::spend), since a short document can ask for very much of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graphql/validation_context.h"

namespace parley::graphql {

class MergeRule {
 public:
  explicit MergeRule(ValidationContext& context) : context_(context), schema_(context.schema()) {}
  // `parent`: what `set` selects from; null: not known. Not for the sets of inline fragments: they belong to the set
  // around them.
  void check(const SelectionSet& set, const NamedType* parent);

 private:
  static constexpr std::uint32_t none = ~0U;
  struct Entry {
    const Selection* node;
    const NamedType* parent;
    std::uint32_t next;  // of the same response name
  };
  struct Group {
    std::string_view name;
    std::uint32_t first;
    std::uint32_t last;
  };
  // The fields of a selection set, those of its inline fragments included, and the fragments spread in it.
  struct Fields {
    const NamedType* parent = nullptr;
    std::unique_ptr<Fields> other;  // of the same set, from another parent
    std::vector<Entry> entries;
    std::vector<Group> groups;  // by response name, in the order of their first
    NameTable by_name;
    std::vector<const FragmentDefinition*> fragments;  // each once
    std::map<std::uint32_t, bool> compared;            // fragments compared with; whether as exclusive only
  };
  struct Conflict {
    std::string_view name;
    std::string reason;
    std::vector<std::uint32_t> first;   // places of the fields on one side
    std::vector<std::uint32_t> second;  // and on the other
  };
  using Conflicts = std::vector<Conflict>;

  bool is_plain(const SelectionSet& set);
  Fields& fields_of(const SelectionSet& set, const NamedType* parent);
  Fields& fields_of(const FragmentDefinition& fragment);
  void collect(const SelectionSet& set, const NamedType* parent, Fields& out);
  const NamedType* condition(const Name& name) const { return schema_.type(name.text); }

  void within(const Fields& fields, Conflicts& out);
  void between(bool exclusive, const Fields& one, Fields& other, Conflicts& out);
  void with_fragment(bool exclusive, Fields& fields, const FragmentDefinition& fragment, Conflicts& out);
  void fragments(bool exclusive, const FragmentDefinition& one, const FragmentDefinition& other, Conflicts& out);
  Conflicts sub_selections(bool exclusive, const Selection& one, const NamedType* type, const Selection& other,
                           const NamedType* other_type);
  std::optional<Conflict> compare(bool exclusive, std::string_view name, const Entry& one, const Entry& other);
  const Field* definition(const Entry& entry) const;
  bool same_arguments(const Selection& one, const Selection& other);
  bool spend(std::size_t work) { return !context_.full() && context_.spend(work); }

  ValidationContext& context_;
  const Schema& schema_;
  std::vector<std::unique_ptr<Fields>> fields_;  // by SelectionSet::index
  std::map<std::pair<std::uint32_t, std::uint32_t>, bool> compared_fragments_;
  int depth_ = 0;
  struct Slot {
    std::uint32_t round = 0;
    const Selection* field = nullptr;
  };
  std::vector<Slot> slots_;  // of is_plain
  std::uint32_t round_ = 0;
};

}  // namespace parley::graphql
