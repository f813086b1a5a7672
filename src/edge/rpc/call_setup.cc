#include "edge/rpc/call_setup.h"

#include <fmt/format.h>

#include "edge/rpc/metadata.h"
#include "loop/shard.h"

namespace parley::edge {
namespace {

Result<void> read_request_head(Call& call, const net::ServerExchange& exchange, const Protocol& protocol) {
  if (const std::string& why = call.method().not_served; !why.empty()) {
    return fail(Error(Code::unimplemented, Blame::us, why).with_reason("not_served_yet"));
  }
  const Fields& fields = exchange.request().fields;
  if (auto read = read_metadata(fields, call.metadata); !read) return read;
  if (const auto version = protocol.version_field.empty() ? std::nullopt : fields.find(protocol.version_field);
      version && *version != "1") {
    return invalid(fmt::format("{} must be \"1\", not \"{}\"", protocol.version_field, *version));
  }
  call.caller.address = exchange.peer().address;
  call.caller.subject = exchange.peer().subject;

  if (const auto text = fields.find(protocol.timeout_field)) {
    const auto timeout = protocol.parse_timeout(*text);
    if (!timeout) return invalid(fmt::format("{}: \"{}\" is not a time-out", protocol.timeout_field, *text));
    call.set_deadline(Deadline::after(Shard::current().now(), *timeout));
  }
  return {};
}

Result<MessageCodec::Encodings> read_encodings(const Fields& fields, const Protocol& protocol) {
  MessageCodec::Encodings encodings;
  const auto named = fields.find(protocol.encoding_field);
  if (named) {
    const auto request = request_encoding(*named);
    if (!request) return fail(request.error());
    encodings.request = *request;
  }
  if (protocol.compress_when_accepted || encodings.request != wire::Encoding::identity) {
    if (const auto accepted = fields.find(protocol.accept_field))
      encodings.reply = wire::negotiate(*accepted, accepted_encodings);
  }
  return encodings;
}

void tell(const RpcEdge& edge, const net::ServerExchange& exchange, const Error& why) {
  edge.front.refused(
      {.edge = edge.name, .path = exchange.request().path(), .caller = exchange.peer().address, .why = why});
}

Error why(int http_status) {
  switch (http_status) {
    case 405:
      return Error(Code::unimplemented, Blame::caller, "not by this HTTP method").with_reason("method_not_allowed");
    case 415:
      return Error(Code::invalid_argument, Blame::caller, "not with this content type")
          .with_reason("unsupported_media_type");
    default:
      return Error(Code::unimplemented, Blame::caller, "not over this version of HTTP").with_reason("http_version");
  }
}

}  // namespace

Result<const contract::Method*> find_method(const RpcEdge& edge, const contract::Contract& contract,
                                            const net::ServerExchange& exchange) {
  const std::string_view path = exchange.request().path();
  if (const contract::Method* method = contract.find(path)) return method;
  Error why = Error(Code::unimplemented, Blame::caller, fmt::format("the contract has no rpc {}", path))
                  .with_reason("unknown_method");
  tell(edge, exchange, why);
  return fail(std::move(why));
}

MessageCodec::Encodings open_call(Call& call, const net::ServerExchange& exchange, const Protocol& protocol) {
  const auto encodings = read_encodings(exchange.request().fields, protocol);
  if (!encodings) call.cancel(encodings.error());
  if (auto read = read_request_head(call, exchange, protocol); !read) call.cancel(std::move(read).error());
  return encodings.value_or(MessageCodec::Encodings{});
}

const Error* end_of(const Call& call) {
  if (call.is_finished()) return call.status();
  return call.cancelled() ? &*call.cancelled() : nullptr;
}

Task<Result<Bytes>> only_reply(Call& call) {
  const auto wrong_count = [](std::string_view count) {
    return Error(Code::unimplemented, Blame::upstream,
                 fmt::format("the service sent {} to a call with one reply", count))
        .with_reason("bad_reply");
  };
  std::optional<Bytes> only;
  for (;;) {
    auto reply = co_await call.replies.read();
    if (!reply || !*reply) break;
    if (only) {
      Error two = wrong_count("two replies");
      call.cancel(two);  // a stream of replies ends here
      co_return fail(std::move(two));
    }
    only = std::move(**reply);
  }
  if (const Error* status = end_of(call)) co_return fail(*status);
  if (!only) co_return fail(wrong_count("no reply"));
  co_return std::move(*only);
}

CallLink::CallLink(Call& call, net::ServerExchange& exchange)
    : call_(call), exchange_(exchange), on_cancel_(call, [this](const Error& why) { exchange_.body().abort(why); }) {
  exchange_.on_broken(
      [](void* self) {
        const auto* link = static_cast<CallLink*>(self);
        link->call_.cancel(*link->exchange_.broken());
      },
      this);
}

CallLink::~CallLink() { exchange_.on_broken(nullptr, nullptr); }

void respond(net::ServerExchange& exchange, net::ResponseHead head, const RpcOptions& options) {
  if (options.cors) options.cors->permit(exchange.request(), head.fields);
  exchange.respond(std::move(head));
}

void refuse_http(const RpcEdge& edge, net::ServerExchange& exchange, const HttpRefusal& refusal) {
  tell(edge, exchange, why(refusal.status));
  net::ResponseHead head{.status = refusal.status, .fields = {}};
  if (!refusal.field.name.empty()) head.fields.add(refusal.field.name, refusal.field.value);
  head.fields.add("content-length", "0");
  respond(exchange, std::move(head), edge.options);
  exchange.finish();
}

}  // namespace parley::edge
