#include "edge/rpc/connect_unary.h"

#include "call/handler.h"
#include "edge/rpc/call_setup.h"
#include "edge/rpc/connect_json.h"
#include "edge/rpc/connect_query.h"
#include "edge/rpc/metadata.h"
#include "loop/task_group.h"

namespace parley::edge {
namespace {

constexpr int status_not_found = 404;

struct UnaryReply {
  net::ServerExchange& exchange;
  const RpcOptions& options;
  const contract::Contract& contract;

  void send(net::ResponseHead head, Bytes body) const {
    head.fields.add("content-length", std::to_string(body.size()));
    respond(exchange, std::move(head), options);
    if (!body.empty()) (void)exchange.response_body().write(std::move(body));  // in memory already: nothing to wait for
    exchange.finish();
  }

  // `call` is null where there was none yet.
  void error(const Error& why, const Call* call) const {
    if (exchange.broken()) return;
    net::ResponseHead head;
    // An rpc that does not exist is HTTP's 404 too: that is what a client without Connect understands.
    head.status = why.reason() == "unknown_method" ? status_not_found : connect_http_status(why.code());
    head.fields.add("content-type", "application/json");
    if (why.reason() == "unknown_encoding") head.fields.add("accept-encoding", accepted_encoding_names);
    if (call != nullptr) add_metadata(*call, head.fields);
    send(std::move(head), Bytes(connect_error_json(why, &contract)));
  }

  void message(const MessageCodec::Encoded& message, const MessageCodec& codec, const Call& call) const {
    if (exchange.broken()) return;
    net::ResponseHead head;
    head.fields.add("content-type", codec.format() == Format::json ? "application/json" : "application/proto");
    if (message.compressed) head.fields.add("content-encoding", wire::name(codec.encodings().reply));
    // A cache may keep what a GET gives.
    if (exchange.request().method == "GET") head.fields.add("vary", "accept-encoding");
    add_metadata(call, head.fields);
    send(std::move(head), message.payload);
  }

 private:
  static void add_metadata(const Call& call, Fields& to) {
    write_metadata(call.headers, to);
    if (call.is_finished()) write_metadata(call.trailers, to, "trailer-");
  }
};

// The whole request body. Errors: resource_exhausted above `max`, the body's abort.
Task<Result<Bytes>> read_body(Pipe& body, std::size_t max) {
  Bytes first;
  std::string joined;
  for (std::size_t count = 0;; ++count) {
    auto chunk = co_await body.read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return count <= 1 ? std::move(first) : Bytes(std::move(joined));
    if (joined.size() + (*chunk)->size() > max) {
      co_return fail(Error(Code::resource_exhausted, Blame::caller,
                           "the request is above the limit of " + std::to_string(max) + " bytes")
                         .with_reason("message_too_large"));
    }
    if (count == 0) {
      first = std::move(**chunk);
      continue;
    }
    if (count == 1) joined = first.view();
    joined.append((*chunk)->view());
  }
}

// `sent` is what a GET's query holds; null: the message is the body. The caller awaits in place.
Task<void> serve_unary(const RpcEdge& edge, net::ServerExchange& exchange, const contract::ContractPtr& contract,
                       const contract::Method& method, Format format, const ConnectQuery* sent) {
  const RpcOptions& options = edge.options;
  const UnaryReply reply{exchange, options, *contract};
  Call call(contract, method, connect_unary_protocol.edge);
  auto encodings = open_call(call, exchange, connect_unary_protocol);
  if (sent != nullptr) encodings.request = sent->encoding;
  const MessageCodec codec(method, connect_unary_protocol, format, encodings, options);
  const HandlerPtr handler = edge.front.handler(method);
  const CallLink link(call, exchange);

  auto payload =
      sent != nullptr ? Result<Bytes>(sent->message) : co_await read_body(exchange.body(), options.max_message);
  auto message =
      payload ? codec.read(std::move(*payload), encodings.request != wire::Encoding::identity) : std::move(payload);
  if (message) {
    call.requests.push(std::move(*message));
    call.requests.end();
  } else {
    call.cancel(std::move(message).error());
  }

  TaskGroup tasks;
  tasks.spawn(answer(*handler, call));
  auto answered = co_await only_reply(call);
  const auto encoded = answered ? codec.write(std::move(*answered)) : fail(std::move(answered).error());
  if (encoded) {
    reply.message(*encoded, codec, call);
  } else {
    reply.error(encoded.error(), &call);
  }
  if (tasks.live() > 0) co_await tasks.join();
}

}  // namespace

Task<void> serve_connect_post(RpcEdge edge, net::ServerExchange& exchange, Format format) {
  const contract::ContractPtr contract = edge.front.contract();
  const auto method = find_method(edge, *contract, exchange);
  if (!method) co_return UnaryReply{exchange, edge.options, *contract}.error(method.error(), nullptr);
  if (!(*method)->is_unary()) {
    co_return refuse_http(edge, exchange,
                          {415, {"accept-post", "application/connect+proto, application/connect+json"}});
  }
  co_await serve_unary(edge, exchange, contract, **method, format, nullptr);
}

Task<void> serve_connect_get(RpcEdge edge, net::ServerExchange& exchange) {
  const contract::ContractPtr contract = edge.front.contract();
  const UnaryReply reply{exchange, edge.options, *contract};
  const auto method = find_method(edge, *contract, exchange);
  if (!method) co_return reply.error(method.error(), nullptr);
  if (!(*method)->is_unary() || (*method)->idempotency != contract::Idempotency::no_side_effects) {
    co_return refuse_http(edge, exchange, {405, {"allow", "POST"}});
  }
  const auto query = parse_connect_query(exchange.request().query());
  if (!query && query.error().reason() == "unknown_codec") {
    co_return refuse_http(edge, exchange, {415, {"accept-post", "application/proto, application/json"}});
  }
  if (!query) co_return reply.error(query.error(), nullptr);
  co_await serve_unary(edge, exchange, contract, **method, query->format, &*query);
}

}  // namespace parley::edge
