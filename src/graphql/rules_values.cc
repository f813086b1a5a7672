// Values of Correct Type, with what belongs to it: Input Object Field Names, Required Fields, and exactly one entry in
// an @oneOf input object.
#include "graphql/literal.h"
#include "graphql/validator.h"

namespace parley::graphql {
namespace {

std::string expected(Type type, const Value& value) {
  std::string out = "Expected value of type " + in_quotes(type.text()) + ", found ";
  print(value, out);
  return out + ".";
}

}  // namespace

// `type`: where the list stands. A list where none is expected is checked as one value of that type.
bool Validator::check_list(const Value& value, Type type) {
  const Type list = type.nullable();
  if (list && list.list()) return true;
  check_leaf(value, list);
  return false;
}

bool Validator::check_object(const Value& value, Type type) {
  if (!type || type.named->kind != TypeKind::input_object) {
    check_leaf(value, type);
    return false;
  }
  std::vector<bool> given(type.named->inputs.size());
  for (const ObjectField& each : value.entries) {
    if (const InputValue* input = type.named->input(each.name.text)) given[input->index] = true;
  }
  for (const InputValue& each : type.named->inputs) {
    if (given[each.index] || !each.required()) continue;
    context_.report("Field \"" + std::string(type.named->name) + "." + std::string(each.name) + "\" of required type " +
                        in_quotes(each.type.text()) + " was not provided.",
                    {value.at});
  }
  if (type.named->one_of) check_one_of(value, *type.named);
  return true;
}

void Validator::check_one_of(const Value& value, const NamedType& type) {
  // Entries that repeat a name count once, the last one being the one that counts.
  NameTable names;
  std::size_t count = 0;
  for (const ObjectField& each : value.entries) count += names.add(each.name.text, 0).second ? 1 : 0;
  if (count != 1) {
    context_.report("OneOf Input Object " + in_quotes(type.name) + " must specify exactly one key.", {value.at});
  } else if (value.entries.back().value.kind == ValueKind::null) {
    context_.report("Field \"" + std::string(type.name) + "." + std::string(value.entries.back().name.text) +
                        "\" must be non-null.",
                    {value.at});
  }
}

// `object`: the input object that the entry stands in; null: it is not known, or none.
void Validator::known_entry(const ObjectField& entry, const NamedType* object) {
  if (object == nullptr || entry.definition != nullptr) return;
  std::vector<std::string_view> names;
  for (const InputValue& each : object->inputs) names.push_back(each.name);
  const std::string_view name = entry.name.text;
  context_.report("Field " + in_quotes(name) + " is not defined by type " + in_quotes(object->name) + "." +
                      did_you_mean(suggestions(name, names)),
                  {entry.name.at});
}

void Validator::check_null(const Value& value, Type type) {
  if (type && type.non_null()) context_.report(expected(type, value), {value.at});
}

// Any value that is not looked into: of a scalar or an enumeration, if it is right.
void Validator::check_leaf(const Value& value, Type type) {
  if (!type) return;
  if (!type.named->is_leaf()) return context_.report(expected(type, value), {value.at});
  if (auto wrong = wrong_with_literal(*type.named, value)) context_.report(std::move(*wrong), {value.at});
}

}  // namespace parley::graphql
