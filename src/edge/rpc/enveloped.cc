#include "edge/rpc/enveloped.h"

#include "call/handler.h"
#include "edge/rpc/call_setup.h"
#include "edge/rpc/reply_writer.h"
#include "edge/rpc/request_reader.h"
#include "loop/task_group.h"

namespace parley::edge {
namespace {

// Trailers are complete only once the call has finished; a call that was cancelled before has none.
const Fields& trailers_of(const Call& call) {
  static const Fields none;
  return call.is_finished() ? call.trailers : none;
}

// The end of a reply: a status alone where nothing was sent and the handler gave no headers.
void finish_reply(const Call& call, const Error* status, bool head_sent, wire::Encoding encoding, ReplyWriter& reply) {
  if (!head_sent && status != nullptr && call.headers.empty()) {
    reply.only_end(*status, trailers_of(call), &call.contract());
    return;
  }
  if (!head_sent) reply.head(call.headers, encoding);
  reply.end(status, trailers_of(call), &call.contract());
}

Task<void> send_one(Call& call, const MessageCodec& codec, ReplyWriter& reply, const net::ServerExchange& exchange) {
  auto message = co_await only_reply(call);
  if (exchange.broken()) co_return;
  auto encoded = message ? codec.write(std::move(*message)) : fail(std::move(message).error());
  if (!encoded) {
    finish_reply(call, &encoded.error(), false, codec.encodings().reply, reply);
    co_return;
  }
  reply.head(call.headers, codec.encodings().reply);
  (void)reply.message(*encoded);  // the only one, and in memory already: nothing to wait for
  reply.end(nullptr, call.trailers, &call.contract());
}

Task<void> send_stream(Call& call, const MessageCodec& codec, ReplyWriter& reply, const net::ServerExchange& exchange) {
  if (!call.has_headers()) co_await call.wait_headers();
  const bool has_head = !exchange.broken() && (end_of(call) == nullptr || call.replies.count() > 0);
  if (has_head) reply.head(call.headers, codec.encodings().reply);
  std::optional<Error> failed;
  while (!exchange.broken()) {
    auto message = co_await call.replies.read();
    if (!message || !*message) break;
    const auto encoded = codec.write(std::move(**message));
    if (!encoded) {
      failed = encoded.error();
      call.cancel(*failed);
      break;
    }
    if (auto sent = co_await reply.message(*encoded); !sent) break;
  }
  if (!exchange.broken())
    finish_reply(call, failed ? &*failed : end_of(call), has_head, codec.encodings().reply, reply);
}

}  // namespace

Task<void> serve_enveloped(RpcEdge edge, net::ServerExchange& exchange, const MediaType& type) {
  const RpcOptions& options = edge.options;
  ReplyWriter reply(exchange, type, options);
  const contract::ContractPtr contract = edge.front.contract();
  const auto method = find_method(edge, *contract, exchange);
  if (!method) co_return reply.only_end(method.error(), {}, contract.get());

  Call call(contract, **method, type.protocol->edge);
  const MessageCodec codec(**method, *type.protocol, type.format, open_call(call, exchange, *type.protocol), options);
  const HandlerPtr handler = edge.front.handler(**method);
  const CallLink link(call, exchange);
  RequestReader requests(exchange.body(), codec, type.text, options.max_message);
  TaskGroup tasks;
  if ((*method)->client_streaming) {
    tasks.spawn(answer(*handler, call));
    tasks.spawn(requests.pump(call));
  } else {
    if (auto message = co_await requests.only_message()) {
      call.requests.push(std::move(*message));
      call.requests.end();
    } else {
      call.cancel(std::move(message).error());
    }
    tasks.spawn(answer(*handler, call));
  }
  co_await ((*method)->server_streaming ? send_stream(call, codec, reply, exchange)
                                        : send_one(call, codec, reply, exchange));
  if (!exchange.body().is_done()) {
    // Nobody needs the rest of the request: this wakes the pump.
    exchange.body().abort(Error(Code::cancelled, Blame::caller, "the call has ended").with_reason("call_ended"));
  }
  if (tasks.live() > 0) co_await tasks.join();
}

}  // namespace parley::edge
