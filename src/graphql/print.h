// Pieces of GraphQL text, as graphql-js's printers write them.
#pragma once

#include <string>
#include <string_view>

#include "graphql/document.h"

namespace parley::graphql {

// With quotes; control characters as escapes.
void print_string(std::string_view text, std::string& out);
// Between triple quotes; on lines of its own where that reads better.
void print_block_string(std::string_view text, std::string& out);
// Whether a block string of it reads back as the same text.
bool can_be_block_string(std::string_view text);

}  // namespace parley::graphql
