#include "edge/graphql/variables.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "contract/number_text.h"
#include "edge/graphql/inspect.h"
#include "graphql/schema.h"
#include "graphql/suggestions.h"

namespace parley::edge::graphql {
namespace {

namespace ql = parley::graphql;

constexpr std::size_t most_errors = 50;

// Checks the JSON of one variable against its type (graphql-js's coerceInputValue).
class Coercion {
 public:
  Coercion(const ql::Document& document, const ql::VariableDefinition& variable, std::vector<ql::GraphqlError>& errors)
      : document_(document), variable_(variable), errors_(errors) {}

  void check(const ql::Type& type, const JsonValue& value) {
    if (errors_.size() > most_errors) return;
    if (type.non_null() && value.is(JsonKind::null)) {
      return report(value, "Expected non-nullable type \"" + type.text() + "\" not to be null.");
    }
    if (value.is(JsonKind::null)) return;
    const ql::Type nullable = type.nullable();
    if (nullable.list()) return list(nullable.item(), value);
    if (type.named->kind == ql::TypeKind::input_object) return object(*type.named, value);
    if (type.named->kind == ql::TypeKind::enumeration) return enumeration(*type.named, value);
    scalar(*type.named, value);
  }

 private:
  void list(const ql::Type& item_type, const JsonValue& value) {
    if (!value.is(JsonKind::array)) return check(item_type, value);
    std::size_t index = 0;
    for (JsonValue item = value.first(); !item.is_end(); item = item.next()) {
      within("[" + std::to_string(index++) + "]", [&] { check(item_type, item); });
    }
  }

  void object(const ql::NamedType& type, const JsonValue& value) {
    if (!value.is(JsonKind::object)) {
      return report(value, "Expected type \"" + std::string(type.name) + "\" to be an object.");
    }
    for (const ql::InputValue& input : type.inputs) {
      const JsonValue member = value.find(input.name);
      if (!member.is_end()) {
        within("." + std::string(input.name), [&] { check(input.type, member); });
      } else if (input.required()) {
        report(value, "Field \"" + std::string(input.name) + "\" of required type \"" + input.type.text() +
                          "\" was not provided.");
      }
    }
    for (JsonValue member = value.first(); !member.is_end() && errors_.size() <= most_errors; member = member.next()) {
      if (type.input(member.key()) == nullptr) unknown(type, value, member.key());
    }
    if (type.one_of) one_of(type, value);
  }

  void unknown(const ql::NamedType& type, const JsonValue& value, std::string_view key) {
    std::vector<std::string_view> names;
    for (const ql::InputValue& input : type.inputs) names.push_back(input.name);
    report(value, "Field \"" + shortened(key) + "\" is not defined by type \"" + std::string(type.name) + "\"." +
                      ql::did_you_mean(ql::suggestions(key, names)));
  }

  // Of the members that the type has; the others are reported already.
  void one_of(const ql::NamedType& type, const JsonValue& value) {
    std::size_t count = 0;
    JsonValue first;
    for (const ql::InputValue& input : type.inputs) {
      const JsonValue member = value.find(input.name);
      if (!member.is_end() && count++ == 0) first = member;
    }
    if (count != 1) {
      report(value, "Exactly one key must be specified for OneOf type \"" + std::string(type.name) + "\".");
    }
    if (count > 0 && first.is(JsonKind::null)) {
      within("." + std::string(first.key()),
             [&] { report(first, "Field \"" + std::string(first.key()) + "\" must be non-null."); });
    }
  }

  void enumeration(const ql::NamedType& type, const JsonValue& value) {
    const std::string enum_name(type.name);
    if (!value.is(JsonKind::string)) {
      return report(value, "Enum \"" + enum_name + "\" cannot represent non-string value: " + inspect(value) + "." +
                               enum_hint(type, inspect(value)));
    }
    if (type.value(value.text()) == nullptr) {
      report(value, "Value \"" + shortened(value.text()) + "\" does not exist in \"" + enum_name + "\" enum." +
                        enum_hint(type, value.text()));
    }
  }

  static std::string enum_hint(const ql::NamedType& type, std::string_view text) {
    std::vector<std::string_view> names;
    for (const ql::EnumValue& value : type.values) names.push_back(value.name);
    return ql::did_you_mean(ql::suggestions(text, names), "the enum value");
  }

