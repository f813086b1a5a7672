#include "node/admin.h"

namespace parley::node {
namespace {

void answer(net::ServerExchange& exchange, int status, std::string_view type, std::string body) {
  const bool head_only = exchange.request().method == "HEAD";
  exchange.respond(
      {.status = status,
       .fields = {
           {"content-type", type}, {"content-length", std::to_string(body.size())}, {"cache-control", "no-store"}}});
  if (!head_only) exchange.response_body().push(Bytes(std::move(body)));
  exchange.finish();
}

constexpr std::string_view plain = "text/plain; charset=utf-8";

}  // namespace

Task<void> Admin::serve(net::ServerExchange& exchange) {
  const std::string_view method = exchange.request().method;
  const std::string_view path = exchange.request().path();
  if (method != "GET" && method != "HEAD") {
    answer(exchange, 405, plain, "only GET and HEAD\n");
  } else if (path == "/metrics") {
    answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", co_await source_.metrics());
  } else if (path == "/healthz") {
    answer(exchange, 200, plain, "ok\n");
  } else if (path == "/readyz") {
    const std::string why = source_.not_ready();
    answer(exchange, why.empty() ? 200 : 503, plain, why.empty() ? "ready\n" : why + "\n");
  } else if (path == "/") {
    answer(exchange, 200, plain, "parley admin: /metrics /healthz /readyz\n");
  } else {
    answer(exchange, 404, plain, "not here; there are /metrics, /healthz and /readyz\n");
  }
}

}  // namespace parley::node
