// The reference page: one HTML text that holds its style and its scripts and asks the network for nothing but
// `openapi.json` beside it.
#pragma once

#include <span>
#include <string>

#include "contract/embedded.h"

namespace parley::contract {

// Made of web/docs/ once; the same text for every contract.
const std::string& docs_html();

// The file `index.html` with the style sheets and scripts it names put into it.
std::string inlined_page(std::span<const EmbeddedFile> files);

}  // namespace parley::contract
