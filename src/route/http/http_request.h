// A call's message as the HTTP request its google.api.http rule describes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "call/call.h"
#include "contract/contract.h"
#include "net/exchange.h"

namespace parley::route {

struct HttpRequest {
  net::RequestHead head;
  std::optional<Bytes> body;
  const contract::HttpRule* rule = nullptr;
};

// By the first of the method's rules whose path the message fills. Path variables are percent-encoded, one of several
// segments keeps its slashes; fields that are neither in the path nor in the body go into the query by their JSON
// names: `a.b=1`, repeated ones several times, maps as `map[key]=value`. A google.api.HttpBody as body is sent as it
// is. Errors: invalid_argument, the caller's fault: a field of the path is empty or does not match its pattern (reason
// "path_field"), a field that has no form in a query ("query_field"), a message that is malformed.
Result<HttpRequest> http_request(const Call& call, std::string_view message, std::string_view base_path);

// The same for a client stream: of the first message only the path is taken; every message is a line of the body.
Result<HttpRequest> http_stream_request(const Call& call, std::string_view first_message, std::string_view base_path);
// One message as a line of an NDJSON body.
Result<Bytes> ndjson_line(const contract::MessageTable& table, std::string_view message);

}  // namespace parley::route
