#include "edge/rest/problem.h"

#include <array>

#include "contract/retry_info.h"
#include "contract/text_escape.h"
#include "contract/transcode.h"
#include "edge/rest/http_body.h"

namespace parley::edge::rest {
namespace {

// Indexed by google.rpc.Code (google/rpc/code.proto, "HTTP Mapping").
constexpr std::array<int, code_count> statuses = {
    200,  // OK
    499,  // CANCELLED: nginx's "client closed request"
    500,  // UNKNOWN
    400,  // INVALID_ARGUMENT
    504,  // DEADLINE_EXCEEDED
    404,  // NOT_FOUND
    409,  // ALREADY_EXISTS
    403,  // PERMISSION_DENIED
    429,  // RESOURCE_EXHAUSTED
    400,  // FAILED_PRECONDITION
    409,  // ABORTED
    400,  // OUT_OF_RANGE
    501,  // UNIMPLEMENTED
    500,  // INTERNAL
    503,  // UNAVAILABLE
    500,  // DATA_LOSS
    401,  // UNAUTHENTICATED
};

struct ReasonStatus {
  std::string_view reason;
  int status;
};
// Reasons of the edge itself. They count only where the caller is to blame, so an upstream's status cannot be taken for
// one.
constexpr ReasonStatus edge_reasons[] = {
    {"method_not_allowed", 405},     {"not_acceptable", 406},       {"message_too_large", 413},
    {"unsupported_media_type", 415}, {"unsupported_encoding", 415},
};

struct Phrase {
  int status;
  std::string_view phrase;
};
constexpr Phrase phrases[] = {
    {400, "Bad Request"},       {401, "Unauthorized"},          {403, "Forbidden"},
    {404, "Not Found"},         {405, "Method Not Allowed"},    {406, "Not Acceptable"},
    {409, "Conflict"},          {413, "Content Too Large"},     {415, "Unsupported Media Type"},
    {429, "Too Many Requests"}, {499, "Client Closed Request"}, {500, "Internal Server Error"},
    {501, "Not Implemented"},   {503, "Service Unavailable"},   {504, "Gateway Timeout"},
};

// google.protobuf.Any: field 1 the type's URL, field 2 its bytes.
void put_detail(const ErrorDetail& detail, const contract::TableSet* tables, std::string& out) {
  const std::string url = "type.googleapis.com/" + detail.type;
  const contract::MessageTable* any = tables == nullptr ? nullptr : tables->find("google.protobuf.Any");
  if (any != nullptr && tables->find(detail.type) != nullptr) {
    std::string wire;
    put_record(0x0a, url, wire);
    put_record(0x12, detail.value, wire);
    if (contract::wire_to_json(*any, wire, out)) return;
  }
  out += "{\"@type\":";
  contract::append_json_string(out, url);
  out += ",\"value\":";
  contract::append_json_base64(out, detail.value);
  out += '}';
}

void put_details(const Error& error, const contract::TableSet* tables, std::string& out) {
  out += ",\"details\":[";
  for (const ErrorDetail& detail : error.details()) {
    if (&detail != &error.details().front()) out += ',';
    put_detail(detail, tables, out);
  }
  out += ']';
}

void put_member(std::string_view key, std::string_view text, std::string& out) {
  out.append(",\"").append(key).append("\":");
  contract::append_json_string(out, text);
}

}  // namespace

int http_status(const Error& error) {
  if (error.blame() == Blame::caller) {
    for (const ReasonStatus& row : edge_reasons) {
      if (row.reason == error.reason()) return row.status;
    }
  }
  return statuses.at(static_cast<std::size_t>(error.code()));
}

std::string_view status_phrase(int status) {
  for (const Phrase& row : phrases) {
    if (row.status == status) return row.phrase;
  }
  return "Error";
}

std::string_view content_type(ErrorForm form) {
  return form == ErrorForm::problem ? "application/problem+json" : "application/json";
}

ErrorForm error_form(const wire::Accept& accept) {
  if (accept.weigh("application/problem+json").quality > 0) return ErrorForm::problem;
  return accept.weigh("application/json").quality > 0 ? ErrorForm::rpc_status : ErrorForm::problem;
}

void put_error(const Error& error, ErrorForm form, const contract::TableSet* tables, std::string_view instance,
               std::string& out) {
  if (form == ErrorForm::rpc_status) {
    out.append("{\"code\":").append(std::to_string(static_cast<int>(error.code())));
    put_member("message", error.message(), out);
    put_details(error, tables, out);
    out += '}';
    return;
  }
  const int status = http_status(error);
  out += "{\"type\":\"about:blank\"";  // RFC 9457 section 4.2.1: the title is then the status' phrase
  put_member("title", status_phrase(status), out);
  out.append(",\"status\":").append(std::to_string(status));
  if (!error.message().empty()) put_member("detail", error.message(), out);
  put_member("instance", instance, out);
  put_member("code", name(error.code()), out);
  put_member("reason", error.reason(), out);
  if (!error.details().empty()) put_details(error, tables, out);
  out += '}';
}

std::optional<std::int64_t> retry_after(const Error& error) {
  const auto delay = contract::retry_delay(error);
  if (!delay) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(*delay).count();
}

}  // namespace parley::edge::rest
