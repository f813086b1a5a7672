#include "contract/message_option_reader.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "contract/lint.h"
#include "contract/lint_keys.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

void read_duration(const OptionMessage& option, std::string_view field, Duration& into) {
  if (const auto ms = parse_duration(option.text(field))) into = std::chrono::milliseconds(*ms);
}

// Zero is left out, as proto3 cannot tell them apart.
void read_count(const OptionMessage& option, std::string_view field, int& into) {
  const std::int64_t number = option.number(field);
  if (number > 0) into = static_cast<int>(std::min<std::int64_t>(number, std::numeric_limits<int>::max()));
}

DeliveryOptions delivery_options(const OptionMessage& option) {
  DeliveryOptions out;
  read_duration(option, "lease", out.lease);
  read_duration(option, "timeout", out.timeout);
  read_count(option, "in_flight", out.in_flight);
  const auto retry = option.child("retry");
  if (!retry) return out;
  read_count(*retry, "attempts", out.retry.attempts);
  read_duration(*retry, "first", out.retry.first);
  read_duration(*retry, "max", out.retry.max);
  for (const std::int64_t code : retry->numbers("fatal")) out.retry.fatal.push_back(code_from_number(code));
  out.retry.followers_wait = retry->number("followers") == 1;
  return out;
}

}  // namespace

std::optional<QueueOptions> queue_options(const pb::MethodDescriptor& method, OptionReader& options) {
  const auto queue = options.read(method.options(), "parley.queue");
  if (!queue) return std::nullopt;
  QueueOptions out;
  out.delivery = delivery_options(*queue);
  out.key_path = queue->text("key");
  if (const auto dedup = queue->child("dedup")) {
    out.dedup_path = dedup->text("field");
    out.dedup_window = std::chrono::hours(24);
    read_duration(*dedup, "window", out.dedup_window);
  }
  read_duration(*queue, "ttl", out.ttl);
  return out;
}

std::optional<SubscribeOptions> subscribe_options(const pb::MethodDescriptor& method, OptionReader& options) {
  const auto subscribe = options.read(method.options(), "parley.subscribe");
  if (!subscribe) return std::nullopt;
  SubscribeOptions out;
  out.delivery = delivery_options(*subscribe);
  if (const auto event = options.read(method.input_type()->options(), "parley.event")) out.topic = event->text("topic");
  out.group = subscribe->text("group");
  if (out.group.empty()) out.group = method.service()->full_name();
  out.from_earliest = subscribe->number("start") == 1;
  return out;
}

std::vector<EventType> event_types(const std::vector<const pb::FileDescriptor*>& files, OptionReader& options) {
  std::vector<EventType> out;
  for_each_message(files, [&](const pb::Descriptor& message) {
    const auto event = options.read(message.options(), "parley.event");
    if (!event) return;
    EventType& type = out.emplace_back();
    type.type = message.full_name();
    type.topic = event->text("topic");
    type.key_path = event->text("key");
    read_duration(*event, "keep", type.keep);
  });
  std::ranges::sort(out, {}, [](const EventType& e) { return std::tie(e.topic, e.type); });
  return out;
}

}  // namespace parley::contract
