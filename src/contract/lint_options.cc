// Parley's own options: what they name must be there, and they must stand where they mean something.
#include <algorithm>
#include <map>

#include "base/nearest.h"
#include "contract/http_binding.h"
#include "contract/lint.h"
#include "contract/lint_keys.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view event_option = "parley.event";
constexpr std::string_view personal_option = "parley.personal";
constexpr std::string_view link_option = "parley.link";
constexpr std::string_view queue_option = "parley.queue";
constexpr std::string_view subscribe_option = "parley.subscribe";
constexpr std::string_view stream_option = "parley.stream";
constexpr std::string_view aggregate_option = "parley.aggregate";
constexpr std::string_view empty_type = "google.protobuf.Empty";
constexpr std::string_view receipt_type = "parley.Receipt";

// What every backend takes as a name.
bool is_topic(std::string_view name) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, allowed);
}

using Topics =
    std::map<std::pair<std::string, std::string>, const pb::Descriptor*>;  // topic and short name of the type

void lint_event(const pb::Descriptor& message, const OptionMessage& event, Topics& topics, Reporter& report) {
  OptionCheck<pb::Descriptor> check(message, event_option, report);
  const std::string topic = event.text("topic");
  if (!is_topic(topic))
    check.error("`topic: \"" + topic + "\"` is no name of a topic",
                "letters, digits, dots, dashes and underscores, at most 128");
  const std::string key = event.text("key");
  check.scalar_field(message, "key", key);
  check.duration("keep", event.text("keep"));
  const pb::FieldDescriptor* field = field_at(message, key);
  if (field != nullptr && report.options().has(field->options(), personal_option)) {
    check.error("`key: \"" + key + "\"` is personal, and a key is stored as it is",
                "use an id that says nothing about the person");
  }
  const auto [at, fresh] = topics.emplace(std::pair(topic, message.name()), &message);
  if (fresh) return;
  check.error("event type `" + message.name() + "` is in topic `" + topic + "` already: " + at->second->full_name(),
              "rename one of the messages, or use another topic");
}

void lint_personal(const pb::FieldDescriptor& field, const OptionMessage& personal, Reporter& report) {
  OptionCheck<pb::FieldDescriptor> check(field, personal_option, report);
  const std::string subject = personal.text("subject");
  const pb::Descriptor& message = *field.containing_type();
  if (subject.empty()) return check.error("`subject` is missing", "name the field that says who the person is");
  if (subject == field.name())
    return check.error("the field is its own subject", "name the field that says who the person is");
  check.scalar_field(message, "subject", subject);
  const pb::FieldDescriptor* other = field_at(message, subject);
  if (other != nullptr && report.options().has(other->options(), personal_option)) {
    check.error("`subject: \"" + subject + "\"` is personal itself, so nobody could find the key",
                "use an id that is not personal");
  }
}

void lint_link(const pb::FieldDescriptor& field, const OptionMessage& link, const LintInput& in, Reporter& report) {
  OptionCheck<pb::FieldDescriptor> check(field, link_option, report);
  const std::string shown = link.text("field");
  const pb::Descriptor& message = *field.containing_type();
  if (shown.empty()) check.error("`field` is missing", "name the field that the join adds");
  if (message.FindFieldByName(shown) != nullptr || message.FindFieldByCamelcaseName(shown) != nullptr) {
    check.error("`field: \"" + shown + "\"` is a field of " + message.full_name() + " already",
                "choose a name that is free");
  }
  const std::string rpc = link.text("rpc");
  const Method* method = find_rpc(in.services, rpc);
  if (method == nullptr) {
    std::vector<std::string> all;
    for (const Service& s : in.services) {
      for (const Method& m : s.methods) all.push_back(m.service + "/" + m.name);
    }
    return check.error("there is no rpc `" + rpc + "`", did_you_mean(rpc, all, "write it as `package.Service/Method`"));
  }
  if (!method->is_unary())
    return check.error("`" + rpc + "` is a stream", "a join needs an rpc with one request and one reply");
  if (method->idempotency != Idempotency::no_side_effects) {
    check.error("`" + rpc + "` may have side effects", "add `option idempotency_level = NO_SIDE_EFFECTS;` to it");
  }
}

std::string kind_of(const pb::MethodDescriptor& method) {
  if (method.client_streaming() && method.server_streaming()) return "takes and returns a stream";
  return method.client_streaming() ? "takes a stream" : "returns a stream";
}

bool is_unary(const pb::MethodDescriptor& method) { return !method.client_streaming() && !method.server_streaming(); }

