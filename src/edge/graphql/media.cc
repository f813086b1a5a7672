#include "edge/graphql/media.h"

#include <algorithm>

#include "wire/media_type.h"

namespace parley::edge::graphql {

std::optional<Accepted> negotiate(std::string_view accept) {
  if (accept.empty()) return Accepted{};
  const wire::Accept wanted(accept);
  const auto json = wanted.weigh("application/json");
  const auto response = wanted.weigh("application/graphql-response+json");
  const auto stream = wanted.weigh("text/event-stream");
  Accepted out;
  out.streams = stream.named && stream.quality > 0;
  const int best_json = std::max(json.quality, response.quality);
  if (out.streams && !(json.named && json.quality >= stream.quality) &&
      !(response.named && response.quality >= stream.quality)) {
    out.media = Media::event_stream;
  } else if (best_json == 0) {
    return std::nullopt;
  } else if (json.quality == 0 || (response.named && response.quality >= json.quality)) {
    out.media = Media::response_json;
  }
  return out;
}

bool wants_page(std::string_view accept) {
  const auto html = wire::Accept(accept).weigh("text/html");
  return !accept.empty() && html.named && html.quality > 0;
}

std::string_view content_type(Media media) {
  switch (media) {
    case Media::response_json: return "application/graphql-response+json; charset=utf-8";
    case Media::event_stream: return "text/event-stream; charset=utf-8";
    case Media::json: break;
  }
  return "application/json; charset=utf-8";
}

int request_error_status(Media media) { return media == Media::response_json ? 400 : 200; }

}  // namespace parley::edge::graphql
