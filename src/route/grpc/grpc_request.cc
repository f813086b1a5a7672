#include "route/grpc/grpc_request.h"

#include "call/header_rules.h"
#include "wire/base64.h"
#include "wire/timeout.h"

namespace parley::route {

net::RequestHead grpc_request_head(const Call& call, Instant now) {
  net::RequestHead head;
  head.method = "POST";
  head.target = call.method().path;
  Fields& fields = head.fields;
  if (const auto left = call.deadline().left(now)) fields.add("grpc-timeout", wire::format_grpc_timeout(*left));
  fields.add("content-type", "application/grpc");
  fields.add("te", "trailers");  // PROTOCOL-HTTP2.md: shows proxies that cannot pass trailers on
  fields.add("grpc-accept-encoding", "identity,gzip");
  const std::string_view trace = call.trace.traceparent();
  for (const Field field : call.metadata) {
    if (!passes_upstream(field.name) || (!trace.empty() && field.name == "traceparent")) continue;
    if (wire::is_bin(field.name)) {
      wire::add_bin_encoded(fields, field.name, field.value);
    } else {
      fields.add(field.name, field.value);
    }
  }
  if (!trace.empty()) fields.add("traceparent", trace);
  return head;
}

void take_reply_fields(const Fields& from, Fields& to) {
  for (const Field field : from) {
    if (!passes(field.name, Direction::reply)) continue;
    if (!wire::is_bin(field.name)) {
      to.add(field.name, field.value);
    } else {
      (void)wire::add_bin_decoded(to, field.name, field.value);
    }
  }
}

}  // namespace parley::route
