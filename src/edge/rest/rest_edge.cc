#include "edge/rest/rest_edge.h"

#include <algorithm>

#include "contract/router.h"
#include "edge/rest/nearest_route.h"
#include "edge/rest/reply.h"
#include "edge/rest/rest_call.h"

namespace parley::edge {
namespace {

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out.append(out.empty() ? "" : ", ").append(item);
  return out;
}

// The path of an rpc whose rules are elsewhere, asked for in no form that an rpc edge takes.
Error refuse_rpc_path(const net::RequestHead& request, Fields& extra) {
  if (request.method != "POST") {
    extra.add("allow", "POST");
    return Error(Code::unimplemented, Blame::caller, "an rpc is called by POST").with_reason("method_not_allowed");
  }
  extra.add("accept-post",
            "application/json, application/proto, application/connect+json, application/connect+proto, "
            "application/grpc, application/grpc-web");
  return Error(Code::invalid_argument, Blame::caller,
               "this rpc is called here as gRPC, gRPC-Web or Connect, and over REST at the paths of its rules")
      .with_reason("unsupported_media_type");
}

}  // namespace

RestEdge::RestEdge(const Front& front, RestOptions options) : front_(front), options_(std::move(options)) {}
RestEdge::~RestEdge() = default;

const std::shared_ptr<rest::PlanSet>& RestEdge::plans() {
  contract::ContractPtr now = front_.contract();
  if (!plans_ || plans_->contract() != now) plans_ = std::make_shared<rest::PlanSet>(std::move(now));
  return plans_;
}

// A preflight, or a plain OPTIONS for a path that has rules, none of them for OPTIONS itself.
bool RestEdge::answer_options(net::ServerExchange& exchange, const contract::Contract& contract) const {
  const net::RequestHead& request = exchange.request();
  const std::vector<std::string> methods = contract.router().allowed(request.path());
  if (options_.cors) {
    if (auto head = options_.cors->preflight(request, methods)) {
      exchange.respond(*std::move(head));
      exchange.finish();
      return true;
    }
  }
  if (methods.empty() || std::ranges::find(methods, "OPTIONS") != methods.end()) return false;
  net::ResponseHead head{.status = 204, .fields = {{"allow", joined(methods)}}};
  if (options_.cors) options_.cors->permit(request, head.fields);
  exchange.respond(std::move(head));
  exchange.finish();
  return true;
}

// What no rpc answers to.
void RestEdge::refuse(net::ServerExchange& exchange, const contract::Contract& contract, Error error) const {
  const std::string_view path = exchange.request().path();
  Fields extra;
  if (error.reason() == "method_not_allowed") extra.add("allow", joined(contract.router().allowed(path)));
  if (error.reason() == "no_route" && contract.find(path) != nullptr) {
    error = refuse_rpc_path(exchange.request(), extra);
  } else if (error.reason() == "no_route") {
    const std::string near = rest::nearest_route(contract, path);
    if (!near.empty())
      error =
          Error(error.code(), error.blame(), error.message() + " (did you mean " + near + "?)").with_reason("no_route");
  }
  front_.refused({.edge = "rest", .path = path, .caller = exchange.peer().address, .why = error});
  rest::Reply(exchange, options_, &contract).error(error, nullptr, std::move(extra));
}

Task<void> RestEdge::serve(net::ServerExchange& exchange) {
  const std::shared_ptr<rest::PlanSet> plans = this->plans();
  const contract::Contract& contract = *plans->contract();
  const net::RequestHead& request = exchange.request();
  if (request.method == "OPTIONS" && answer_options(exchange, contract)) co_return;

  auto match = contract.router().match(request.method, request.path());
  if (!match) {
    if (options_.documents && documents_.answer(exchange, plans->contract())) co_return;
    const bool is_free = match.error().reason() == "no_route" && contract.find(request.path()) == nullptr;
    if (is_free && options_.no_route && options_.no_route(exchange)) co_return;
    refuse(exchange, contract, std::move(match).error());
    co_return;
  }
  const contract::Method& method = *match->method;
  rest::RestCall call(exchange, options_, plans, plans->plan(method, *match->rule), front_.handler(method));
  co_await call.run(match->bindings);
}

}  // namespace parley::edge
