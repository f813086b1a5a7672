#include "edge/graphql/input_view.h"

#include "edge/graphql/variables.h"

namespace parley::edge::graphql {

namespace ql = parley::graphql;

InputView::InputView(const ql::Value& literal, const Variables& variables) {
  if (literal.kind == ql::ValueKind::variable) {
    *this = variables.of(literal.text);
    return;
  }
  literal_ = &literal;
  variables_ = &variables;
}

InputView::Kind InputView::kind() const {
  if (is_json_) {
    switch (json_.kind()) {
      case JsonKind::null: return Kind::null;
      case JsonKind::boolean: return Kind::boolean;
      case JsonKind::number: return Kind::number;
      case JsonKind::string: return Kind::text;
      case JsonKind::array: return Kind::list;
      case JsonKind::object: return Kind::object;
    }
  }
  if (literal_ == nullptr) return Kind::absent;
  switch (literal_->kind) {
    case ql::ValueKind::null: return Kind::null;
    case ql::ValueKind::boolean: return Kind::boolean;
    case ql::ValueKind::integer:
    case ql::ValueKind::floating: return Kind::number;
    case ql::ValueKind::string: return Kind::text;
    case ql::ValueKind::enumeration: return Kind::enum_name;
    case ql::ValueKind::list: return Kind::list;
    case ql::ValueKind::object: return Kind::object;
    case ql::ValueKind::variable: break;
  }
  return Kind::absent;
}

InputView InputView::find(std::string_view name) const {
  if (is_json_) {
    const JsonValue member = json_.find(name);
    return member.is_end() ? InputView() : InputView(member);
  }
  if (literal_ == nullptr) return {};
  for (const ql::ObjectField& entry : literal_->entries) {
    if (entry.name.text == name) return {entry.value, *variables_};
  }
  return {};
}

}  // namespace parley::edge::graphql
