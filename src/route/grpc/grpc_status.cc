#include "route/grpc/grpc_status.h"

#include <charconv>

#include <fmt/format.h>

#include "contract/wire_records.h"
#include "wire/base64.h"
#include "wire/percent.h"

namespace parley::route {
namespace {

struct HttpRow {
  int http_status;
  Code code;
};
// http-grpc-status-mapping.md; every other status is `unknown`.
constexpr HttpRow http_rows[] = {
    {400, Code::internal},    {401, Code::unauthenticated}, {403, Code::permission_denied}, {404, Code::unimplemented},
    {429, Code::unavailable}, {502, Code::unavailable},     {503, Code::unavailable},       {504, Code::unavailable},
};

bool read_any(std::string_view wire, ErrorDetail& detail) {
  contract::WireRecords any(wire);
  while (any.next()) {
    if (any.number == 1) detail.type = any.content.substr(any.content.rfind('/') + 1);
    if (any.number == 2) detail.value = any.content;
  }
  return any.is_fine();
}

}  // namespace

Blame blame_of(Code code) {
  switch (code) {
    case Code::cancelled:
    case Code::invalid_argument:
    case Code::not_found:
    case Code::already_exists:
    case Code::permission_denied:
    case Code::failed_precondition:
    case Code::aborted:
    case Code::out_of_range:
    case Code::unauthenticated: return Blame::caller;
    default: return Blame::upstream;
  }
}

bool add_status_details(std::string_view status_wire, Error& error) {
  std::vector<ErrorDetail> details;
  std::string_view message;
  contract::WireRecords status(status_wire);
  while (status.next()) {
    if (status.number == 2) message = status.content;
    if (status.number == 3 && !read_any(status.content, details.emplace_back())) return false;
  }
  if (!status.is_fine()) return false;
  if (error.message().empty() && !message.empty()) {
    error = Error(error.code(), error.blame(), std::string(message)).with_reason(std::string(error.reason()));
  }
  for (ErrorDetail& detail : details) error = std::move(error).with_detail(std::move(detail));
  return true;
}

Result<void> status_of(const Fields& trailers) {
  const std::optional<std::string_view> text = trailers.find("grpc-status");
  if (!text) {
    return fail(Error(Code::unknown, Blame::upstream, "the upstream's answer ended without a grpc-status")
                    .with_reason("upstream_no_status"));
  }
  if (*text == "0") return {};
  std::uint32_t number = 0;
  const auto [end, bad] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (bad != std::errc() || end != text->data() + text->size()) {
    return fail(Error(Code::unknown, Blame::upstream, fmt::format("the upstream's grpc-status is \"{}\"", *text))
                    .with_reason("upstream_malformed"));
  }
  if (number == 0) return {};
  const Code code = code_from_number(number);
  Error error = Error(code, blame_of(code), wire::decode_grpc_message(trailers.get("grpc-message")))
                    .with_reason("upstream_status");
  std::string details;
  if (base64_decode(trailers.get("grpc-status-details-bin"), details)) add_status_details(details, error);
  return fail(std::move(error));
}

Error http_response_error(int http_status, std::string_view content_type) {
  Code code = Code::unknown;
  for (const HttpRow& row : http_rows) {
    if (row.http_status == http_status) code = row.code;
  }
  std::string what = fmt::format("the upstream answered with HTTP status {}", http_status);
  if (http_status == 200) what = "the upstream's answer is not gRPC";
  if (!content_type.empty()) what += fmt::format(" and content-type {}", content_type);
  return Error(code, Blame::upstream, std::move(what)).with_reason("upstream_not_grpc");
}

}  // namespace parley::route
