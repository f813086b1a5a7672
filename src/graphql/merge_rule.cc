#include "graphql/merge_rule.h"

#include <algorithm>

#include "contract/name_hash.h"

namespace parley::graphql {
namespace {

// graphql-js's bounds of what one error says.
constexpr std::size_t max_detail = 1000;
constexpr std::size_t max_places = 20;
// Of fields and fragments inside one another: each is a few frames of the stack.
constexpr int max_depth = 1500;

std::string abbreviated(std::string_view text) {
  return text.size() > max_detail ? std::string(text.substr(0, max_detail)) + "..." : std::string(text);
}

bool same_value(const Value& a, const Value& b);

bool same_entries(List<ObjectField> a, List<ObjectField> b) {
  if (a.size() != b.size()) return false;
  const auto sorted = [](List<ObjectField> entries) {
    std::vector<const ObjectField*> out;
    for (const ObjectField& each : entries) out.push_back(&each);
    std::ranges::sort(out, {}, [](const ObjectField* each) { return std::pair(each->name.text, each); });
    return out;
  };
  return std::ranges::equal(sorted(a), sorted(b), [](const ObjectField* x, const ObjectField* y) {
    return x->name.text == y->name.text && same_value(x->value, y->value);
  });
}

// As they are written, but for the order of an object's entries.
bool same_value(const Value& a, const Value& b) {
  if (a.kind != b.kind || a.text != b.text || a.block != b.block || a.boolean != b.boolean) return false;
  if (a.kind == ValueKind::list) return std::ranges::equal(a.items, b.items, same_value);
  return a.kind != ValueKind::object || same_entries(a.entries, b.entries);
}

// Values of both types cannot stand in one place of a response; objects are compared by their fields.
bool types_conflict(Type a, Type b) {
  while (!a.wrapping.empty() || !b.wrapping.empty()) {
    if (a.list() != b.list() || a.non_null() != b.non_null()) return true;
    a = a.item();
    b = b.item();
  }
  return (a.named->is_leaf() || b.named->is_leaf()) && a.named != b.named;
}

void append_places(std::vector<std::uint32_t>& to, const std::vector<std::uint32_t>& from) {
  const std::size_t room = max_places - to.size();
  to.insert(to.end(), from.size() > room ? from.end() - static_cast<std::ptrdiff_t>(room) : from.begin(), from.end());
}

}  // namespace

void MergeRule::check(const SelectionSet& set, const NamedType* parent) {
  if (is_plain(set)) return;
  Conflicts conflicts;
  Fields& fields = fields_of(set, parent);
  within(fields, conflicts);
  for (std::size_t i = 0; i < fields.fragments.size(); ++i) {
    with_fragment(false, fields, *fields.fragments[i], conflicts);
    for (std::size_t j = i + 1; j < fields.fragments.size(); ++j)
      fragments(false, *fields.fragments[i], *fields.fragments[j], conflicts);
  }
  for (Conflict& each : conflicts) {
    each.first.insert(each.first.end(), each.second.begin(), each.second.end());
    context_.report("Fields " + in_quotes(abbreviated(each.name)) + " conflict because " + each.reason +
                        ". Use different aliases on the fields to fetch both if this was intentional.",
                    each.first);
  }
}

// Nothing in the set can conflict: fields alone, each with a response name of its own. Most sets are such.
bool MergeRule::is_plain(const SelectionSet& set) {
  if (set.items.size() == 1) return set.items[0].kind != SelectionKind::inline_fragment;
  std::size_t size = 16;
  while (size < 2 * set.items.size()) size *= 2;
  if (slots_.size() < size) slots_.assign(size, Slot());
  ++round_;
  const std::size_t mask = slots_.size() - 1;
  for (const Selection& each : set.items) {
    if (each.kind != SelectionKind::field) return false;
    const std::string_view name = each.response_name();
    std::size_t at = contract::name_hash(name) & mask;
    for (; slots_[at].round == round_; at = (at + 1) & mask) {
      if (slots_[at].field->response_name() == name) return false;
    }
    slots_[at] = {round_, &each};
  }
  return true;
}

MergeRule::Fields& MergeRule::fields_of(const SelectionSet& set, const NamedType* parent) {
  if (fields_.empty()) fields_.resize(context_.document().selection_set_count());
  // A fragment on something that has no fields is seen with and without that parent; graphql-js compares the two.
  std::unique_ptr<Fields>* known = &fields_[set.index];
  while (*known != nullptr && (*known)->parent != parent) known = &(*known)->other;
  if (*known == nullptr) {
    *known = std::make_unique<Fields>();
    (*known)->parent = parent;
    collect(set, parent, **known);
  }
  return **known;
}

MergeRule::Fields& MergeRule::fields_of(const FragmentDefinition& fragment) {
  return fields_of(*fragment.selections, condition(fragment.type_condition));
}

void MergeRule::collect(const SelectionSet& set, const NamedType* parent, Fields& out) {
  for (const Selection& each : set.items) {
    if (each.kind == SelectionKind::inline_fragment) {
      collect(*each.selections, each.type_condition ? condition(each.type_condition) : parent, out);
    } else if (each.kind == SelectionKind::spread) {
      const FragmentDefinition* const fragment = context_.fragment(each.name.text);
      if (fragment != nullptr && std::ranges::find(out.fragments, fragment) == out.fragments.end())
        out.fragments.push_back(fragment);
    } else {
      const auto at = static_cast<std::uint32_t>(out.entries.size());
      out.entries.push_back({&each, parent, none});
      const std::string_view name = each.response_name();
      const auto [group, fresh] = out.by_name.add(name, static_cast<std::uint32_t>(out.groups.size()));
      if (fresh) {
        out.groups.push_back({name, at, at});
      } else {
        out.entries[out.groups[group].last].next = at;
        out.groups[group].last = at;
      }
    }
  }
}

void MergeRule::within(const Fields& fields, Conflicts& out) {
  for (const Group& group : fields.groups) {
    for (std::uint32_t i = group.first; i != none; i = fields.entries[i].next) {
      for (std::uint32_t j = fields.entries[i].next; j != none; j = fields.entries[j].next) {
        auto conflict = compare(false, group.name, fields.entries[i], fields.entries[j]);
        if (context_.full()) return;
        if (conflict) out.push_back(std::move(*conflict));
      }
    }
  }
}

void MergeRule::between(bool exclusive, const Fields& one, Fields& other, Conflicts& out) {
  if (!spend(one.groups.size())) return;
  for (const Group& group : one.groups) {
    const std::uint32_t* const match = other.by_name.find(group.name);
    if (match == nullptr) continue;
    for (std::uint32_t i = group.first; i != none; i = one.entries[i].next) {
      for (std::uint32_t j = other.groups[*match].first; j != none; j = other.entries[j].next) {
        auto conflict = compare(exclusive, group.name, one.entries[i], other.entries[j]);
        if (context_.full()) return;
        if (conflict) out.push_back(std::move(*conflict));
      }
    }
  }
}

void MergeRule::with_fragment(bool exclusive, Fields& fields, const FragmentDefinition& fragment, Conflicts& out) {
  if (!spend(1) || fields.groups.empty()) return;
  const auto [known, fresh] = fields.compared.emplace(fragment.index, exclusive);
  if (!fresh && (!known->second || exclusive)) return;  // not exclusive says more than exclusive
  known->second = exclusive;
  Fields& inside = fields_of(fragment);
  if (&inside == &fields) return;
  if (++depth_ > max_depth) return context_.abort();
  between(exclusive, fields, inside, out);
  for (const FragmentDefinition* each : inside.fragments) with_fragment(exclusive, fields, *each, out);
  --depth_;
}

void MergeRule::fragments(bool exclusive, const FragmentDefinition& one, const FragmentDefinition& other,
                          Conflicts& out) {
  if (!spend(2) || &one == &other) return;
  const auto [known, fresh] = compared_fragments_.emplace(std::minmax(one.index, other.index), exclusive);
  if (!fresh && (!known->second || exclusive)) return;
  known->second = exclusive;
  Fields& first = fields_of(one);
  Fields& second = fields_of(other);
  if (++depth_ > max_depth) return context_.abort();
  between(exclusive, first, second, out);
  for (const FragmentDefinition* each : second.fragments) fragments(exclusive, one, *each, out);
  for (const FragmentDefinition* each : first.fragments) fragments(exclusive, *each, other, out);
  --depth_;
}

MergeRule::Conflicts MergeRule::sub_selections(bool exclusive, const Selection& one, const NamedType* type,
                                               const Selection& other, const NamedType* other_type) {
  Conflicts out;
  if (++depth_ > max_depth) {
    context_.abort();
    return out;
  }
  Fields& first = fields_of(*one.selections, type);
  Fields& second = fields_of(*other.selections, other_type);
  between(exclusive, first, second, out);
  for (const FragmentDefinition* each : second.fragments) with_fragment(exclusive, first, *each, out);
  for (const FragmentDefinition* each : first.fragments) with_fragment(exclusive, second, *each, out);
  for (const FragmentDefinition* a : first.fragments) {
    for (const FragmentDefinition* b : second.fragments) fragments(exclusive, *a, *b, out);
  }
  --depth_;
  return out;
}

// Meta fields have none here: they are the same everywhere.
const Field* MergeRule::definition(const Entry& entry) const {
  const bool object = entry.parent != nullptr && entry.parent->kind == TypeKind::object;
  return object ? entry.parent->field(entry.node->name.text) : nullptr;
}

bool MergeRule::same_arguments(const Selection& one, const Selection& other) {
  if (one.arguments.size() != other.arguments.size()) return false;
  spend(one.arguments.size());
  return std::ranges::all_of(one.arguments, [&](const Argument& each) {
    const auto is_same = [&](const Argument& a) { return a.name.text == each.name.text; };
    const auto match = std::ranges::find_if(other.arguments.rbegin(), other.arguments.rend(), is_same);
    return match != other.arguments.rend() && same_value(each.value, match->value);
  });
}

std::optional<MergeRule::Conflict> MergeRule::compare(bool exclusive, std::string_view name, const Entry& one,
                                                      const Entry& other) {
  if (!spend(2)) return std::nullopt;
  const auto is_object = [](const Entry& e) { return e.parent != nullptr && e.parent->kind == TypeKind::object; };
  // Objects of different types are never one object: their fields may differ, but not in the shape of what they answer.
  exclusive = exclusive || (one.parent != other.parent && is_object(one) && is_object(other));
  const Selection& a = *one.node;
  const Selection& b = *other.node;
  const auto conflict = [&](std::string reason) { return Conflict{name, std::move(reason), {a.at}, {b.at}}; };
  if (!exclusive) {
    if (a.name.text != b.name.text)
      return conflict(in_quotes(abbreviated(a.name.text)) + " and " + in_quotes(abbreviated(b.name.text)) +
                      " are different fields");
    if (!same_arguments(a, b)) return conflict("they have differing arguments");
  }
  const Field* const first = definition(one);
  const Field* const second = definition(other);
  if (first != nullptr && second != nullptr && types_conflict(first->type, second->type))
    return conflict("they return conflicting types " + in_quotes(first->type.text()) + " and " +
                    in_quotes(second->type.text()));
  if (a.selections == nullptr || b.selections == nullptr) return std::nullopt;
  const Conflicts inside = sub_selections(exclusive, a, first == nullptr ? nullptr : first->type.named, b,
                                          second == nullptr ? nullptr : second->type.named);
  if (inside.empty()) return std::nullopt;
  Conflict out = conflict("");
  for (const Conflict& each : inside) {
    out.reason += (out.reason.empty() ? "" : " and ") + std::string("subfields ") + in_quotes(abbreviated(each.name)) +
                  " conflict because " + each.reason;
    if (out.reason.size() > max_detail) break;
  }
  out.reason = abbreviated(out.reason);
  for (const Conflict& each : inside) {
    append_places(out.first, each.first);
    append_places(out.second, each.second);
  }
  return out;
}

}  // namespace parley::graphql
