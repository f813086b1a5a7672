#include "contract/openapi_path.h"

#include <algorithm>
#include <cctype>

#include "contract/path_template.h"

namespace parley::contract {
namespace {

const PathVariable* variable_at(const HttpRule& rule, std::size_t segment) {
  for (const PathVariable& v : rule.variables) {
    if (segment >= v.first && segment < static_cast<std::size_t>(v.first + v.count)) return &v;
  }
  return nullptr;
}

// Parameters' names are kept to letters, digits and underscores.
std::string clean(std::string name) {
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

// `{name=orders/*}`: after the collection. `{id}`: after the field.
std::string parameter_name(const HttpRule& rule, std::size_t segment) {
  const PathVariable* v = variable_at(rule, segment);
  const bool alone = v != nullptr && v->count == 1;
  const bool collection = segment > 0 && rule.segments[segment - 1].kind == Segment::Kind::literal;
  if (!alone && collection && rule.segments[segment].kind == Segment::Kind::any)
    return clean(singular(rule.segments[segment - 1].text));
  if (v != nullptr) return clean(v->field_path.substr(v->field_path.rfind('.') + 1));
  return rule.segments[segment].kind == Segment::Kind::rest ? "rest" : "segment";
}

std::vector<std::string> parameter_names(const HttpRule& rule) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rule.segments.size(); ++i) {
    if (rule.segments[i].kind == Segment::Kind::literal) continue;
    const std::string name = parameter_name(rule, i);
    std::string free = name;
    for (int n = 2; std::ranges::find(names, free) != names.end(); ++n) free = name + "_" + std::to_string(n);
    names.push_back(free);
  }
  return names;
}

std::string encode_literal(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::string_view("!$&'()+,;=@").contains(c);
    out += plain ? std::string(1, c) : percent_encode(std::string_view(&c, 1));
  }
  return out;
}

}  // namespace

std::string singular(const std::string& word) {
  const auto cut = [&](std::size_t count, const char* end) { return word.substr(0, word.size() - count) + end; };
  if (word.size() > 4 && word.ends_with("ies")) return cut(3, "y");
  if (word.ends_with("lves")) return cut(3, "f");
  for (const char* end : {"sses", "shes", "ches", "xes", "zes"}) {
    if (word.ends_with(end)) return cut(2, "");
  }
  const bool plural = word.size() > 2 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") &&
                      !word.ends_with("ews");
  return plural ? cut(1, "") : word;
}

OpenApiPath PathNames::convert(const HttpRule& rule) {
  const std::string key = binding_key(rule).substr(rule.verb.size() + 1);
  const std::vector<std::string>& names = names_.try_emplace(key, parameter_names(rule)).first->second;
  OpenApiPath out;
  for (std::size_t i = 0; i < rule.segments.size(); ++i) {
    const Segment& s = rule.segments[i];
    if (s.kind == Segment::Kind::literal) {
      out.path += "/" + encode_literal(s.text);
      continue;
    }
    const std::string& name = names[out.parameters.size()];
    out.path += "/{" + name + "}";
    out.parameters.push_back({name, variable_at(rule, i), s.kind == Segment::Kind::rest});
  }
  if (!rule.colon_verb.empty()) out.path += ":" + encode_literal(rule.colon_verb);
  return out;
}

std::string variable_form(const OpenApiPath& path, const HttpRule& rule, const PathVariable& variable) {
  std::string form;
  std::size_t parameter = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(variable.first + variable.count); ++i) {
    const bool literal = rule.segments[i].kind == Segment::Kind::literal;
    const std::string text = literal ? rule.segments[i].text : "{" + path.parameters[parameter].name + "}";
    if (i >= variable.first) form += (form.empty() ? "" : "/") + text;
    if (!literal) ++parameter;
  }
  return variable.count > 1 ? form : "";
}

}  // namespace parley::contract
