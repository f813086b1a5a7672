// For tests: schemas of contracts that are written in the test itself.
#pragma once

#include <string>
#include <string_view>

#include "contract/load.h"
#include "graphql/schema.h"
#include "graphql/validation.h"

namespace parley::graphql {

// All diagnostics, of loading and of the schema, a line each; "" and a schema where there are none.
struct TestSchema {
  SchemaPtr schema;
  std::string problems;
};

// `body` follows the syntax line, `package shop;` and the usual imports, all on line 1.
inline TestSchema schema_of(std::string_view body, const SchemaOptions& options = {}) {
  const std::string text =
      "syntax = \"proto3\"; package shop; import \"parley/options.proto\"; import \"google/protobuf/empty.proto\"; "
      "import "
      "\"google/api/field_behavior.proto\"; import \"google/protobuf/timestamp.proto\"; import "
      "\"google/protobuf/wrappers.proto\"; import \"google/protobuf/struct.proto\"; import "
      "\"google/protobuf/field_mask.proto\";\n" +
      std::string(body);
  TestSchema out;
  const contract::Loaded loaded = contract::load_texts({{"shop.proto", text}});
  for (const auto& d : loaded.diagnostics) {
    if (!d.message.ends_with("is unused.")) out.problems += d.text() + "\n";
  }
  if (loaded.contract == nullptr) return out;
  BuiltSchema built = Schema::build(loaded.contract, options);
  for (const auto& d : built.diagnostics) out.problems += d.text() + "\n";
  out.schema = std::move(built.schema);
  return out;
}

// "message (line:column line:column)" of each error, a line each.
inline std::string text_of(const std::vector<GraphqlError>& errors) {
  std::string out;
  for (const GraphqlError& each : errors) {
    out += each.message;
    std::string where;
    for (const SourceLocation& at : each.locations)
      where += (where.empty() ? "" : " ") + std::to_string(at.line) + ":" + std::to_string(at.column);
    out += where.empty() ? "\n" : " (" + where + ")\n";
  }
  return out;
}

}  // namespace parley::graphql