  void scalar(const ql::NamedType& type, const JsonValue& value) {
    const std::string shown = inspect(value);
    const bool number = value.is(JsonKind::number);
    const bool string = value.is(JsonKind::string);
    double as_double = 0;
    contract::Integer integer;
    switch (type.scalar) {
      case ql::Scalar::int32:
        if (!number || contract::get_integer(value.text(), integer) != contract::NumberFault::none) {
          if (number && is_whole(value)) break;
          return report(value, "Int cannot represent non-integer value: " + shown);
        }
        if (integer.magnitude <= (integer.negative ? 2147483648U : 2147483647U)) return;
        break;
      case ql::Scalar::float64:
        if (!number || contract::get_double(value.text(), as_double) == contract::NumberFault::range) {
          report(value, "Float cannot represent non numeric value: " + shown);
        }
        return;
      case ql::Scalar::string:
        if (!string) report(value, "String cannot represent a non string value: " + shown);
        return;
      case ql::Scalar::boolean:
        if (!value.is(JsonKind::boolean)) report(value, "Boolean cannot represent a non boolean value: " + shown);
        return;
      case ql::Scalar::id:
        if (!string && !(number && is_whole(value))) report(value, "ID cannot represent value: " + shown);
        return;
      default: return custom(type, value, shown);
    }
    report(value, "Int cannot represent non 32-bit signed integer value: " + shown);
  }

  static bool is_whole(const JsonValue& number) {
    contract::Integer integer;
    const auto fault = contract::get_integer(number.text(), integer);
    return fault == contract::NumberFault::none || fault == contract::NumberFault::range;
  }

  // What the transcoder would refuse later has its place named here already.
  void custom(const ql::NamedType& type, const JsonValue& value, const std::string& shown) {
    const bool string = value.is(JsonKind::string);
    const std::string type_name(type.name);
    switch (type.scalar) {
      case ql::Scalar::int64:
      case ql::Scalar::uint64:
      case ql::Scalar::uint32:
        if (!string && !value.is(JsonKind::number)) {
          report(value, type_name + " cannot represent a value that is neither a string nor a number: " + shown);
        }
        return;
      case ql::Scalar::json: return;
      default:
        if (!string) report(value, type_name + " cannot represent a non string value: " + shown);
    }
  }

  template <class Check>
  void within(std::string_view step, const Check& check) {
    const std::size_t size = path_.size();
    path_ += step;
    check();
    path_.resize(size);
  }

  void report(const JsonValue& value, const std::string& why) {
    const std::string name(variable_.name.text);
    ql::GraphqlError& error = errors_.emplace_back();
    error.message = "Variable \"$" + name + "\" got invalid value " + inspect(value) +
                    (path_.empty() ? "" : " at \"" + name + path_ + "\"") + "; " + why;
    error.locations.push_back(document_.location(variable_.dollar));
    error.extensions = R"({"code":"INVALID_ARGUMENT","reason":"bad_variable"})";
  }

  const ql::Document& document_;
  const ql::VariableDefinition& variable_;
  std::vector<ql::GraphqlError>& errors_;
  std::string path_;
};

void refuse(const ql::Document& document, const ql::VariableDefinition& variable, std::string_view why,
            std::vector<ql::GraphqlError>& errors) {
  ql::GraphqlError& error = errors.emplace_back();
  error.message = "Variable \"$" + std::string(variable.name.text) + "\" of " + std::string(why);
  error.locations.push_back(document.location(variable.dollar));
  error.extensions = R"({"code":"INVALID_ARGUMENT","reason":"bad_variable"})";
}

}  // namespace

std::expected<Variables, std::vector<ql::GraphqlError>> Variables::coerce(const ql::Document& document,
                                                                          const ql::OperationDefinition& operation,
                                                                          const JsonValue& given) {
  Variables out;
  std::vector<ql::GraphqlError> errors;
  out.operation_ = &operation;
  out.values_.resize(operation.variables.size());
  for (const ql::VariableDefinition& variable : operation.variables) {
    const ql::Type type = variable.type.type();
    const JsonValue value = given.find(variable.name.text);
    if (value.is_end()) {
      if (variable.default_value == nullptr && type.non_null()) {
        refuse(document, variable, "required type \"" + type.text() + "\" was not provided.", errors);
      }
      continue;
    }
    if (value.is(JsonKind::null) && type.non_null()) {
      refuse(document, variable, "non-null type \"" + type.text() + "\" must not be null.", errors);
      continue;
    }
    Coercion(document, variable, errors).check(type, value);
    out.values_[variable.index] = {value, true};
  }
  if (errors.size() > most_errors) {
    errors.resize(most_errors);
    errors.emplace_back().message = "Too many errors processing variables, error limit reached. Execution aborted.";
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return out;
}

InputView Variables::of(const ql::VariableDefinition& variable) const {
  const Value& value = values_[variable.index];
  if (value.given) return InputView(value.json);
  return variable.default_value == nullptr ? InputView() : InputView(*variable.default_value, *this);
}

InputView Variables::of(std::string_view name) const {
  const ql::VariableDefinition* variable = operation_ == nullptr ? nullptr : operation_->variable(name);
  return variable == nullptr ? InputView() : of(*variable);
}

}  // namespace parley::edge::graphql
