// The query of a Connect GET.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "edge/rpc/protocol.h"

namespace parley::edge {

struct ConnectQuery {
  Format format = Format::proto;
  wire::Encoding encoding = wire::Encoding::identity;
  Bytes message;  // as sent: perhaps compressed
};

// "connect=v1&encoding=json&message=…&base64=1&compression=gzip", in any order. Errors: invalid_argument naming the
// parameter; unimplemented for an unknown compression.
Result<ConnectQuery> parse_connect_query(std::string_view query);

// Whether a query can be that of a Connect GET: it says so, or has an encoding or a message.
bool is_connect_query(std::string_view query);

}  // namespace parley::edge
