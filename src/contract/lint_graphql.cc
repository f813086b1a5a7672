// Names that would clash in GraphQL. Warnings: the contract serves everything else all the same.
#include <cctype>
#include <map>

#include "contract/graphql_names.h"
#include "contract/lint.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

// "OrderState" is "ORDER_STATE_".
std::string prefix_of(std::string_view enum_name) {
  std::string out;
  for (std::size_t i = 0; i < enum_name.size(); ++i) {
    const auto c = static_cast<unsigned char>(enum_name[i]);
    const bool after_lower = i > 0 && std::islower(static_cast<unsigned char>(enum_name[i - 1])) != 0;
    if (std::isupper(c) != 0 && after_lower) out += '_';
    out += static_cast<char>(std::toupper(c));
  }
  return out + "_";
}

void lint_roots(const LintInput& in, Reporter& report) {
  std::map<std::pair<std::string_view, std::string>, const Method*> fields;
  for (const Service& service : in.services) {
    for (const Method& method : service.methods) {
      const std::string_view root = graphql_root(*method.descriptor);
      if (root.empty() || report.options().has(method.descriptor->options(), "parley.subscribe")) continue;
      const auto option = report.options().read(method.descriptor->options(), "parley.graphql");
      if (option && (option->number("hide") != 0 || !option->text("extend").empty())) continue;
      const std::string chosen = option ? option->text("name") : "";
      const std::string name = chosen.empty() ? lower_camel(method.name) : chosen;
      const auto [at, fresh] = fields.emplace(std::pair(root, name), &method);
      if (fresh) continue;
      report.warning(*method.descriptor, "",
                     "GraphQL: `" + name + "` of " + std::string(root) + " is also " + at->second->service + "/" +
                         at->second->name + "; both are shown with their service's name before it",
                     "rename one of the rpcs, or name it: `option (parley.graphql) = {name: \"" + name +
                         std::string(service.descriptor->name()) + "\"};`");
    }
  }
}

void lint_message(const pb::Descriptor& message, Reporter& report) {
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    if (!field.name().starts_with("__")) continue;
    report.warning(field, "", "GraphQL: names that begin with `__` are reserved", "rename the field");
  }
}

}  // namespace

std::string_view graphql_root(const pb::MethodDescriptor& method) {
  if (method.client_streaming()) return "";
  if (method.server_streaming()) return "Subscription";
  return method.options().idempotency_level() == pb::MethodOptions::NO_SIDE_EFFECTS ? "Query" : "Mutation";
}

std::string lower_camel(std::string_view name) {
  std::string out;
  bool upper = false;
  for (const char c : name) {
    if (c == '_') {
      upper = !out.empty();
      continue;
    }
    const auto u = static_cast<unsigned char>(c);
    out += static_cast<char>(out.empty() ? std::tolower(u) : upper ? std::toupper(u) : u);
    upper = false;
  }
  return out;
}

std::string graphql_value(const pb::EnumValueDescriptor& value) {
  const std::string prefix = prefix_of(value.type()->name());
  const std::string& name = value.name();
  // A name cannot begin with a digit: SIZE_2XL of Size keeps its prefix.
  const bool cut = name.size() > prefix.size() && name.starts_with(prefix) &&
                   std::isdigit(static_cast<unsigned char>(name[prefix.size()])) == 0;
  return cut ? name.substr(prefix.size()) : name;
}

void lint_graphql(const LintInput& in, Reporter& report) {
  lint_roots(in, report);
  for_each_message(in.files, [&](const pb::Descriptor& message) { lint_message(message, report); });
}

}  // namespace parley::contract
