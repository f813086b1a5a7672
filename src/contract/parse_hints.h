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

// Options that a file can use once it imports `file`.
struct BuiltInExtension {
  std::string_view name;
  std::string_view file;
  std::string_view of;  // "rpcs"
};
std::span<const BuiltInExtension> built_in_extensions();

}  // namespace parley::contract
