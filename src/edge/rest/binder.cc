#include "edge/rest/binder.h"

#include <algorithm>

#include "contract/transcode.h"
#include "wire/percent.h"

namespace parley::edge::rest {
namespace {

Error refuse(std::string message, std::string_view reason) {
  return Error(Code::invalid_argument, Blame::caller, std::move(message)).with_reason(std::string(reason));
}

std::string in_quotes(std::string_view name) { return "\"" + std::string(name) + "\""; }

// How many fields two paths share from the top.
std::size_t common(const FieldPath& a, const FieldPath& b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// Two members of one oneof, at the place where the paths part.
bool share_oneof(const FieldPath& a, const FieldPath& b) {
  const std::size_t at = common(a, b);
  return at < a.size() && at < b.size() && a[at]->oneof != 0 && a[at]->oneof == b[at]->oneof;
}

}  // namespace

Result<void> Binder::bind_path(std::span<const contract::Binding> bindings) {
  for (const contract::Binding& binding : bindings) {
    const std::string& name = binding.variable->field_path;
    auto bound = contract::text_to_field(*plan_.method->input, name, binding.value, wire_);
    if (!bound) return fail(std::move(bound).error().during("path variable " + in_quotes(name)));
  }
  return {};
}

Result<void> Binder::bind_query(std::string_view query) {
  std::string name;
  std::string value;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    name.clear();
    value.clear();
    if (!wire::decode_query_component(pair.substr(0, equals), name) ||
        !wire::decode_query_component(pair.substr(std::min(equals + 1, pair.size())), value)) {
      return fail(refuse("query parameter " + in_quotes(pair.substr(0, equals)) + ": malformed percent-encoding",
                         "malformed_query"));
    }
    if (auto bound = bind(name, value, "query parameter"); !bound) return bound;
  }
  return {};
}

Result<void> Binder::bind(std::string_view name, std::string_view value, std::string_view where) {
  if (plan_.body == RulePlan::Body::whole) {
    return fail(refuse(std::string(where) + " " + in_quotes(name) + " has no place: the body is the whole " +
                           plan_.method->input->full_name(),
                       "unexpected_parameter"));
  }
  const FieldPath path = resolve(*plan_.method->input, name);
  if (path.empty()) return fail(unknown(name, where));
  if (auto claimed = claim(path, name, where); !claimed) return claimed;
  auto bound = contract::text_to_field(*plan_.method->input, name, value, wire_);
  if (!bound) return fail(std::move(bound).error().during(std::string(where) + " " + in_quotes(name)));
  return {};
}

Result<void> Binder::claim(const FieldPath& path, std::string_view name, std::string_view where) {
  const auto conflict = [&](std::string_view why, std::string_view reason) {
    return fail(refuse(std::string(where) + " " + in_quotes(name) + " " + std::string(why), reason));
  };
  for (const FieldPath& bound : plan_.path_variables) {
    if (common(bound, path) == bound.size() && !bound.empty())
      return conflict("is given by the path already", "bound_twice");
    if (share_oneof(bound, path)) return conflict("belongs to a oneof that the path sets", "oneof_set_twice");
  }
  if (plan_.body == RulePlan::Body::field) {
    if (common(plan_.body_path, path) == plan_.body_path.size())
      return conflict("belongs into the body", "bound_twice");
    if (share_oneof(plan_.body_path, path)) return conflict("belongs to a oneof that the body sets", "oneof_set_twice");
  }
  for (const FieldPath& bound : single_) {
    if (bound == path && !path.back()->repeated)
      return conflict("is given twice, and its field is not repeated", "bound_twice");
    if (share_oneof(bound, path)) return conflict("belongs to a oneof that another parameter sets", "oneof_set_twice");
  }
  // Of a repeated field one path is enough: it can only meet the members of a oneof above it.
  if (!path.back()->repeated || std::ranges::find(single_, path) == single_.end()) single_.push_back(path);
  return {};
}

bool Binder::has_bound(const contract::FieldTable& top) const {
  return std::ranges::any_of(single_, [&](const FieldPath& path) { return path.front() == &top; });
}

// Names the part that is not there: of "filter.stat" it is "stat", in the message of `filter`.
Error Binder::unknown(std::string_view name, std::string_view where) const {
  const contract::MessageTable* table = plan_.method->input;
  std::size_t from = 0;
  for (;;) {
    const std::size_t dot = std::min(name.find('.', from), name.size());
    const contract::FieldTable* field = table->by_name(name.substr(from, dot - from));
    if (field == nullptr || field->message == nullptr || dot == name.size()) {
      std::string text = "unknown " + std::string(where) + " " + in_quotes(name);
      if (field != nullptr)
        return refuse(text + ": " + std::string(field->json_name) + " is not a message", "unknown_parameter");
      const std::string_view part = name.substr(from, dot - from);
      text += ": " + table->full_name() + " has no field " + in_quotes(part);
      const std::string_view near = table->nearest_name(part);
      if (!near.empty())
        text += " (did you mean " + in_quotes(std::string(name.substr(0, from)) + std::string(near)) + "?)";
      return refuse(std::move(text), "unknown_parameter");
    }
    table = field->message;
    from = dot + 1;
  }
}

}  // namespace parley::edge::rest
