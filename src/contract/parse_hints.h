// Hints for what libprotobuf's parser and linker report.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace parley::contract {

class SourceSet;

// `line`: the source line the error is on. "" if there is nothing to add.
std::string hint_for_parse_error(std::string_view message, std::string_view line);
// `sources`: names to look for what may have been meant.
std::string hint_for_link_error(std::string_view message, const SourceSet& sources);

// Options that a file can use once it imports the file named second.
std::span<const std::pair<std::string_view, std::string_view>> built_in_extensions();

}  // namespace parley::contract
