// Lists of introspection inside one another answer with the schema's size to the power of their depth: graphql-js 16
// allows two (its MaxIntrospectionDepthRule, which is not in the specification).
#include <algorithm>

#include "graphql/validator.h"

namespace parley::graphql {
namespace {

constexpr std::string_view lists[] = {"fields", "interfaces", "possibleTypes", "inputFields"};
constexpr int too_deep = 3;

class Depth {
 public:
  explicit Depth(ValidationContext& context)
      : context_(context), deepest_entry_(context.document().fragments().size(), -1) {}

  // True: the limit is reached at or below the selection, `depth` lists being around it.
  bool exceeds(const Selection& selection, int depth) {
    if (selection.kind == SelectionKind::spread) {
      const FragmentDefinition* const fragment = context_.fragment(selection.name.text);
      if (fragment == nullptr || deepest_entry_[fragment->index] >= depth) return false;  // also breaks cycles
      deepest_entry_[fragment->index] = depth;
      return any_exceeds(*fragment->selections, depth);
    }
    const bool is_list =
        selection.kind == SelectionKind::field && std::ranges::find(lists, selection.name.text) != std::end(lists);
    if (is_list && ++depth >= too_deep) return true;
    return selection.selections != nullptr && any_exceeds(*selection.selections, depth);
  }

 private:
  bool any_exceeds(const SelectionSet& set, int depth) {
    return std::ranges::any_of(set.items, [&](const Selection& each) { return exceeds(each, depth); });
  }

  ValidationContext& context_;
  std::vector<int> deepest_entry_;  // by fragment: the most lists around it when it was looked at
};

}  // namespace

bool Validator::introspection_depth(const Selection& field) {
  if (field.name.text != "__schema" && field.name.text != "__type") return true;
  if (!context_.spend(context_.document().fragments().size())) return true;
  if (!Depth(context_).exceeds(field, 0)) return true;
  context_.report("Maximum introspection depth exceeded", {field.at});
  return false;
}

}  // namespace parley::graphql
