// GraphQL's joins and its options on rpcs: what they name must be there, and keys must fit.
#include "base/nearest.h"
#include "contract/http_binding.h"
#include "contract/joins.h"
#include "contract/lint.h"
#include "contract/lint_keys.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view link_option = "parley.link";
constexpr std::string_view loader_option = "parley.loader";
constexpr std::string_view graphql_option = "parley.graphql";

std::expected<LoaderFields, JoinProblem> loader_of(const pb::MethodDescriptor& method, Reporter& report) {
  return loader_fields(method, report.options().read(method.options(), loader_option), report.options());
}

// What lint_options finds wrong with a link is not said again.
void lint_link_key(const pb::FieldDescriptor& field, const LintInput& in, Reporter& report) {
  const auto link = report.options().read(field.options(), link_option);
  const Method* method = link ? find_rpc(in.services, link->text("rpc")) : nullptr;
  if (method == nullptr || !method->is_unary()) return;
  OptionCheck<pb::FieldDescriptor> check(field, link_option, report);
  const auto loader = loader_of(*method->descriptor, report);
  const std::string rpc = "`" + link->text("rpc") + "` cannot be asked by key: ";
  if (!loader) return check.error(rpc + loader.error().message, loader.error().hint);
  if (const auto problem = check_join_key(field, *loader)) check.error(problem->message, problem->hint);
}

void lint_loader(const pb::MethodDescriptor& method, Reporter& report) {
  OptionCheck<pb::MethodDescriptor> check(method, loader_option, report);
  if (method.client_streaming() || method.server_streaming())
    return check.error("the rpc is a stream", "a join needs an rpc with one request and one reply");
  if (method.options().idempotency_level() != pb::MethodOptions::NO_SIDE_EFFECTS)
    check.error("the rpc may have side effects", "add `option idempotency_level = NO_SIDE_EFFECTS;` to it");
  if (const auto loader = loader_of(method, report); !loader) check.error(loader.error().message, loader.error().hint);
}

bool is_graphql_name(std::string_view name) {
  if (name.empty() || name.starts_with("__") || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  }
  return true;
}

void lint_extend(const pb::MethodDescriptor& method, const OptionMessage& option, const LintInput& in,
                 Reporter& report) {
  OptionCheck<pb::MethodDescriptor> check(method, graphql_option, report);
  const std::string target = option.text("extend");
  const pb::Descriptor* message = in.pool.FindMessageTypeByName(target);
  if (message == nullptr) {
    std::vector<std::string> all;
    for_each_message(in.files, [&](const pb::Descriptor& m) { all.push_back(m.full_name()); });
    return check.error("there is no message `" + target + "`",
                       did_you_mean(target, all, "write it with its package, such as `shop.Product`"));
  }
  if (option.text("name").empty()) check.error("`name` is missing", "name the field that " + target + " gets");
  if (!report.options().has(method.options(), loader_option)) lint_loader(method, report);
  const std::string key = option.text("key");
  const pb::FieldDescriptor* field = message->FindFieldByName(key);
  if (field == nullptr)
    return check.error(key.empty() ? "`key` is missing" : "`key: \"" + key + "\"` names no field of " + target,
                       did_you_mean(key, field_names(*message), "name the field of " + target + " that is the key"));
  const auto loader = loader_of(method, report);
  if (!loader) return;  // said above
  if (const auto problem = check_join_key(*field, *loader)) check.error(problem->message, problem->hint);
}

void lint_shown(const pb::MethodDescriptor& method, const LintInput& in, Reporter& report) {
  const auto option = report.options().read(method.options(), graphql_option);
  if (!option) return;
  OptionCheck<pb::MethodDescriptor> check(method, graphql_option, report);
  if (method.client_streaming())
    check.error("the rpc takes a stream, and GraphQL shows no such rpc", "remove the option");
  const std::string name = option->text("name");
  if (!name.empty() && !is_graphql_name(name))
    check.error("`name: \"" + name + "\"` is no name in GraphQL",
                "letters, digits and underscores, no digit first, and not two underscores");
  const std::string unwrap = option->text("unwrap");
  const pb::Descriptor& response = *method.output_type();
  if (!unwrap.empty() && response.FindFieldByName(unwrap) == nullptr)
    check.error("`unwrap: \"" + unwrap + "\"` names no field of " + response.full_name(),
                did_you_mean(unwrap, field_names(response), "name a field of the response"));
  if (!option->text("extend").empty()) lint_extend(method, *option, in, report);
}

}  // namespace

void lint_joins(const LintInput& in, Reporter& report) {
  for_each_message(in.files, [&](const pb::Descriptor& message) {
    for (int i = 0; i < message.field_count(); ++i) lint_link_key(*message.field(i), in, report);
  });
  for (const Service& service : in.services) {
    for (const Method& method : service.methods) {
      if (report.options().has(method.descriptor->options(), loader_option)) lint_loader(*method.descriptor, report);
      lint_shown(*method.descriptor, in, report);
    }
  }
}

}  // namespace parley::contract
