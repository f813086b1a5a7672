#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "queue/embedded/ops.h"

namespace parley::queue::embedded {
namespace {

Millis millis_of(Duration duration) { return std::chrono::ceil<std::chrono::milliseconds>(duration).count(); }

}  // namespace

// Only what is new or changed is recorded: a start writes nothing.
Op::Step DeclareOp::run(Model& model, store::Group& group) {
  std::string refusals;
  const auto note = [&](const Result<void>& did) {
    if (did) return;
    if (!refusals.empty()) refusals += '\n';
    refusals += did.error().message();
    if (!error || error->code() == Code::failed_precondition) error = did.error();
  };
  for (const QueueDeclaration& queue : wanted->queues) {
    auto did = log(model, group,
                   {.name = queue.consumer.name,
                    .topic = false,
                    .keyed = queue.consumer.keyed,
                    .dedup_window = millis_of(queue.dedup_window),
                    .ttl = millis_of(queue.ttl)});
    if (did) did = consumer(model, group, queue.consumer);
    note(did);
  }
  for (const TopicDeclaration& topic : wanted->topics) {
    auto did = log(model, group,
                   {.name = topic.name,
                    .topic = true,
                    .keyed = topic.keyed,
                    .dedup_window = millis_of(topic.dedup_window),
                    .keep = millis_of(topic.keep)});
    for (const Consumer& each : topic.groups) {
      if (did) did = consumer(model, group, each);
    }
    note(did);
  }
  if (error && error->code() == Code::failed_precondition)
    error = Error(Code::failed_precondition, Blame::caller, refusals);
  return Step::complete;
}

Result<void> DeclareOp::log(Model& model, store::Group& group, LogOptions options) {
  const Channel* channel = model.find(options.name);
  if (channel != nullptr && channel->log.options == options) return {};
  if (channel != nullptr && channel->log.options.topic != options.topic) {
    return fail(Error(Code::failed_precondition, Blame::caller,
                      "\"" + options.name + "\" is stored as a " + (options.topic ? "queue" : "topic") + ", not as a " +
                          (options.topic ? "topic" : "queue")));
  }
  return model.add(group, LogDeclared{.log = channel != nullptr ? channel->log.id : model.next_log(),
                                      .options = std::move(options)});
}

Result<void> DeclareOp::consumer(Model& model, store::Group& group, const Consumer& wanted_consumer) {
  Channel& channel = *model.find(wanted_consumer.name);
  GroupOptions options{.name = wanted_consumer.group,
                       .keyed = wanted_consumer.keyed,
                       .followers_wait = wanted_consumer.keyed && wanted_consumer.retry.followers_wait,
                       .in_flight = static_cast<std::uint32_t>(std::max(1, wanted_consumer.in_flight)),
                       .attempts = static_cast<std::uint32_t>(std::max(1, wanted_consumer.retry.attempts))};
  const auto at = channel.groups.find(options.name);
  if (at != channel.groups.end()) {
    if (at->second->options() == options) return {};
    return model.add(group,
                     GroupDeclared{.group = at->second->id(), .log = channel.log.id, .options = std::move(options)});
  }
  const bool from_first = !channel.log.options.topic || wanted_consumer.from_earliest;
  auto made = make_group(model, group, channel, std::move(options), from_first ? channel.log.begin : channel.log.next);
  return made ? Result<void>() : fail(made.error());
}

}  // namespace parley::queue::embedded
