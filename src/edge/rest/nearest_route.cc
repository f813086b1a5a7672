#include "edge/rest/nearest_route.h"

#include <optional>
#include <vector>

#include "base/nearest.h"
#include "base/text.h"

namespace parley::edge::rest {
namespace {

// Where the path's one wrong segment is, if all others fit the rule.
std::optional<std::size_t> only_difference(const std::vector<contract::Segment>& rule,
                                           const std::vector<std::string_view>& path) {
  if (rule.size() != path.size()) return std::nullopt;
  std::optional<std::size_t> place;
  for (std::size_t i = 0; i < rule.size(); ++i) {
    if (rule[i].kind == contract::Segment::Kind::rest) return std::nullopt;
    if (rule[i].kind == contract::Segment::Kind::any || rule[i].text == path[i]) continue;
    if (place) return std::nullopt;
    place = i;
  }
  return place;
}

}  // namespace

std::string nearest_route(const contract::Contract& contract, std::string_view path) {
  constexpr std::size_t longest = 256;  // nobody mistypes that
  if (path.size() > longest || !path.starts_with('/')) return "";
  const std::vector<std::string_view> segments = split(path.substr(1), '/');
  for (const contract::Service& service : contract.services()) {
    for (const contract::Method& method : service.methods) {
      for (const contract::HttpRule& rule : method.rules) {
        const auto place = only_difference(rule.segments, segments);
        if (!place) continue;
        const std::string_view candidates[] = {rule.segments[*place].text};
        if (nearest(segments[*place], candidates)) return rule.pattern;
      }
    }
  }
  return "";
}

}  // namespace parley::edge::rest
