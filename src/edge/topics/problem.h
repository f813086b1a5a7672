// Errors as RFC 9457 problem documents.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::edge::topics {

// google.rpc.Code's mapping to HTTP, and the status that HTTP has for what this edge refuses by itself.
int http_status(const Error& error);
// Appends the document, without line ends.
void put_problem(const Error& error, std::string_view instance, std::string& out);

}  // namespace parley::edge::topics
