// A call's end as gRPC writes it: `grpc-status`, `grpc-message` and `grpc-status-details-bin` (PROTOCOL-HTTP2.md,
// "Status").
#pragma once

#include <string>

#include "base/error.h"
#include "base/fields.h"

namespace parley::edge {

// Null is success.
void add_grpc_status(const Error* status, Fields& to);

// google.rpc.Status as wire bytes.
std::string rpc_status_wire(const Error& status);

// gRPC-Web: fields as the payload of a trailers frame (PROTOCOL-WEB.md): "name:value\r\n" each, names in lower case.
std::string header_block(const Fields& fields);

}  // namespace parley::edge
