// The Date field's value (RFC 9110 section 5.6.7) of this second: formatted once a second and thread.
#pragma once

#include <string_view>

namespace parley::net {

std::string_view http_date();

}  // namespace parley::net
