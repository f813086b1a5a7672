#include "edge/rpc/rpc_edges.h"

#include <algorithm>
#include <string>
#include <vector>

#include "edge/rpc/call_setup.h"
#include "edge/rpc/connect_query.h"
#include "edge/rpc/connect_unary.h"
#include "edge/rpc/enveloped.h"

namespace parley::edge {
namespace {

constexpr std::string_view grpc_prefix = "application/grpc";
constexpr std::string_view grpc_web_prefix = "application/grpc-web";
constexpr std::string_view connect_stream_prefix = "application/connect+";
constexpr std::string_view unary_content_types = "application/proto, application/json";
constexpr std::string_view stream_content_types = "application/connect+proto, application/connect+json";
constexpr std::string_view grpc_content_types = "application/grpc, application/grpc+proto, application/grpc+json";
constexpr std::string_view grpc_web_content_types =
    "application/grpc-web, application/grpc-web+proto, application/grpc-web+json, application/grpc-web-text";

std::string_view content_type(const net::RequestHead& request) { return request.fields.get("content-type"); }

// What `edge` refers to and `exchange` outlive the task.
Task<void> refuse(RpcEdge edge, net::ServerExchange& exchange, HttpRefusal refusal) {
  refuse_http(edge, exchange, refusal);
  co_return;
}

// Enveloped calls are POSTs of a known type.
Task<void> serve_post(const RpcEdge& edge, net::ServerExchange& exchange, std::span<const MediaType> types,
                      std::string_view accepted) {
  if (exchange.request().method != "POST") return refuse(edge, exchange, {405, {"allow", "POST"}});
  const MediaType* type = find_type(types, content_type(exchange.request()));
  if (type == nullptr) return refuse(edge, exchange, {415, {"accept-post", accepted}});
  return serve_enveloped(edge, exchange, *type);
}

// JSON posted to an rpc's path is REST's where that is its default binding. An rpc with rules of its own has none
// there, so that nothing but an rpc protocol can be meant: Connect, or a content-type that is worth a 415.
bool is_bound_elsewhere(const contract::Method* method) {
  const auto here = [method](const contract::HttpRule& rule) { return rule.assumed || rule.pattern == method->path; };
  return method != nullptr && std::ranges::none_of(method->rules, here);
}

}  // namespace

bool GrpcEdge::takes(const net::RequestHead& request) const {
  const std::string_view type = content_type(request);
  return type_starts_with(type, grpc_prefix) && !type_starts_with(type, grpc_web_prefix);
}

Task<void> GrpcEdge::serve(net::ServerExchange& exchange) {
  if (exchange.peer().http_version < 20) return refuse(edge(), exchange, {505});
  return serve_post(edge(), exchange, grpc_types, grpc_content_types);
}

bool GrpcWebEdge::takes(const net::RequestHead& request) const {
  return type_starts_with(content_type(request), grpc_web_prefix);
}

Task<void> GrpcWebEdge::serve(net::ServerExchange& exchange) {
  return serve_post(edge(), exchange, grpc_web_types, grpc_web_content_types);
}

bool ConnectEdge::takes(const net::RequestHead& request) const {
  if (request.method == "OPTIONS") {
    return options_.cors && net::Cors::is_preflight(request) && front_.contract()->find(request.path()) != nullptr;
  }
  const std::string_view type = content_type(request);
  if (type_starts_with(type, connect_stream_prefix) || request.fields.has("connect-protocol-version") ||
      request.fields.has("connect-timeout-ms")) {
    return true;
  }
  if (request.method == "GET")
    return is_connect_query(request.query()) && front_.contract()->find(request.path()) != nullptr;
  const MediaType* unary = find_type(connect_unary_types, type);
  if (unary != nullptr && unary->format == Format::proto) return true;
  return request.method == "POST" && is_bound_elsewhere(front_.contract()->find(request.path()));
}

Task<void> ConnectEdge::serve(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  if (request.method == "OPTIONS") return preflight(exchange);
  if (type_starts_with(content_type(request), connect_stream_prefix)) return serve_stream(exchange);
  if (request.method == "GET") return serve_connect_get(edge(), exchange);
  if (request.method != "POST") return refuse_method(exchange);
  const MediaType* type = find_type(connect_unary_types, content_type(request));
  if (type == nullptr) return refuse(edge(), exchange, {415, {"accept-post", unary_content_types}});
  return serve_connect_post(edge(), exchange, type->format);
}

Task<void> ConnectEdge::serve_stream(net::ServerExchange& exchange) {
  // A unary method has no enveloped form.
  const contract::Method* method = front_.contract()->find(exchange.request().path());
  if (exchange.request().method == "POST" && method != nullptr && method->is_unary()) {
    return refuse(edge(), exchange, {415, {"accept-post", unary_content_types}});
  }
  return serve_post(edge(), exchange, connect_stream_types, stream_content_types);
}

Task<void> ConnectEdge::refuse_method(net::ServerExchange& exchange) {
  const contract::ContractPtr contract = front_.contract();
  const contract::Method* method = contract->find(exchange.request().path());
  const bool takes_get = method != nullptr && method->idempotency == contract::Idempotency::no_side_effects;
  return refuse(edge(), exchange, {405, {"allow", takes_get ? "GET, POST" : "POST"}});
}

Task<void> ConnectEdge::preflight(net::ServerExchange& exchange) {
  static const std::vector<std::string> methods = {"GET", "POST"};
  auto head = options_.cors ? options_.cors->preflight(exchange.request(), methods) : std::nullopt;
  if (!head) {
    refuse_http(edge(), exchange, {405, {"allow", "GET, POST"}});
    co_return;
  }
  exchange.respond(std::move(*head));
  exchange.finish();
}

}  // namespace parley::edge
