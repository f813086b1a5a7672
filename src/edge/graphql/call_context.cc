#include "edge/graphql/call_context.h"

#include "call/header_rules.h"
#include "loop/shard.h"
#include "wire/base64.h"
#include "wire/timeout.h"

namespace parley::edge::graphql {
namespace {

Error bad_header(std::string_view name, std::string_view why) {
  return Error(Code::invalid_argument, Blame::caller, "header " + std::string(name) + ": " + std::string(why))
      .with_reason("malformed_header");
}

Result<void> read_deadline(const Fields& fields, Deadline& deadline) {
  const auto text = fields.find("grpc-timeout");
  if (!text) return {};
  const auto timeout = wire::parse_grpc_timeout(*text);
  if (!timeout) return fail(bad_header("grpc-timeout", "up to eight digits and a unit are expected, as in 500m or 2S"));
  deadline = Deadline::after(Shard::current().now(), *timeout);
  return {};
}

}  // namespace

Result<CallContext> call_context(const net::ServerExchange& exchange) {
  CallContext context;
  for (const Field field : exchange.request().fields) {
    if (!passes(field.name, Direction::request)) continue;
    if (!wire::is_bin(field.name)) {
      context.metadata.add(field.name, field.value);
    } else if (!wire::add_bin_decoded(context.metadata, field.name, field.value)) {
      return fail(bad_header(field.name, "not base64"));
    }
  }
  context.caller.address = exchange.peer().address;
  context.caller.subject = exchange.peer().subject;
  if (auto read = read_deadline(exchange.request().fields, context.deadline); !read) {
    return fail(std::move(read).error());
  }
  return context;
}

}  // namespace parley::edge::graphql
