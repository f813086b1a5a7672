#include "wire/media_type.h"

#include <algorithm>

#include "base/text.h"

namespace parley::wire {
namespace {

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  const auto is_token_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

// Takes a quoted string off the front of `text`; false if it is not closed.
bool take_quoted(std::string_view& text, std::string& value) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    value += text[i];
  }
  return false;
}

// The end of the list item that starts at `from`: a comma outside quotes.
std::size_t item_end(std::string_view list, std::size_t from) {
  bool quoted = false;
  for (std::size_t i = from; i < list.size(); ++i) {
    if (list[i] == '"') quoted = !quoted;
    if (quoted && list[i] == '\\') ++i;
    if (!quoted && list[i] == ',') return i;
  }
  return list.size();
}

// RFC 9110 section 12.4.2: "0" to "1" with up to three decimals. A malformed weight counts as 1.
int parse_quality(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5 || (text.size() > 1 && text[1] != '.'))
    return 1000;
  if (text[0] == '1') return 1000;
  int value = 0;
  int scale = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return 1000;
    value += (c - '0') * scale;
    scale /= 10;
  }
  return value;
}

const std::string* find_parameter(const std::vector<HeaderParameter>& parameters, std::string_view name) {
  const auto at = std::ranges::find(parameters, name, &HeaderParameter::name);
  return at == parameters.end() ? nullptr : &at->value;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

const std::string* HeaderValue::find(std::string_view name) const { return find_parameter(parameters, name); }
const std::string* MediaType::find(std::string_view name) const { return find_parameter(parameters, name); }

std::optional<HeaderValue> parse_header_value(std::string_view text) {
  HeaderValue value;
  const std::size_t semicolon = text.find(';');
  value.main = trim(text.substr(0, semicolon));
  text = semicolon == std::string_view::npos ? std::string_view() : text.substr(semicolon);
  while (!text.empty()) {
    text = trim(text.substr(1));  // the semicolon
    if (text.empty() || text.front() == ';') continue;
    const std::size_t equals = text.find_first_of("=;");
    if (equals == std::string_view::npos || text[equals] == ';') return std::nullopt;
    HeaderParameter parameter{lower_case(trim(text.substr(0, equals))), {}};
    if (!is_token(parameter.name)) return std::nullopt;
    text = trim(text.substr(equals + 1));
    if (text.starts_with('"')) {
      if (!take_quoted(text, parameter.value)) return std::nullopt;
      text = trim(text);
      if (!text.empty() && text.front() != ';') return std::nullopt;
    } else {
      const std::size_t end = std::min(text.find(';'), text.size());
      parameter.value = trim(text.substr(0, end));
      text.remove_prefix(end);
    }
    value.parameters.push_back(std::move(parameter));
  }
  return value;
}

std::optional<MediaType> parse_media_type(std::string_view text) {
  auto value = parse_header_value(text);
  if (!value) return std::nullopt;
  const std::size_t slash = value->main.find('/');
  if (slash == std::string_view::npos || !is_token(value->main.substr(0, slash)) ||
      !is_token(value->main.substr(slash + 1))) {
    return std::nullopt;
  }
  return MediaType{lower_case(value->main), std::move(value->parameters)};
}

Accept::Accept(std::string_view field) {
  if (field == "*/*") field = {};  // what most clients say: no list to keep
  std::size_t from = 0;
  bool any_item = false;
  while (from < field.size()) {
    const std::size_t end = item_end(field, from);
    const std::string_view item = trim(field.substr(from, end - from));
    from = end + 1;
    any_item = any_item || !item.empty();
    auto type = parse_media_type(item);
    if (!type) continue;
    const std::string* quality = type->find("q");
    ranges_.push_back({std::move(type->essence), quality == nullptr ? 1000 : parse_quality(*quality)});
  }
  anything_ = !any_item;
}

Accept::Weight Accept::weigh(std::string_view essence) const {
  if (anything_) return {1000, false};
  const std::string_view type = essence.substr(0, essence.find('/'));
  int rank = 0;
  Weight best;
  for (const Range& range : ranges_) {
    const bool exact = range.essence == essence;
    const bool same_type =
        range.essence.size() == type.size() + 2 && range.essence.starts_with(type) && range.essence.ends_with("/*");
    const int specific = exact ? 3 : same_type ? 2 : range.essence == "*/*" ? 1 : 0;
    if (specific == 0 || specific < rank || (specific == rank && range.quality <= best.quality)) continue;
    rank = specific;
    best = {range.quality, exact};
  }
  return best;
}

Accept::Weight Accept::weigh_json_suffix() const {
  Weight best;
  for (const Range& range : ranges_) {
    if (range.essence.ends_with("+json") && range.quality > best.quality) best = {range.quality, true};
  }
  return best;
}

}  // namespace parley::wire
