#include "route/http/http_route.h"

#include <memory>

#include "loop/task_group.h"
#include "route/http/http_reply.h"
#include "route/http/http_request.h"

namespace parley::route {
namespace {

// What waits on an exchange is told by the exchange that it ended; the call says why.
Result<void> with_reason_of(const Call& call, Result<void> status) {
  if (call.cancelled()) return fail(*call.cancelled());
  return status;
}

std::unexpected<Error> wrong_count(const char* what) {
  return fail(Error(Code::unimplemented, Blame::caller, what).with_reason("message_count"));
}

}  // namespace

Task<Result<void>> HttpRoute::handle(Call& call) {
  return call.method().client_streaming ? handle_request_stream(call) : handle_one_request(call);
}

Task<Result<void>> HttpRoute::handle_one_request(Call& call) {
  Result<std::optional<Bytes>> message = co_await call.requests.read();
  if (!message) co_return fail(std::move(message).error());
  if (!*message) co_return wrong_count("a request without a message");
  Result<std::optional<Bytes>> more = co_await call.requests.read();
  if (!more) co_return fail(std::move(more).error());
  if (*more) co_return wrong_count("a second request message where the method has one");

  const Result<HttpRequest> request = http_request(call, (*message)->view(), cluster_->config().base_path);
  if (!request) co_return fail(request.error());
  std::unique_ptr<net::ClientExchange> exchange;
  net::OpenCancel opening;
  const Call::OnCancel on_cancel(call, [&](const Error&) {
    opening.cancel();
    if (exchange) exchange->reset(net::Reset::cancel);
  });
  for (int attempt = 1;; ++attempt) {
    const bool has_body = request->body.has_value();
    exchange = cluster_->try_open(request->head, has_body);
    if (!exchange) {
      auto opened = co_await cluster_->open(request->head, has_body, call.deadline(), &opening);
      if (!opened) co_return with_reason_of(call, fail(std::move(opened).error()));
      if (call.cancelled()) co_return fail(*call.cancelled());
      exchange = std::move(*opened);
    }
    if (has_body) {
      exchange->request_body().push(*request->body);
      exchange->finish();
    }
    HttpReply reply(call, *exchange, *request->rule, limits_.message_bytes);
    Result<void> status = co_await reply.read();
    const bool again =
        !status && status.error().is_safe_to_retry() && !reply.has_started() && attempt < limits_.attempts;
    if (!again || call.cancelled()) co_return with_reason_of(call, std::move(status));
  }
}

namespace {

struct LinePump {
  Call& call;
  net::ClientExchange& exchange;
  Bytes first;
  bool over = false;
  std::optional<Error> failed = std::nullopt;
};

Task<void> pump_lines(LinePump& pump) {
  std::optional<Bytes> message = std::move(pump.first);
  for (;;) {
    Result<Bytes> line = ndjson_line(*pump.call.method().input, message->view());
    if (!line) {
      pump.failed = std::move(line).error();
      pump.exchange.reset(net::Reset::cancel);
      co_return;
    }
    if (!co_await pump.exchange.request_body().write(std::move(*line))) co_return;
    Result<std::optional<Bytes>> next = co_await pump.call.requests.read();
    if (pump.over) co_return;
    if (!next) {
      pump.failed = std::move(next).error();
      pump.exchange.reset(net::Reset::cancel);
      co_return;
    }
    if (!*next) break;
    message = std::move(**next);
  }
  pump.exchange.finish();
}

}  // namespace

Task<Result<void>> HttpRoute::handle_request_stream(Call& call) {
  Result<std::optional<Bytes>> first = co_await call.requests.read();
  if (!first) co_return fail(std::move(first).error());
  const Result<HttpRequest> request =
      http_stream_request(call, *first ? (*first)->view() : std::string_view(), cluster_->config().base_path);
  if (!request) co_return fail(request.error());
  std::unique_ptr<net::ClientExchange> owned;
  net::OpenCancel opening;
  const Call::OnCancel on_cancel(call, [&](const Error&) {
    opening.cancel();
    if (owned) owned->reset(net::Reset::cancel);
  });
  auto opened = co_await cluster_->open(request->head, true, call.deadline(), &opening);
  if (!opened) co_return with_reason_of(call, fail(std::move(opened).error()));
  if (call.cancelled()) co_return fail(*call.cancelled());
  owned = std::move(*opened);
  net::ClientExchange& exchange = *owned;

  LinePump pump{.call = call, .exchange = exchange, .first = *first ? std::move(**first) : Bytes()};
  TaskGroup pumping;
  if (*first) {
    pumping.spawn(pump_lines(pump));
  } else {
    exchange.finish();
  }
  HttpReply reply(call, exchange, *request->rule, limits_.message_bytes);
  Result<void> status = co_await reply.read();
  // The answer is complete, or there will be none: whoever still writes requests hears it.
  pump.over = true;
  call.requests.abort(Error(Code::cancelled, Blame::caller, "the call has ended").with_reason("call_ended"));
  exchange.reset(net::Reset::cancel);
  co_await pumping.join();
  if (pump.failed && !call.cancelled()) co_return fail(*pump.failed);
  co_return with_reason_of(call, std::move(status));
}

}  // namespace parley::route
