// The reference page: one HTML text that holds its style and its scripts and asks the network for nothing but
// `openapi.json` beside it.
#pragma once

#include <string>

namespace parley::contract {

// Made of web/docs/ once; the same text for every contract.
const std::string& docs_html();

}  // namespace parley::contract
