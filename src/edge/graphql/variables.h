// Variables of a request, coerced (chapter Execution, "Coercing Variable Values").
#pragma once

#include <expected>
#include <vector>

#include "edge/graphql/input_view.h"
#include "edge/graphql/json_value.h"
#include "graphql/document.h"
#include "graphql/error.h"

namespace parley::edge::graphql {

class Variables {
 public:
  Variables() = default;

  // `given` is an object or null; it and the document outlive the variables. Errors: graphql-js 16's, at the variables'
  // definitions.
  static std::expected<Variables, std::vector<parley::graphql::GraphqlError>> coerce(
      const parley::graphql::Document& document, const parley::graphql::OperationDefinition& operation,
      const JsonValue& given);

  // Absent where it was not given and has no default.
  InputView of(const parley::graphql::VariableDefinition& variable) const;
  InputView of(std::string_view name) const;

 private:
  struct Value {
    JsonValue json;
    bool given = false;
  };
  const parley::graphql::OperationDefinition* operation_ = nullptr;
  std::vector<Value> values_;  // by VariableDefinition::index
};

}  // namespace parley::edge::graphql
