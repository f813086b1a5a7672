// Connect's own words: errors as JSON, their HTTP status, and the end of a stream (connectrpc.com/docs/protocol,
// "Unary-Response", "Error-End-Stream").
#pragma once

#include <string>

#include "base/error.h"
#include "base/fields.h"
#include "contract/contract.h"

namespace parley::edge {

// The table "Error codes". Not symmetric: several codes share a status.
int connect_http_status(Code code);

// {"code":"not_found","message":"…","details":[{"type":…,"value":base64,"debug":{…}}]}; `contract` gives the details'
// JSON where it has their types.
std::string connect_error_json(const Error& error, const contract::Contract* contract);

// The payload of an end-stream frame: {"error":…,"metadata":{"name":["value"]}}. `trailers` are as HTTP fields (`-bin`
// in base64). Null is success.
std::string connect_end_json(const Error* error, const Fields& trailers, const contract::Contract* contract);

}  // namespace parley::edge
