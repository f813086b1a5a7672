// GraphQL errors: one entry of a response's `errors` (GraphQL specification, Response Format, Errors).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace parley::graphql {

// Both count from 1. A column counts UTF-16 code units, as graphql-js does; \n, \r and \r\n end a line.
struct SourceLocation {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool operator==(const SourceLocation&) const = default;
};

// From the response's root: response names and positions in lists, which count from 0.
using ResponsePath = std::vector<std::variant<std::string, std::uint32_t>>;

struct GraphqlError {
  std::string message;
  std::vector<SourceLocation> locations;  // empty: the key is left out
  ResponsePath path;                      // empty: the key is left out
  std::string extensions;                 // a JSON object, `{"code":"NOT_FOUND"}`; empty: the key is left out
};

// Appends `{"message":…,"locations":[…],"path":[…],"extensions":…}`, keys in graphql-js's order.
void write_json(const GraphqlError& error, std::string& out);
// Appends the entries between brackets: `[{…},{…}]`.
void write_json(const std::vector<GraphqlError>& errors, std::string& out);

}  // namespace parley::graphql
