// Files that are compiled into the program (cmake/embed.cmake), so that users ship none of them.
#pragma once

#include <span>
#include <string_view>

namespace parley::contract {

struct EmbeddedFile {
  std::string_view name;  // relative to the embedded folder: "google/api/http.proto"
  std::string_view text;
};

extern const std::span<const EmbeddedFile> embedded_contracts;  // contracts/, sorted by name
extern const std::span<const EmbeddedFile> embedded_docs;       // web/docs/
extern const std::span<const EmbeddedFile> embedded_graphiql;   // web/graphiql/

}  // namespace parley::contract
