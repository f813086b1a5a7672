// Cross-origin requests (WHATWG Fetch, "CORS protocol"), the same for every edge. Without configured origins nothing is
// allowed: browsers then keep to pages of Parley's own origin.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "net/exchange.h"

namespace parley::net {

struct CorsConfig {
  // "https://shop.example", "https://*.shop.example" (any subdomain), "null", or "*" (every origin).
  std::vector<std::string> origins;
  // Request headers a page may send; empty or "*": whatever it asks for.
  std::vector<std::string> headers;
  // Whether pages may send cookies and authorization. Answers then name the origin, never "*".
  bool credentials = false;
  Duration max_age = std::chrono::hours(2);  // of a preflight's answer; browsers cap it at two hours
};

// Immutable; read from every shard.
class Cors {
 public:
  explicit Cors(CorsConfig config);

  bool is_enabled() const { return !config_.origins.empty(); }
  bool allows(std::string_view origin) const;

  // A preflight (OPTIONS with `origin` and `access-control-request-method`) that has an answer: 204, with what
  // `methods` lists as allowed. Nothing: no preflight, or no origins are configured. An origin that is not allowed gets
  // the 204 without permission, which the browser reports.
  std::optional<ResponseHead> preflight(const RequestHead& request, std::span<const std::string> methods) const;
  static bool is_preflight(const RequestHead& request);

  // Adds what the answer to `request` needs, `expose` included: the response's fields that a page may read. Call it
  // last.
  void permit(const RequestHead& request, Fields& response) const;

 private:
  void allow_origin(std::string_view origin, Fields& response) const;

  CorsConfig config_;
  bool any_origin_ = false;
  std::string max_age_;
};

}  // namespace parley::net
