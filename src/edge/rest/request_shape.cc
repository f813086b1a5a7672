#include "edge/rest/request_shape.h"

#include <algorithm>

#include "wire/media_type.h"

namespace parley::edge::rest {
namespace {

constexpr std::string_view line_types[] = {"application/x-ndjson", "application/ndjson", "application/jsonl",
                                           "application/x-jsonlines"};
constexpr std::size_t max_boundary = 70;  // RFC 2046 section 5.1.1

std::unexpected<Error> unsupported(std::string_view type, std::string_view hint) {
  return fail(Error(Code::invalid_argument, Blame::caller,
                    "content-type \"" + std::string(type) + "\" is not supported here" + std::string(hint))
                  .with_reason("unsupported_media_type"));
}

Result<RequestShape> raw_shape(std::string_view type) {
  const auto media = wire::parse_media_type(type);
  if (!media || media->essence != "multipart/form-data") return RequestShape{BodyForm::raw, type, {}};
  const std::string* boundary = media->find("boundary");
  if (boundary == nullptr || boundary->empty() || boundary->size() > max_boundary) {
    return invalid("multipart/form-data needs a boundary of 1 to 70 characters in its content-type");
  }
  return RequestShape{BodyForm::multipart, {}, *boundary};
}

bool is_utf8(const wire::MediaType& type) {
  const std::string* charset = type.find("charset");
  if (charset == nullptr) return true;
  const std::string name = wire::lower_case(*charset);
  return name == "utf-8" || name == "utf8" || name == "us-ascii";
}

}  // namespace

Result<RequestShape> request_shape(const RulePlan& plan, const net::RequestHead& request) {
  if (plan.body == RulePlan::Body::none) return RequestShape{};
  const std::string_view type = request.fields.get("content-type");
  if (plan.raw_request) return raw_shape(type);
  if (type.empty() || type == "application/json") return RequestShape{BodyForm::json, {}, {}};
  if (request.fields.get("content-length") == "0") return RequestShape{BodyForm::json, {}, {}};
  const auto media = wire::parse_media_type(type);
  if (!media) return unsupported(type, "; send application/json");
  if (media->essence == "application/x-www-form-urlencoded") {
    return unsupported(type, "; send JSON with the header content-type: application/json");
  }
  const bool lines = std::ranges::find(line_types, media->essence) != std::end(line_types);
  if (!media->is_json() && !(lines && plan.method->client_streaming)) {
    return unsupported(type, plan.method->client_streaming ? "; send application/x-ndjson or application/json"
                                                           : "; send application/json");
  }
  if (!is_utf8(*media)) return unsupported(type, "; JSON is UTF-8 (RFC 8259 section 8.1)");
  return RequestShape{lines ? BodyForm::json_lines : BodyForm::json, {}, {}};
}

}  // namespace parley::edge::rest
