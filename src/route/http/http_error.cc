#include "route/http/http_error.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "contract/transcode.h"
#include "contract/wire_records.h"
#include "wire/media_type.h"

namespace parley::route {
namespace {

using simdjson::dom::element;

constexpr std::size_t longest_text = 300;  // of a body that is no JSON, in the message

struct Row {
  int status;
  Code code;
};
// google.rpc.Code's HTTP mapping backwards; where several codes share a status, the one that asks least of the caller.
constexpr Row rows[] = {
    {400, Code::invalid_argument},    {401, Code::unauthenticated},
    {403, Code::permission_denied},   {404, Code::not_found},
    {405, Code::unimplemented},       {406, Code::invalid_argument},
    {408, Code::deadline_exceeded},   {409, Code::aborted},
    {410, Code::not_found},           {411, Code::invalid_argument},
    {412, Code::failed_precondition}, {413, Code::resource_exhausted},
    {414, Code::invalid_argument},    {415, Code::invalid_argument},
    {416, Code::out_of_range},        {417, Code::invalid_argument},
    {422, Code::invalid_argument},    {423, Code::failed_precondition},
    {424, Code::failed_precondition}, {425, Code::unavailable},
    {428, Code::failed_precondition}, {429, Code::resource_exhausted},
    {431, Code::invalid_argument},    {451, Code::permission_denied},
    {499, Code::cancelled},           {500, Code::internal},
    {501, Code::unimplemented},       {502, Code::unavailable},
    {503, Code::unavailable},         {504, Code::deadline_exceeded},
};

Blame blame_of(Code code) {
  switch (code) {
    case Code::unknown:
    case Code::deadline_exceeded:
    case Code::resource_exhausted:
    case Code::unimplemented:
    case Code::internal:
    case Code::unavailable:
    case Code::data_loss: return Blame::upstream;
    default: return Blame::caller;
  }
}

std::string text_of(element json, const char* key) {
  std::string_view text;
  return json.at_key(key).get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

// "status": "NOT_FOUND", or "code" as a name or as one of gRPC's numbers.
std::optional<Code> code_in(element json) {
  for (const char* key : {"status", "code"}) {
    std::string_view name;
    if (json.at_key(key).get(name) != simdjson::SUCCESS) continue;
    if (const auto code = code_from_name(name)) return code;
  }
  std::int64_t number = 0;
  if (json.at_key("code").get(number) == simdjson::SUCCESS && number > 0 && number < code_count)
    return code_from_number(number);
  return std::nullopt;
}

// {"@type": …, …} as an Any's type and bytes. Types that the contract does not have are left out.
void add_details(element json, const contract::TableSet& tables, Error& error) {
  simdjson::dom::array details;
  const contract::MessageTable* any_table = tables.find("google.protobuf.Any");
  if (any_table == nullptr || json.at_key("details").get(details) != simdjson::SUCCESS) return;
  for (const element each : details) {
    std::string any;
    if (!contract::json_to_wire(*any_table, simdjson::minify(each), any, {.ignore_unknown = true})) continue;
    ErrorDetail detail;
    contract::WireRecords fields(any);
    while (fields.next()) {
      if (fields.number == 1) detail.type = fields.content.substr(fields.content.rfind('/') + 1);
      if (fields.number == 2) detail.value = fields.content;
    }
    error = std::move(error).with_detail(std::move(detail));
  }
}

std::string message_in(element json) {
  for (const char* key : {"message", "detail", "title", "error_description", "error", "reason"}) {
    if (std::string text = text_of(json, key); !text.empty()) return text;
  }
  return {};
}

Error error_of_json(element json, Code by_status, const contract::TableSet& tables) {
  element inner;
  if (json.at_key("error").get(inner) == simdjson::SUCCESS && inner.is_object()) json = inner;
  const Code code = code_in(json).value_or(by_status);
  Error error = Error(code, blame_of(code), message_in(json)).with_reason("upstream_status");
  add_details(json, tables, error);
  return error;
}

}  // namespace

Code code_of_http_status(int status) {
  for (const Row& row : rows) {
    if (row.status == status) return row.code;
  }
  if (status >= 500) return Code::internal;
  return status >= 400 ? Code::failed_precondition : Code::unknown;
}

Error http_error(int status, std::string_view content_type, std::string_view body, const contract::TableSet& tables) {
  const Code by_status = code_of_http_status(status);
  const auto type = wire::parse_media_type(content_type);
  const bool text = type && type->essence == "text/plain";
  static thread_local simdjson::dom::parser parser;
  element json;
  if (!text && !body.empty() && parser.parse(body.data(), body.size()).get(json) == simdjson::SUCCESS &&
      json.is_object()) {
    Error error = error_of_json(json, by_status, tables);
    if (!error.message().empty()) return error;
    return std::move(error).during(fmt::format("the upstream answered with HTTP status {}", status));
  }
  std::string message = fmt::format("the upstream answered with HTTP status {}", status);
  if (text && !body.empty()) message += fmt::format(": {}", body.substr(0, longest_text));
  return Error(by_status, blame_of(by_status), std::move(message)).with_reason("upstream_status");
}

std::optional<Error> in_band_error(std::string_view text, const contract::TableSet& tables) {
  if (!text.contains("\"error\"")) return std::nullopt;
  static thread_local simdjson::dom::parser parser;
  element json;
  simdjson::dom::object object;
  if (parser.parse(text.data(), text.size()).get(json) != simdjson::SUCCESS) return std::nullopt;
  if (json.get(object) != simdjson::SUCCESS || object.size() != 1) return std::nullopt;
  element inner;
  if (object.at_key("error").get(inner) != simdjson::SUCCESS || !inner.is_object()) return std::nullopt;
  return error_of_json(json, Code::unknown, tables);
}

}  // namespace parley::route
