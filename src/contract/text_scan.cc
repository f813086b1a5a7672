#include "contract/text_scan.h"

#include <simdjson.h>

namespace parley::contract {

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace parley::contract
