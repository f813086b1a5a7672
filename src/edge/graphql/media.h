// Which media type a request is answered with, and which status goes with it (GraphQL over HTTP, "Media Types",
// "Status Codes").
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace parley::edge::graphql {

enum class Media : std::uint8_t {
  json,           // application/json: 200 for every answer that is a GraphQL response
  response_json,  // application/graphql-response+json: 400 where nothing was executed
  event_stream,   // text/event-stream: 200 (graphql-sse, distinct connections mode)
};

struct Accepted {
  Media media = Media::json;
  bool streams = false;  // text/event-stream is named: a subscription may be answered
};

// What `accept` asks for; nothing where it takes none of them (406). Absent and */* mean application/json.
std::optional<Accepted> negotiate(std::string_view accept);
// A browser's address bar.
bool wants_page(std::string_view accept);

// With the charset.
std::string_view content_type(Media media);
// Of a response without `data`.
int request_error_status(Media media);

}  // namespace parley::edge::graphql
