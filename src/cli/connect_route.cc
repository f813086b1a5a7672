#include "cli/connect_route.h"

#include <simdjson.h>

#include "call/header_rules.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "wire/base64.h"
#include "wire/grpc_frame.h"
#include "wire/timeout.h"

namespace parley::cli {
namespace {

constexpr std::size_t max_reply = std::size_t{64} << 20;

net::RequestHead head_of(const Call& call, std::string_view type) {
  net::RequestHead head;
  head.method = "POST";
  head.target = call.method().path;
  head.fields.add("content-type", type);
  head.fields.add("connect-protocol-version", "1");
  if (const auto left = call.deadline().left(Shard::current().now())) {
    head.fields.add("connect-timeout-ms", wire::format_connect_timeout(*left));
  }
  copy_passing(call.metadata, Direction::request, head.fields);
  return head;
}

// {"code":"not_found","message":"…","details":[{"type":…,"value":…}]}
Error error_of(simdjson::dom::element json) {
  std::string_view code;
  std::string_view message;
  if (json["code"].get(code) != simdjson::SUCCESS) code = "unknown";
  if (json["message"].get(message) != simdjson::SUCCESS) message = "";
  Error error(code_from_name(code).value_or(Code::unknown), Blame::upstream, std::string(message));
  simdjson::dom::array details;
  if (json["details"].get(details) != simdjson::SUCCESS) return error;
  for (const simdjson::dom::element detail : details) {
    std::string_view type;
    std::string_view value;
    if (detail["type"].get(type) != simdjson::SUCCESS || detail["value"].get(value) != simdjson::SUCCESS) continue;
    std::string bytes;
    if (base64_decode(value, bytes))
      error = std::move(error).with_detail({.type = std::string(type), .value = std::move(bytes)});
  }
  return error;
}

Error error_in(std::string_view body, int status) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  if (parser.parse(simdjson::padded_string(body)).get(json) == simdjson::SUCCESS && json.is_object())
    return error_of(json);
  return Error(Code::unknown, Blame::upstream, "HTTP status " + std::to_string(status) + " without a Connect error");
}

Task<Result<std::string>> whole_body(net::ClientExchange& exchange) {
  std::string body;
  for (;;) {
    auto chunk = co_await exchange.body().read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return body;
    body.append((*chunk)->view());
    if (body.size() > max_reply)
      co_return fail(Error(Code::resource_exhausted, Blame::upstream, "the reply is larger than 64 MiB"));
  }
}

Task<void> send_stream(Call& call, net::ClientExchange& exchange) {
  for (;;) {
    auto message = co_await call.requests.read();
    if (!message) co_return;
    if (!*message) break;
    if (!co_await exchange.request_body().write(wire::grpc_frame(0, (*message)->view()))) co_return;
  }
  exchange.finish();
}

// The end-stream frame's JSON: success or the error in it.
Result<void> end_of(std::string_view payload) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  simdjson::dom::element error;
  if (parser.parse(simdjson::padded_string(payload)).get(json) != simdjson::SUCCESS) {
    return fail(Error(Code::internal, Blame::upstream, "the stream's end is not JSON"));
  }
  if (json["error"].get(error) == simdjson::SUCCESS) return fail(error_of(error));
  return {};
}

Task<Result<void>> receive_stream(Call& call, net::ClientExchange& exchange) {
  wire::GrpcFrameDecoder decoder(max_reply);
  for (;;) {
    auto chunk = co_await exchange.body().read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk)
      co_return fail(Error(Code::internal, Blame::upstream, "the stream ended without its end-stream frame"));
    decoder.feed(std::move(**chunk));
    for (;;) {
      auto frame = decoder.next();
      if (!frame) co_return fail(std::move(frame).error());
      if (!*frame) break;
      if (((*frame)->flags & wire::frame_end_stream) != 0) co_return end_of((*frame)->payload.view());
      if (!co_await call.replies.write(std::move((*frame)->payload))) co_return fail(*call.cancelled());
    }
  }
}

}  // namespace

Task<Result<void>> ConnectRoute::handle(Call& call) { return call.method().is_unary() ? unary(call) : stream(call); }

Task<Result<void>> ConnectRoute::unary(Call& call) {
  auto request = co_await call.requests.read();
  if (!request) co_return fail(std::move(request).error());
  auto opened = co_await cluster_->open(head_of(call, "application/proto"), true, call.deadline());
  if (!opened) co_return fail(std::move(opened).error());
  net::ClientExchange& exchange = **opened;
  const Call::OnCancel reset(call, [&exchange](const Error&) { exchange.reset(net::Reset::cancel); });
  exchange.request_body().push(*request ? std::move(**request) : Bytes());
  exchange.finish();
  auto head = co_await exchange.head();
  if (!head) co_return fail(std::move(head).error());
  call.headers = (*head)->fields;
  call.headers_complete();
  auto body = co_await whole_body(exchange);
  if (!body) co_return fail(std::move(body).error());
  if ((*head)->status != 200) co_return fail(error_in(*body, (*head)->status));
  co_await call.replies.write(Bytes(std::move(*body)));
  co_return Result<void>();
}

Task<Result<void>> ConnectRoute::stream(Call& call) {
  auto opened = co_await cluster_->open(head_of(call, "application/connect+proto"), true, call.deadline());
  if (!opened) co_return fail(std::move(opened).error());
  net::ClientExchange& exchange = **opened;
  const Call::OnCancel reset(call, [&exchange](const Error&) { exchange.reset(net::Reset::cancel); });
  TaskGroup sending;
  sending.spawn(send_stream(call, exchange));
  Result<void> status;
  auto head = co_await exchange.head();
  if (!head) {
    status = fail(std::move(head).error());
  } else if ((*head)->status != 200) {
    auto body = co_await whole_body(exchange);
    status = fail(error_in(body ? *body : "", (*head)->status));
  } else {
    call.headers = (*head)->fields;
    call.headers_complete();
    status = co_await receive_stream(call, exchange);
  }
  call.requests.abort(Error(Code::cancelled, Blame::caller, "the call has ended"));
  exchange.reset(net::Reset::no_error);
  co_await sending.join();
  co_return status;
}

}  // namespace parley::cli
