#include "edge/rest/reply_format.h"

#include <algorithm>
#include <utility>

namespace parley::edge::rest {
namespace {

struct Offer {
  ReplyFormat format;
  std::string_view type;  // what a client may ask for
  bool only_if_named;
};
// The order breaks ties.
constexpr Offer stream_offers[] = {
    {ReplyFormat::ndjson, "application/x-ndjson", false}, {ReplyFormat::ndjson, "application/ndjson", true},
    {ReplyFormat::ndjson, "application/jsonl", true},     {ReplyFormat::sse, "text/event-stream", true},
    {ReplyFormat::array, "application/json", false},
};

std::unexpected<Error> not_acceptable(std::string_view accept, std::string_view offers) {
  return fail(Error(Code::invalid_argument, Blame::caller,
                    "nothing of \"" + std::string(accept) + "\" can be sent here; there is " + std::string(offers))
                  .with_reason("not_acceptable"));
}

}  // namespace

std::string_view content_type(ReplyFormat format) {
  switch (format) {
    case ReplyFormat::json:
    case ReplyFormat::array: return "application/json";
    case ReplyFormat::ndjson: return "application/x-ndjson";
    case ReplyFormat::sse: return "text/event-stream";
    case ReplyFormat::raw: return "";
  }
  std::unreachable();
}

Result<ReplyFormat> reply_format(const RulePlan& plan, std::string_view accept) {
  if (plan.raw_reply) return ReplyFormat::raw;
  if (!plan.method->server_streaming) {
    if (accept.empty() || accept == "*/*" || accept == "application/json") return ReplyFormat::json;
    const wire::Accept parsed(accept);
    const int quality = std::max(parsed.weigh("application/json").quality, parsed.weigh_json_suffix().quality);
    if (quality == 0) return not_acceptable(accept, "application/json");
    return ReplyFormat::json;
  }
  const wire::Accept parsed(accept);
  const Offer* best = nullptr;
  wire::Accept::Weight best_weight;
  for (const Offer& offer : stream_offers) {
    const wire::Accept::Weight weight = parsed.weigh(offer.type);
    if (weight.quality == 0 || (offer.only_if_named && !weight.named)) continue;
    const bool better = best == nullptr || weight.quality > best_weight.quality ||
                        (weight.quality == best_weight.quality && weight.named && !best_weight.named);
    if (!better) continue;
    best = &offer;
    best_weight = weight;
  }
  if (best == nullptr) return not_acceptable(accept, "application/x-ndjson, text/event-stream, application/json");
  return best->format;
}

}  // namespace parley::edge::rest
