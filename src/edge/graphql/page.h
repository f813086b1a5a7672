// The page at /graphql for people: editor, explorer, answers. It is one document with its style and script inside, and
// asks for nothing but what its own origin has.
#pragma once

#include <string>

#include "base/fields.h"

namespace parley::edge::graphql {

std::string page_html();
// Its policy and caching.
Fields page_fields();

}  // namespace parley::edge::graphql
