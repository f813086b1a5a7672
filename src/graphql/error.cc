#include "graphql/error.h"

#include "base/text.h"

namespace parley::graphql {
namespace {

void write_locations(const std::vector<SourceLocation>& locations, std::string& out) {
  out += ",\"locations\":[";
  for (std::size_t i = 0; i < locations.size(); ++i) {
    if (i > 0) out += ',';
    out +=
        "{\"line\":" + std::to_string(locations[i].line) + ",\"column\":" + std::to_string(locations[i].column) + "}";
  }
  out += ']';
}

void write_path(const ResponsePath& path, std::string& out) {
  out += ",\"path\":[";
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (i > 0) out += ',';
    const auto* name = std::get_if<std::string>(&path[i]);
    out += name != nullptr ? json_quoted(*name) : std::to_string(std::get<std::uint32_t>(path[i]));
  }
  out += ']';
}

}  // namespace

void write_json(const GraphqlError& error, std::string& out) {
  out += "{\"message\":";
  out += json_quoted(error.message);
  if (!error.locations.empty()) write_locations(error.locations, out);
  if (!error.path.empty()) write_path(error.path, out);
  if (!error.extensions.empty()) out += ",\"extensions\":" + error.extensions;
  out += '}';
}

void write_json(const std::vector<GraphqlError>& errors, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (i > 0) out += ',';
    write_json(errors[i], out);
  }
  out += ']';
}

}  // namespace parley::graphql
