// Lines: path templates, then one path. The router finds a rule exactly where a matcher that tries rule after rule
// finds one, and what it binds is a part of the path.
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/contract.h"
#include "contract/path_template.h"
#include "contract/router.h"

namespace {

using namespace parley::contract;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool matches(const std::vector<Segment>& segments, std::size_t s, const std::vector<std::string>& path, std::size_t p) {
  if (s == segments.size()) return p == path.size();
  if (segments[s].kind == Segment::Kind::rest) {
    for (std::size_t end = p; end <= path.size(); ++end) {
      if (matches(segments, s + 1, path, end)) return true;
    }
    return false;
  }
  if (p == path.size()) return false;
  const bool fits = segments[s].kind == Segment::Kind::any ? !path[p].empty() : segments[s].text == path[p];
  return fits && matches(segments, s + 1, path, p + 1);
}

// `path` is well-formed and begins with a slash.
bool matches(const HttpRule& rule, std::string_view path) {
  std::vector<std::string_view> raw = split(path.substr(1), '/');
  if (!rule.colon_verb.empty()) {
    const std::size_t colon = raw.back().rfind(':');
    if (colon == std::string_view::npos || percent_decode(raw.back().substr(colon + 1)) != rule.colon_verb)
      return false;
    raw.back() = raw.back().substr(0, colon);
  }
  std::vector<std::string> decoded;
  for (const std::string_view s : raw) decoded.push_back(*percent_decode(s));
  return matches(rule.segments, 0, decoded, 0);
}

void check(const Router& router, const std::vector<Service>& services, std::string_view path) {
  const auto found = router.match("GET", path);
  if (!found && found.error().code() == parley::Code::invalid_argument) return;
  if (found && (!matches(*found->rule, path) || found->bindings.size() != found->rule->variables.size())) std::abort();
  if (router.allowed(path).empty() != !found.has_value()) std::abort();
  if (found || !path.starts_with('/')) return;
  for (const Method& m : services[0].methods) {
    if (matches(m.rules[0], path)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size > 2000) return 0;  // the matcher that tries everything is slow
  std::vector<std::string_view> lines = split({reinterpret_cast<const char*>(data), size}, '\n');
  const std::string_view path = lines.back();
  lines.pop_back();
  std::vector<Service> services(1);
  for (const std::string_view line : lines) {
    auto parsed = parse_path_template(line);
    if (!parsed) {
      if (parsed.error().offset > line.size() || parsed.error().message.empty()) std::abort();
      continue;
    }
    Method method{};
    HttpRule rule;
    rule.verb = "GET";
    rule.segments = std::move(parsed->segments);
    rule.variables = std::move(parsed->variables);
    rule.colon_verb = std::move(parsed->colon_verb);
    method.rules.push_back(std::move(rule));
    services[0].methods.push_back(std::move(method));
  }
  const auto router = make_router(services);
  check(*router, services, path);
  return 0;
}
