#include "edge/websocket/websocket_edge.h"

#include <array>

#include <fmt/format.h>

#include "contract/text_escape.h"
#include "edge/websocket/frames.h"
#include "edge/websocket/session.h"
#include "net/websocket_handshake.h"

namespace parley::edge {
namespace {

using websocket::Format;

constexpr std::string_view prefix = "/ws";
constexpr std::array formats = {Format::json, Format::proto};

struct Refusal {
  int status;
  std::string_view title;
  Code code;
  std::string_view reason;
};
constexpr Refusal no_rpc{404, "Not Found", Code::unimplemented, "unknown_method"};
constexpr Refusal bad_origin{403, "Forbidden", Code::permission_denied, "origin_not_allowed"};
constexpr Refusal bad_request{400, "Bad Request", Code::invalid_argument, "bad_handshake"};
constexpr Refusal no_upgrade{426, "Upgrade Required", Code::invalid_argument, "upgrade_required"};

// A problem document (RFC 9457). A page sees nothing of it when its socket fails, but may ask again by a plain GET. The
// front is told.
void refuse(const Front& front, const net::Cors* cors, net::ServerExchange& exchange, const Refusal& refusal,
            const std::string& detail, Fields fields = {}) {
  const std::string_view path = exchange.request().path();
  const Error why = Error(refusal.code, Blame::caller, detail).with_reason(std::string(refusal.reason));
  front.refused({.edge = "websocket", .path = path, .caller = exchange.peer().address, .why = why});
  std::string body =
      fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":)", refusal.title, refusal.status);
  contract::append_json_string(body, detail);
  body += R"(,"instance":)";
  contract::append_json_string(body, path);
  body += fmt::format(R"(,"code":"{}","reason":"{}"}})", name(refusal.code), refusal.reason);
  fields.add("content-type", "application/problem+json");
  if (cors != nullptr) cors->permit(exchange.request(), fields);
  exchange.respond({.status = refusal.status, .fields = std::move(fields)});
  exchange.response_body().push(Bytes(std::move(body)));
  exchange.finish();
}

std::optional<Format> choose_format(const net::RequestHead& request) {
  static const std::array names = {subprotocol(formats[0]), subprotocol(formats[1])};
  const auto chosen = net::choose_subprotocol(request, names, "");
  if (!chosen) return std::nullopt;
  return *chosen == names[1] ? Format::proto : Format::json;
}

}  // namespace

Task<void> WebSocketEdge::serve(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  const contract::ContractPtr contract = front_.contract();
  const contract::Method* method = contract->find(request.path().substr(prefix.size()));
  if (method == nullptr) {
    co_return refuse(front_, options_.cors.get(), exchange, no_rpc,
                     fmt::format("the contract has no rpc {}", request.path().substr(prefix.size() + 1)));
  }
  if (!net::is_origin_allowed(request, options_.cors.get())) {
    co_return refuse(
        front_, options_.cors.get(), exchange, bad_origin,
        fmt::format("pages of {} may not connect: cors.origins lists who may", request.fields.get("origin")));
  }
  if (auto refused = net::check_websocket(request)) {
    co_return refuse(front_, options_.cors.get(), exchange, refused->status == 426 ? no_upgrade : bad_request,
                     refused->text, std::move(refused->fields));
  }
  const auto format = choose_format(request);
  if (!format)
    co_return refuse(front_, options_.cors.get(), exchange, bad_request,
                     "the subprotocols here are parley.json.v1 and parley.proto.v1");
  websocket::Session session(exchange, options_, contract, *method, front_.handler(*method), shared_, *format);
  co_await session.run();
}

}  // namespace parley::edge
