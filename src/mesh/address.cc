#include "mesh/address.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace parley::mesh {
namespace {

struct Scheme {
  std::string_view name;
  Protocol protocol;
  bool tls;
  std::uint16_t default_port;  // 0: none
};
constexpr Scheme schemes[] = {
    {"grpc", Protocol::grpc, false, 0},
    {"grpcs", Protocol::grpc, true, 0},
    {"http", Protocol::http, false, 80},
    {"https", Protocol::http, true, 443},
};

std::unexpected<Error> bad(std::string_view text, std::string_view what) {
  return fail(Error(Code::invalid_argument, Blame::caller, fmt::format("the address \"{}\" {}", text, what))
                  .with_reason("bad_address"));
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}
bool is_ipv6_char(char c) {
  return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

const Scheme* find_scheme(std::string_view name) {
  const auto* found = std::ranges::find(schemes, name, &Scheme::name);
  return found == std::end(schemes) ? nullptr : found;
}

// Fills host and port from "host:port". Returns what is wrong, or "".
std::string read_host_port(std::string_view text, const Scheme& scheme, net::Origin& out) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return "has a bracket that is not closed";
    out.host = text.substr(1, close - 1);
    if (out.host.empty() || !std::ranges::all_of(out.host, is_ipv6_char)) return "has no IPv6 address in its brackets";
    port = text.substr(close + 1);
    if (!port.empty() && port.front() != ':') return "has something other than a port after its bracket";
  } else {
    const std::size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon);
    if (out.host.empty()) return "has no host";
    if (port.find(':', 1) != std::string_view::npos) return "has an IPv6 address without brackets: write [::1]:7001";
    if (!std::ranges::all_of(out.host, is_host_char)) return "has a host with characters that no host name has";
  }
  if (port.empty()) {
    if (scheme.default_port == 0) return fmt::format("has no port: write {}://{}:PORT", scheme.name, text);
    out.port = scheme.default_port;
    return "";
  }
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || out.port == 0)
    return "has a port that is not between 1 and 65535";
  return "";
}

// "", or "/api/v2" from "/api/v2/"; nothing if it has what a base path cannot have.
std::optional<std::string> read_base_path(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  const bool fine = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
  if (!fine) return std::nullopt;
  return std::string(text);
}

}  // namespace

Result<ClusterConfig> parse_addresses(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos)
    return bad(text, "has no scheme: write grpc://HOST:PORT or http://HOST:PORT");
  const Scheme* scheme = find_scheme(text.substr(0, scheme_end));
  if (scheme == nullptr) return bad(text, "has an unknown scheme: it can be grpc, grpcs, http or https");

  std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t hosts_end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view hosts = rest.substr(0, hosts_end);
  if (hosts.contains('@')) return bad(text, "has a user name, which has no meaning here");

  ClusterConfig config{.protocol = scheme->protocol, .origins = {}, .base_path = ""};
  const std::optional<std::string> base = read_base_path(rest.substr(hosts_end));
  if (!base) return bad(text, "has a path with a query, a fragment or characters that belong escaped");
  if (!base->empty() && scheme->protocol == Protocol::grpc) return bad(text, "has a path, which gRPC cannot use");
  config.base_path = *base;

  for (;;) {
    const std::size_t comma = hosts.find(',');
    net::Origin origin;
    origin.tls = scheme->tls;
    origin.http2 = scheme->protocol == Protocol::grpc;
    if (std::string wrong = read_host_port(hosts.substr(0, comma), *scheme, origin); !wrong.empty())
      return bad(text, wrong);
    config.origins.push_back(std::move(origin));
    if (comma == std::string_view::npos) return config;
    hosts.remove_prefix(comma + 1);
  }
}

}  // namespace parley::mesh
