// A call's request as a gRPC client sends it (PROTOCOL-HTTP2.md, "Requests").
#pragma once

#include "base/deadline.h"
#include "base/fields.h"
#include "call/call.h"
#include "net/exchange.h"

namespace parley::route {

// Method, path and headers; scheme and authority are the cluster's. Metadata passes by header_rules.h, `-bin` values in
// base64; grpc-timeout is what is left of the call's deadline at `now`.
net::RequestHead grpc_request_head(const Call& call, Instant now);

// What of an upstream's headers or trailers goes on to the caller: `-bin` values decoded. A `-bin` value that is not
// base64 is left out: an odd extra must not fail a call.
void take_reply_fields(const Fields& from, Fields& to);

}  // namespace parley::route
