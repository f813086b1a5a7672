#include "edge/graphql/request.h"

#include <algorithm>

#include "base/text.h"
#include "wire/percent.h"

namespace parley::edge::graphql {
namespace {

Error bad(std::string_view reason, std::string message) {
  return Error(Code::invalid_argument, Blame::caller, std::move(message)).with_reason(std::string(reason));
}

constexpr std::size_t sha256_digits = 64;

bool is_sha256(std::string_view hash) {
  return hash.size() == sha256_digits &&
         std::ranges::all_of(hash, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<void> ParsedRequest::set(std::string_view name, const JsonValue& value) {
  const bool is_text = name == "query" || name == "operationName";
  const bool is_map = name == "variables" || name == "extensions";
  if ((!is_text && !is_map) || value.is(JsonKind::null)) return {};
  if (is_text && !value.is(JsonKind::string)) {
    return fail(bad("bad_parameter", "\"" + std::string(name) + "\" must be a string"));
  }
  if (is_map && !value.is(JsonKind::object)) {
    return fail(bad("bad_parameter", "\"" + std::string(name) + "\" must be an object"));
  }
  if (name == "query") query = value.text();
  if (name == "operationName") operation_name = value.text();
  if (name == "variables") variables = value;
  if (name == "extensions") extensions = value;
  return {};
}

Result<void> ParsedRequest::read_members(const JsonValue& request) {
  if (request.is(JsonKind::array)) {
    return fail(
        bad("batching", "several operations in one request are not supported; send them in requests of their own"));
  }
  if (!request.is(JsonKind::object)) return fail(bad("bad_parameter", "the request must be a JSON object"));
  for (JsonValue member = request.first(); !member.is_end(); member = member.next()) {
    if (auto done = set(member.key(), member); !done) return done;
  }
  return {};
}

Result<void> ParsedRequest::read_body(Bytes body) {
  body_ = std::move(body);
  auto document = JsonDocument::parse(body_.view());
  if (!document) return fail(bad("malformed_json", "the body is not JSON: " + document.error().message()));
  document_ = std::move(*document);
  return read_members(document_.root());
}

Result<void> ParsedRequest::read_query(std::string_view url_query) {
  constexpr std::array<std::string_view, 4> names = {"query", "operationName", "variables", "extensions"};
  for (const std::string_view pair : split(url_query, '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = std::ranges::find(names, pair.substr(0, equals));
    if (name == names.end()) continue;
    std::string& part = parts_[static_cast<std::size_t>(name - names.begin())];
    if (!wire::decode_query_component(pair.substr(std::min(equals + 1, pair.size())), part)) {
      return fail(bad("bad_parameter", "\"" + std::string(*name) + "\" has a malformed escape"));
    }
  }
  query = parts_[0];
  operation_name = parts_[1];
  for (std::size_t i = 2; i < names.size(); ++i) {
    if (parts_[i].empty()) continue;
    auto document = JsonDocument::parse(parts_[i]);
    if (!document) {
      return fail(
          bad("malformed_json", "\"" + std::string(names[i]) + "\" is not JSON: " + document.error().message()));
    }
    JsonDocument& kept = i == 2 ? variables_ : extensions_;
    kept = std::move(*document);
    if (auto done = set(names[i], kept.root()); !done) return done;
  }
  return {};
}

Result<std::string_view> ParsedRequest::persisted_hash() const {
  const JsonValue persisted = extensions.find("persistedQuery");
  if (persisted.is(JsonKind::null)) return "";
  const JsonValue version = persisted.find("version");
  if (!version.is_end() && version.text() != "1") {
    return fail(bad("bad_parameter", "extensions.persistedQuery: only version 1 is known"));
  }
  const std::string_view hash = persisted.find("sha256Hash").text();
  if (!is_sha256(hash)) {
    return fail(
        bad("bad_parameter", "extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits in lower case"));
  }
  return hash;
}

}  // namespace parley::edge::graphql
