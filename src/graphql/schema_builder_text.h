// Texts that SchemaBuilder takes from descriptors of any kind.
#pragma once

#include <optional>

#include "contract/comments.h"
#include "graphql/schema_builder.h"

namespace parley::graphql {

inline constexpr std::string_view default_deprecation = "No longer supported";

template <class D>
const google::protobuf::FileDescriptor& file_of(const D& element) {
  return *element.file();
}
inline const google::protobuf::FileDescriptor& file_of(const google::protobuf::MethodDescriptor& method) {
  return *method.service()->file();
}

template <class D>
std::optional<std::string_view> deprecation_of(const D& element) {
  return element.options().deprecated() ? std::optional(default_deprecation) : std::nullopt;
}

template <class D>
std::string_view SchemaBuilder::comment(const D& element) {
  return keep(contract::comment_of(element));
}

template <class D>
void SchemaBuilder::error_at(const D& element, std::string message, std::string hint) {
  contract::Diagnostic out;
  out.file = file_of(element).name();
  google::protobuf::SourceLocation where;
  if (element.GetSourceLocation(&where)) {
    out.line = where.start_line + 1;
    out.column = where.start_column + 1;
  }
  out.message = "GraphQL: " + std::move(message);
  out.hint = std::move(hint);
  diagnostics_.push_back(std::move(out));
}

}  // namespace parley::graphql
