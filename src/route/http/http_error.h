// What an HTTP/JSON upstream's failure means: a status and whatever its body says.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "contract/message_table.h"

namespace parley::route {

// The canonical code of an HTTP status that is not 2xx.
Code code_of_http_status(int status);

// `body` may be a google.rpc.Status ({"code": 5, "message": …, "details": […]}, also within {"error": …} and with the
// code's name as "status"), a problem document (RFC 9457), JSON with a message or an error in it, or any text. A code
// in the body counts for more than the status. Details whose types `tables` has are taken over.
Error http_error(int status, std::string_view content_type, std::string_view body, const contract::TableSet& tables);

// {"error": {…}} as the last element of a stream whose status line is long gone; nothing for any other text.
std::optional<Error> in_band_error(std::string_view json, const contract::TableSet& tables);

}  // namespace parley::route