void lint_queue(const pb::MethodDescriptor& method, const OptionMessage& queue, Reporter& report) {
  OptionCheck<pb::MethodDescriptor> check(method, queue_option, report);
  if (!is_unary(method)) check.error("the rpc " + kind_of(method), "a queue holds single calls; remove `stream`");
  const std::string& reply = method.output_type()->full_name();
  if (reply != receipt_type && reply != empty_type) {
    check.error("the rpc returns " + reply + ", but it is answered before it is carried out",
                "return parley.Receipt (`import \"parley/receipt.proto\";`) or google.protobuf.Empty");
  }
  if (method.options().idempotency_level() == pb::MethodOptions::NO_SIDE_EFFECTS) {
    check.error("the rpc has no side effects, so there is nothing to carry out later",
                "remove `idempotency_level`, or the queue");
  }
  const pb::Descriptor& request = *method.input_type();
  check.scalar_field(request, "key", queue.text("key"));
  if (const auto dedup = queue.child("dedup")) {
    if (dedup->text("field").empty())
      check.error("`dedup.field` is missing", "name the field that is equal in repeated calls");
    check.scalar_field(request, "dedup.field", dedup->text("field"));
    check.duration_from("dedup.window", dedup->text("window"), 1);
  }
  check.duration_from("ttl", queue.text("ttl"), 1);
  check.delivery(queue, !queue.text("key").empty());
}

void lint_subscribe(const pb::MethodDescriptor& method, const OptionMessage& subscribe, Reporter& report) {
  OptionCheck<pb::MethodDescriptor> check(method, subscribe_option, report);
  if (!is_unary(method)) check.error("the rpc " + kind_of(method), "it is called once for each event; remove `stream`");
  if (!report.options().has(method.input_type()->options(), event_option)) {
    check.error(method.input_type()->full_name() + " is no event",
                "give the message an `option (parley.event) = {topic: \"…\"};`");
  }
  if (method.output_type()->full_name() != empty_type) {
    check.error("the rpc returns " + method.output_type()->full_name() + ", and nobody would read it",
                "return google.protobuf.Empty");
  }
  if (const std::string group = subscribe.text("group"); !group.empty() && !is_topic(group))
    check.error("`group: \"" + group + "\"` is no name of a group",
                "letters, digits, dots, dashes and underscores, at most 128");
  const auto event = report.options().read(method.input_type()->options(), event_option);
  check.delivery(subscribe, event && !event->text("key").empty());
}

// Rpcs of one group on one topic take their events from one place: each its own type, all in one way.
void lint_group(const Method& method, const Method& other, Reporter& report) {
  const SubscribeOptions& mine = *method.subscribe;
  const SubscribeOptions& theirs = *other.subscribe;
  if (mine.topic.empty() || mine.topic != theirs.topic || mine.group != theirs.group) return;
  OptionCheck<pb::MethodDescriptor> check(*method.descriptor, subscribe_option, report);
  const std::string both = "group `" + mine.group + "` of topic `" + mine.topic + "`";
  if (method.descriptor->input_type() == other.descriptor->input_type()) {
    check.error(other.path.substr(1) + " takes these events in " + both + " already", "give one of them a `group`");
    return;
  }
  const bool alike = mine.from_earliest == theirs.from_earliest &&
                     mine.delivery.in_flight == theirs.delivery.in_flight &&
                     mine.delivery.lease == theirs.delivery.lease &&
                     mine.delivery.retry.followers_wait == theirs.delivery.retry.followers_wait;
  if (!alike)
    check.error(other.path.substr(1) + " is of " + both +
                    " too, with another `start`, `in_flight`, `lease` or `retry.followers`",
                "say the same in both, or give one of them a `group`");
}

void lint_groups(const std::vector<Service>& services, Reporter& report) {
  std::vector<const Method*> before;
  for (const Service& service : services) {
    for (const Method& method : service.methods) {
      if (!method.subscribe) continue;
      for (const Method* other : before) lint_group(method, *other, report);
      before.push_back(&method);
    }
  }
}

bool is_metadata_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && std::ranges::all_of(name, allowed);
}

