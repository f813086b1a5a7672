// Rules about fragments.
#include "graphql/validator.h"

namespace parley::graphql {
// Fragments on Object, Interface or Union Types. `fragment`: null for an inline fragment.
void Validator::on_composite_type(const Name& condition, const NamedType* type, const FragmentDefinition* fragment) {
  if (type == nullptr || type->is_composite()) return;
  const std::string which = fragment == nullptr ? "Fragment" : "Fragment " + in_quotes(fragment->name.text);
  context_.report(which + " cannot condition on non composite type " + in_quotes(condition.text) + ".", {condition.at});
}

// Fragment Name Uniqueness.
void Validator::unique_fragment_name(const FragmentDefinition& fragment) {
  const auto [first, fresh] = fragment_names_.add(fragment.name.text, fragment.name.at);
  if (!fresh)
    context_.report("There can be only one fragment named " + in_quotes(fragment.name.text) + ".",
                    {first, fragment.name.at});
}

// Fragment Spread Target Defined.
void Validator::known_fragment(const Selection& spread) {
  if (spread.fragment == nullptr)
    context_.report("Unknown fragment " + in_quotes(spread.name.text) + ".", {spread.name.at});
}

// Fragment Spread Is Possible. `type`: what the fragment is on.
void Validator::possible_spread(const Selection& spread, const NamedType* parent, const NamedType* type) {
  if (type == nullptr || !type->is_composite() || parent == nullptr || schema_.overlap(*type, *parent)) return;
  const std::string which =
      spread.kind == SelectionKind::spread ? "Fragment " + in_quotes(spread.name.text) : std::string("Fragment");
  context_.report(which + " cannot be spread here as objects of type " + in_quotes(parent->name) +
                      " can never be of type " + in_quotes(type->name) + ".",
                  {spread.at});
}

// Fragment Spreads Must Not Form Cycles. Follows spreads from a fragment that was not followed yet.
void Validator::cycles(const FragmentDefinition& from) {
  const std::uint32_t index = context_.fragment(from.name.text)->index;  // names stand for fragments here
  if (visited_[index]) return;
  visited_[index] = true;
  const auto& spreads = context_.spreads(from);
  if (spreads.empty()) return;
  path_index_[index] = static_cast<std::int32_t>(path_.size());
  for (const Selection* spread : spreads) {
    const FragmentDefinition* const target = context_.fragment(spread->name.text);
    path_.push_back(spread);
    if (target != nullptr && path_index_[target->index] < 0) {
      cycles(*target);
    } else if (target != nullptr) {
      std::string via;
      std::vector<std::uint32_t> at;
      for (auto i = static_cast<std::size_t>(path_index_[target->index]); i < path_.size(); ++i) {
        at.push_back(path_[i]->at);
        if (i + 1 < path_.size()) via += (via.empty() ? "" : ", ") + in_quotes(path_[i]->name.text);
      }
      if (!context_.full() && context_.spend(at.size()))
        context_.report("Cannot spread fragment " + in_quotes(spread->name.text) + " within itself" +
                            (via.empty() ? "." : " via " + via + "."),
                        at);
    }
    path_.pop_back();
  }
  path_index_[index] = -1;
}

}  // namespace parley::graphql
