#include "edge/rest/plan.h"

#include <algorithm>

namespace parley::edge::rest {
namespace {

constexpr std::string_view http_body = "google.api.HttpBody";

bool is_http_body(const contract::MessageTable& table, const FieldPath& path) {
  if (path.empty()) return table.full_name() == http_body;
  return path.back()->message != nullptr && !path.back()->repeated && path.back()->message->full_name() == http_body;
}

bool is_plain_message(const FieldPath& path) {
  if (path.empty() || path.back()->message == nullptr || path.back()->repeated) return false;
  return path.back()->message->well_known() == contract::WellKnown::none;
}

const contract::FieldTable* find_update_mask(const contract::MessageTable& table) {
  const contract::FieldTable* field = table.by_name("update_mask");
  if (field == nullptr || field->repeated || field->message == nullptr) return nullptr;
  return field->message->well_known() == contract::WellKnown::field_mask ? field : nullptr;
}

}  // namespace

FieldPath resolve(const contract::MessageTable& table, std::string_view dotted) {
  FieldPath path;
  const contract::MessageTable* at = &table;
  while (at != nullptr) {
    const std::size_t dot = std::min(dotted.find('.'), dotted.size());
    const contract::FieldTable* field = at->by_name(dotted.substr(0, std::min(dot, dotted.find('['))));
    if (field == nullptr) return {};
    path.push_back(field);
    if (dot == dotted.size() || field->map) return path;
    dotted.remove_prefix(dot + 1);
    at = field->message;
  }
  return {};
}

const contract::MessageTable* RulePlan::body_table() const {
  return body_path.empty() ? method->input : body_path.back()->message;
}

RulePlan make_plan(const contract::Method& method, const contract::HttpRule& rule) {
  RulePlan plan{.method = &method, .rule = &rule, .body_path = {}, .path_variables = {}, .reply_path = {}};
  if (!rule.body.empty()) plan.body = rule.body == "*" ? RulePlan::Body::whole : RulePlan::Body::field;
  if (plan.body == RulePlan::Body::field) plan.body_path = resolve(*method.input, rule.body);
  plan.raw_request = plan.body != RulePlan::Body::none && is_http_body(*method.input, plan.body_path);
  for (const contract::PathVariable& v : rule.variables)
    plan.path_variables.push_back(resolve(*method.input, v.field_path));
  plan.reply_path = rule.response_body.empty() ? FieldPath() : resolve(*method.output, rule.response_body);
  plan.raw_reply = is_http_body(*method.output, plan.reply_path);
  plan.reply_is_object = is_plain_message(plan.reply_path);
  if (rule.verb == "PATCH" && plan.body == RulePlan::Body::field && !plan.raw_request && plan.body_table() != nullptr) {
    plan.update_mask = find_update_mask(*method.input);
  }
  return plan;
}

const RulePlan& PlanSet::plan(const contract::Method& method, const contract::HttpRule& rule) {
  const auto known = plans_.find(&rule);
  return known != plans_.end() ? known->second : plans_.emplace(&rule, make_plan(method, rule)).first->second;
}

}  // namespace parley::edge::rest
