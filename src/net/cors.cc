#include "net/cors.h"

#include <algorithm>
#include <utility>

namespace parley::net {
namespace {

// A page may read these without being told (Fetch, "CORS-safelisted response-header name").
constexpr std::string_view always_readable[] = {"cache-control", "content-language", "content-length", "content-type",
                                                "expires",       "last-modified",    "pragma"};
// Says nothing to a page: the browser has used it.
constexpr std::string_view not_for_pages[] = {"content-encoding", "date", "set-cookie", "transfer-encoding", "vary"};
// The rpc protocols' trailers, which gRPC-Web and Connect clients read also where an answer has them as headers.
constexpr std::string_view status_fields[] = {"grpc-status", "grpc-message", "grpc-status-details-bin"};

// "https://*.shop.example" takes "https://a.shop.example" and "https://a.b.shop.example", not "https://shop.example".
bool matches(std::string_view pattern, std::string_view origin) {
  const std::size_t star = pattern.find("*.");
  if (star == std::string_view::npos) return pattern == origin;
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  if (origin.size() <= head.size() + tail.size() || !origin.starts_with(head) || !origin.ends_with(tail)) return false;
  const std::string_view label = origin.substr(head.size(), origin.size() - head.size() - tail.size());
  return label.find_first_of("/:@") == std::string_view::npos;
}

std::string joined(std::span<const std::string> items) {
  std::string out;
  for (const std::string& item : items) out.append(out.empty() ? "" : ", ").append(item);
  return out;
}

std::string exposed(const Fields& response) {
  std::string out;
  const auto add = [&](std::string_view name) { out.append(out.empty() ? "" : ", ").append(name); };
  for (const std::string_view name : status_fields) add(name);
  for (const Field field : response) {
    if (std::ranges::find(always_readable, field.name) != std::end(always_readable)) continue;
    if (std::ranges::find(not_for_pages, field.name) != std::end(not_for_pages)) continue;
    if (std::ranges::find(status_fields, field.name) != std::end(status_fields)) continue;
    if (field.name.starts_with("access-control-")) continue;
    add(field.name);
  }
  return out;
}

}  // namespace

Cors::Cors(CorsConfig config) : config_(std::move(config)) {
  any_origin_ = std::ranges::find(config_.origins, "*") != config_.origins.end();
  max_age_ = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(config_.max_age).count());
  if (std::ranges::find(config_.headers, "*") != config_.headers.end()) config_.headers.clear();
}

bool Cors::allows(std::string_view origin) const {
  return any_origin_ || std::ranges::any_of(config_.origins, [&](const std::string& p) { return matches(p, origin); });
}

bool Cors::is_preflight(const RequestHead& request) {
  return request.method == "OPTIONS" && request.fields.has("origin") &&
         request.fields.has("access-control-request-method");
}

void Cors::allow_origin(std::string_view origin, Fields& response) const {
  if (any_origin_ && !config_.credentials) {
    response.add("access-control-allow-origin", "*");
    return;
  }
  response.add("access-control-allow-origin", origin);
  if (config_.credentials) response.add("access-control-allow-credentials", "true");
}

std::optional<ResponseHead> Cors::preflight(const RequestHead& request, std::span<const std::string> methods) const {
  if (!is_enabled() || !is_preflight(request)) return std::nullopt;
  ResponseHead head{.status = 204, .fields = {}};
  head.fields.add("vary", "origin, access-control-request-method, access-control-request-headers");
  const std::string_view origin = request.fields.get("origin");
  if (!allows(origin)) return head;
  allow_origin(origin, head.fields);
  head.fields.add("access-control-allow-methods", joined(methods));
  const std::string_view wanted = request.fields.get("access-control-request-headers");
  if (!config_.headers.empty()) {
    head.fields.add("access-control-allow-headers", joined(config_.headers));
  } else if (!wanted.empty()) {
    head.fields.add("access-control-allow-headers", wanted);
  }
  head.fields.add("access-control-max-age", max_age_);
  return head;
}

void Cors::permit(const RequestHead& request, Fields& response) const {
  if (!is_enabled()) return;
  if (!any_origin_ || config_.credentials) response.add("vary", "origin");
  const auto origin = request.fields.find("origin");
  if (!origin || !allows(*origin)) return;
  const std::string expose = exposed(response);
  allow_origin(*origin, response);
  response.add("access-control-expose-headers", expose);
}

}  // namespace parley::net
