// The media type of a file, by the ending of its name.
#pragma once

#include <algorithm>
#include <string_view>

namespace parley::edge::files {

struct MediaType {
  std::string_view ending;
  std::string_view type;
  bool compressible = false;
};

inline constexpr MediaType media_types[] = {
    {".css", "text/css; charset=utf-8", true},
    {".csv", "text/csv; charset=utf-8", true},
    {".gif", "image/gif"},
    {".htm", "text/html; charset=utf-8", true},
    {".html", "text/html; charset=utf-8", true},
    {".ico", "image/x-icon"},
    {".jpeg", "image/jpeg"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript; charset=utf-8", true},
    {".json", "application/json", true},
    {".map", "application/json", true},
    {".md", "text/markdown; charset=utf-8", true},
    {".mjs", "text/javascript; charset=utf-8", true},
    {".mp3", "audio/mpeg"},
    {".mp4", "video/mp4"},
    {".otf", "font/otf"},
    {".pdf", "application/pdf"},
    {".png", "image/png"},
    {".proto", "text/plain; charset=utf-8", true},
    {".svg", "image/svg+xml", true},
    {".ttf", "font/ttf", true},
    {".txt", "text/plain; charset=utf-8", true},
    {".wasm", "application/wasm", true},
    {".webm", "video/webm"},
    {".webmanifest", "application/manifest+json", true},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".xml", "application/xml", true},
};

// Any other ending: bytes, which a browser saves and never runs.
inline MediaType media_type_of(std::string_view name) {
  const auto* found = std::ranges::find_if(media_types, [&](const MediaType& m) { return name.ends_with(m.ending); });
  return found == std::end(media_types) ? MediaType{"", "application/octet-stream"} : *found;
}

}  // namespace parley::edge::files
