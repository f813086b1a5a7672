#include "edge/rpc/connect_json.h"

#include <array>

#include "base/text.h"
#include "contract/transcode.h"
#include "wire/base64.h"
#include "wire/percent.h"

namespace parley::edge {
namespace {

constexpr std::array<int, code_count> http_statuses = {
    200,  // ok
    499,  // cancelled
    500,  // unknown
    400,  // invalid_argument
    504,  // deadline_exceeded
    404,  // not_found
    409,  // already_exists
    403,  // permission_denied
    429,  // resource_exhausted
    400,  // failed_precondition
    409,  // aborted
    400,  // out_of_range
    501,  // unimplemented
    500,  // internal
    503,  // unavailable
    500,  // data_loss
    401,  // unauthenticated
};

std::string as_json(std::string_view text) { return json_quoted(wire::repair_utf8(text)); }

void append_detail(const ErrorDetail& detail, const contract::Contract* contract, std::string& out) {
  out.append("{\"type\":").append(as_json(detail.type)).append(",\"value\":\"");
  base64_encode(detail.value, out, Base64::standard, false);
  out += '"';
  const auto* table = contract == nullptr ? nullptr : contract->tables().find(detail.type);
  std::string debug;
  if (table != nullptr && contract::wire_to_json(*table, detail.value, debug)) out.append(",\"debug\":").append(debug);
  out += '}';
}

void append_metadata(const Fields& trailers, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    const std::string_view name = trailers[i].name;
    bool seen = false;
    for (std::size_t before = 0; before < i; ++before) seen = seen || trailers[before].name == name;
    if (seen) continue;  // its values went with the first of its name
    if (out.back() != '{') out += ',';
    out.append(as_json(name)).append(":[");
    for (std::size_t k = i; k < trailers.size(); ++k) {
      if (trailers[k].name != name) continue;
      if (k > i) out += ',';
      out.append(as_json(trailers[k].value));
    }
    out += ']';
  }
  out += '}';
}

}  // namespace

int connect_http_status(Code code) { return http_statuses[static_cast<std::size_t>(code)]; }

std::string connect_error_json(const Error& error, const contract::Contract* contract) {
  std::string out = "{\"code\":\"";
  out.append(lower_name(error.code())).append("\"");
  if (!error.message().empty()) out.append(",\"message\":").append(as_json(error.message()));
  if (!error.details().empty()) {
    out.append(",\"details\":[");
    for (const ErrorDetail& detail : error.details()) {
      if (out.back() != '[') out += ',';
      append_detail(detail, contract, out);
    }
    out += ']';
  }
  return out += '}';
}

std::string connect_end_json(const Error* error, const Fields& trailers, const contract::Contract* contract) {
  std::string out = "{";
  if (error != nullptr) out.append("\"error\":").append(connect_error_json(*error, contract));
  if (!trailers.empty()) {
    if (error != nullptr) out += ',';
    out.append("\"metadata\":");
    append_metadata(trailers, out);
  }
  return out += '}';
}

}  // namespace parley::edge
