#include "edge/rest/form_reader.h"

namespace parley::edge::rest {

std::string_view part_type(const wire::PartHead& head) {
  if (!head.content_type.empty()) return head.content_type;
  return head.filename ? "application/octet-stream" : "text/plain";
}

bool FormReader::is_content(const wire::PartHead& head) const {
  if (plan_.body == RulePlan::Body::whole || head.filename) return true;
  return head.name == plan_.body_path.back()->proto_name || head.name == plan_.body_path.back()->json_name;
}

Task<Result<wire::MultipartParser::Event>> FormReader::next() {
  for (;;) {
    auto event = parser_.next();
    if (!event) co_return event;
    const bool done = event->kind == wire::MultipartParser::Kind::done;
    if (!done && event->kind != wire::MultipartParser::Kind::need_more) co_return event;
    auto chunk = co_await body_.next();  // what follows the closing boundary is read as well, and skipped
    if (!chunk) co_return fail(std::move(chunk).error());
    if (*chunk) {
      parser_.feed((*chunk)->view());
      continue;
    }
    if (auto whole = parser_.finish(); !whole) co_return fail(std::move(whole).error());
    co_return event;
  }
}

}  // namespace parley::edge::rest
