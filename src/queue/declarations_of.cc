#include "queue/declarations_of.h"

#include <algorithm>
#include <map>

namespace parley::queue {
namespace {

Consumer consumer_of(const contract::DeliveryOptions& options) {
  Consumer out;
  out.lease = options.lease;
  out.in_flight = options.in_flight;
  out.retry = retry_policy(options.retry);
  return out;
}

QueueDeclaration queue_of(const contract::Method& method) {
  const contract::QueueOptions& options = *method.queue;
  QueueDeclaration out;
  out.consumer = consumer_of(options.delivery);
  out.consumer.name = queue_name(method);
  out.consumer.keyed = options.key.is_set();
  out.consumer.from_earliest = true;
  out.dedup_window = options.dedup_window;
  out.ttl = options.ttl;
  return out;
}

// A producer that does not know whether its event arrived sends it again within minutes, not days.
constexpr Duration topic_dedup_window = std::chrono::hours(1);

using Topics = std::map<std::string, TopicDeclaration, std::less<>>;

// Zero is for ever, and longer than anything.
Duration longer(Duration a, Duration b) {
  return a == Duration::zero() || b == Duration::zero() ? Duration::zero() : std::max(a, b);
}

Topics topics_of(const contract::Contract& contract) {
  Topics topics;
  for (const contract::EventType& event : contract.events()) {
    const auto [at, is_new] = topics.try_emplace(event.topic);
    TopicDeclaration& topic = at->second;
    topic.name = event.topic;
    topic.keyed = topic.keyed || event.key.is_set();
    topic.dedup_window = topic_dedup_window;
    topic.keep = is_new ? event.keep : longer(topic.keep, event.keep);
  }
  return topics;
}

// Rpcs of one group agree in all but their retries, says lint; the first one's stand for the group.
void add_group(const contract::SubscribeOptions& options, TopicDeclaration& topic) {
  const auto same = [&](const Consumer& c) { return c.group == options.group; };
  if (std::ranges::any_of(topic.groups, same)) return;
  Consumer group = consumer_of(options.delivery);
  group.name = topic.name;
  group.group = options.group;
  group.keyed = topic.keyed;
  group.from_earliest = options.from_earliest;
  topic.groups.push_back(std::move(group));
}

}  // namespace

RetryPolicy retry_policy(const contract::RetryOptions& options) {
  return {.attempts = options.attempts,
          .first = options.first,
          .max = options.max,
          .fatal = options.fatal,
          .followers_wait = options.followers_wait};
}

Declarations declarations_of(const contract::Contract& contract) {
  Declarations out;
  Topics topics = topics_of(contract);
  for (const contract::Service& service : contract.services()) {
    for (const contract::Method& method : service.methods) {
      if (method.queue) out.queues.push_back(queue_of(method));
      if (method.subscribe) add_group(*method.subscribe, topics.at(method.subscribe->topic));
    }
  }
  for (auto& [name, topic] : topics) {
    std::ranges::sort(topic.groups, {}, &Consumer::group);
    out.topics.push_back(std::move(topic));
  }
  return out;
}

}  // namespace parley::queue
