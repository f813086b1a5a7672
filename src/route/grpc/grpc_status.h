// How a gRPC upstream says how a call ended (PROTOCOL-HTTP2.md, "Responses"; http-grpc-status-mapping.md).
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/fields.h"

namespace parley::route {

// The status in `trailers` (or in the head of a Trailers-Only response). Success for "0". Otherwise the upstream's
// code, its percent-decoded grpc-message and the details of grpc-status-details-bin; a malformed message or malformed
// details do not change the code. Without a grpc-status: `unknown`, reason "upstream_no_status".
Result<void> status_of(const Fields& trailers);

// A response that is not gRPC's: its HTTP status is not 200, or its content-type is not application/grpc.
Error http_response_error(int http_status, std::string_view content_type);

// Reads a google.rpc.Status: appends its details to `error`, and takes its message if `error` has none.
// False if the bytes are malformed; `error` then keeps what it had.
bool add_status_details(std::string_view status_wire, Error& error);

// An error the upstream answered with: whose fault is it? The caller's for codes that speak about the request.
Blame blame_of(Code code);

}  // namespace parley::route