void lint_stream(const pb::MethodDescriptor& method, const OptionMessage& stream, Reporter& report) {
  OptionCheck<pb::MethodDescriptor> check(method, stream_option, report);
  const bool share = stream.number("share") != 0;
  const std::int64_t history = stream.number("history");
  if (!method.server_streaming()) check.error("the rpc returns no stream", "remove the option");
  if (share && method.client_streaming())
    check.error("a call that takes a stream cannot be shared", "share an rpc that takes one message");
  if (share && stream.number("slow") == static_cast<int>(SlowCaller::wait)) {
    check.error("`slow: WAIT` would let one slow caller hold up all who share the stream", "DROP_OLDEST, or CLOSE");
  }
  check.not_negative("history", history);
  if (history > 10'000) check.error("`history` is above 10000", "keep less: it is held in memory, for each stream");
  if (!share && (history != 0 || stream.has("metadata")))
    check.error("`history` and `metadata` are a shared stream's", "add `share: true`");
  for (const std::string& name : stream.texts("metadata")) {
    if (!is_metadata_name(name))
      check.error("`metadata: \"" + name + "\"` is no name of metadata", "such as `authorization`, in lower case");
  }
}

// As Protobuf resolves names: from the innermost scope outwards.
const pb::Descriptor* resolve(const pb::DescriptorPool& pool, std::string scope, const std::string& name) {
  for (;;) {
    const pb::Descriptor* found = pool.FindMessageTypeByName(scope.empty() ? name : scope + "." + name);
    if (found != nullptr || scope.empty()) return found;
    const std::size_t dot = scope.rfind('.');
    scope = dot == std::string::npos ? "" : scope.substr(0, dot);
  }
}

void lint_aggregate(const pb::ServiceDescriptor& service, const OptionMessage& aggregate, const LintInput& in,
                    Reporter& report) {
  OptionCheck<pb::ServiceDescriptor> check(service, aggregate_option, report);
  const std::string id = aggregate.text("id");
  const std::string state_name = aggregate.text("state");
  if (id.empty()) check.error("`id` is missing", "name the field of the commands that says which one is meant");
  check.not_negative("snapshot_every", aggregate.number("snapshot_every"));
  const pb::Descriptor* state = resolve(in.pool, service.full_name(), state_name);
  if (state == nullptr) {
    std::vector<std::string> types;
    for_each_message(in.files, [&](const pb::Descriptor& m) { types.push_back(m.name()); });
    check.error("there is no message `" + state_name + "`",
                did_you_mean(state_name, types, "name the message that is the state"));
  }
  const pb::MethodDescriptor* fold = service.FindMethodByName("Fold");
  if (fold == nullptr)
    check.error("the service has no rpc `Fold`", "add one that makes a state of a state and the events after it");
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    OptionCheck<pb::MethodDescriptor> rpc(method, aggregate_option, report);
    if (!is_unary(method))
      rpc.error("the rpc " + kind_of(method), "commands and Fold are single calls; remove `stream`");
    if (&method == fold) {
      if (state != nullptr && method.output_type() != state) {
        rpc.error("`Fold` returns " + method.output_type()->full_name(), "return " + state->full_name());
      }
      continue;
    }
    rpc.scalar_field(*method.input_type(), "id", id);
  }
}

void lint_rpc(const pb::MethodDescriptor& method, bool in_aggregate, Reporter& report) {
  const auto queue = report.options().read(method.options(), queue_option);
  const auto subscribe = report.options().read(method.options(), subscribe_option);
  if (queue) lint_queue(method, *queue, report);
  if (subscribe) lint_subscribe(method, *subscribe, report);
  if (const auto stream = report.options().read(method.options(), stream_option)) lint_stream(method, *stream, report);
  if (queue && subscribe) {
    report.error(method, subscribe_option, "(parley.queue) and (parley.subscribe) stand on one rpc",
                 "split it: one rpc a way to be called");
  }
  if ((queue || subscribe) && in_aggregate) {
    report.error(method, queue ? queue_option : subscribe_option,
                 "the rpc belongs to an aggregate, whose rpcs are commands", "put it into a service of its own");
  }
}

void lint_message(const pb::Descriptor& message, const LintInput& in, Topics& topics, Reporter& report) {
  if (const auto event = report.options().read(message.options(), event_option))
    lint_event(message, *event, topics, report);
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    if (const auto personal = report.options().read(field.options(), personal_option))
      lint_personal(field, *personal, report);
    if (const auto link = report.options().read(field.options(), link_option)) lint_link(field, *link, in, report);
  }
}

}  // namespace

const Method* find_rpc(const std::vector<Service>& services, std::string_view name) {
  for (const Service& s : services) {
    for (const Method& m : s.methods) {
      if (std::string_view(m.path).substr(1) == name) return &m;
    }
  }
  return nullptr;
}

void for_each_message(const std::vector<const pb::FileDescriptor*>& files,
                      const std::function<void(const pb::Descriptor&)>& use) {
  const std::function<void(const pb::Descriptor&)> walk = [&](const pb::Descriptor& message) {
    if (message.options().map_entry()) return;
    use(message);
    for (int i = 0; i < message.nested_type_count(); ++i) walk(*message.nested_type(i));
  };
  for (const pb::FileDescriptor* file : files) {
    for (int i = 0; i < file->message_type_count(); ++i) walk(*file->message_type(i));
  }
}

void lint_options(const LintInput& in, Reporter& report) {
  Topics topics;
  for_each_message(in.files, [&](const pb::Descriptor& message) { lint_message(message, in, topics, report); });
  for (const Service& service : in.services) {
    const auto aggregate = report.options().read(service.descriptor->options(), aggregate_option);
    if (aggregate) lint_aggregate(*service.descriptor, *aggregate, in, report);
    for (const Method& method : service.methods) lint_rpc(*method.descriptor, aggregate.has_value(), report);
  }
  lint_groups(in.services, report);
}

}  // namespace parley::contract
