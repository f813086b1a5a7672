// ParsedRequest: the parameters of a GraphQL request (GraphQL over HTTP, "Request Parameters"), from a JSON body or a
// URL's query.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "edge/graphql/json_value.h"

namespace parley::edge::graphql {

class ParsedRequest {
 public:
  ParsedRequest() = default;
  ParsedRequest(const ParsedRequest&) = delete;
  ParsedRequest& operator=(const ParsedRequest&) = delete;

  // Once, one of them. Errors: invalid_argument; its reason is "malformed_json", "batching" or "bad_parameter".
  Result<void> read_body(Bytes body);
  Result<void> read_query(std::string_view url_query);
  // The same members from a value of a message (graphql-transport-ws). The value's document outlives this.
  Result<void> read_members(const JsonValue& request);

  std::string_view query;           // "": left out
  std::string_view operation_name;  // "": left out
  JsonValue variables;              // an object, or null
  JsonValue extensions;             // an object, or null

  // extensions.persistedQuery.sha256Hash, "" if it is not there. Errors: a version other than 1, a hash that is none.
  Result<std::string_view> persisted_hash() const;
  std::string_view operation_id() const { return extensions.find("operationId").text(); }

 private:
  Result<void> set(std::string_view name, const JsonValue& value);

  Bytes body_;
  std::array<std::string, 4> parts_;  // of a URL's query: query, operationName, variables, extensions
  JsonDocument document_;
  JsonDocument variables_;
  JsonDocument extensions_;
};

}  // namespace parley::edge::graphql
