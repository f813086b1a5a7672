// Admin: a group goes: its queue with the binding, those beside it, the records of attempts, its entry in the
// catalogue. The entry last: by it the group is known until all of it is gone. NAME.paused first: without it a group is
// not complete, and one that is declared again is filled like a new one.
#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "queue/group_errors.h"
#include "queue/rabbitmq/admin.h"
#include "queue/rabbitmq/names.h"

namespace parley::queue::rabbitmq {
namespace {

constexpr int channel = 1;
constexpr Duration leaving = std::chrono::seconds(2);  // until RabbitMQ counts a consumer no more that has ended
constexpr Duration look_again = std::chrono::milliseconds(50);

}  // namespace

Result<void> Admin::delete_group(const Source& group) {
  auto c = connected();
  if (!c) return fail(c.error());
  auto there = has_group(**c, group);
  if (!there) return fail(there.error());
  if (!*there) return fail(no_such_group(group));
  if (const std::string user = others_.consumer.leave(group); !user.empty()) return fail(group_in_use(group, user));
  const std::string queue = names::queue(group);
  const Instant until = Clock::now() + leaving;
  auto consumers = (*c)->consumers(channel, queue);
  while (consumers && *consumers > 0 && Clock::now() < until) {
    std::this_thread::sleep_for(look_again);
    consumers = (*c)->consumers(channel, queue);
  }
  if (consumers && *consumers > 0) {
    return fail(group_in_use(group, fmt::format("{} of RabbitMQ's consumers take from {}: another node, or a client of "
                                                "RabbitMQ's",
                                                *consumers, queue)));
  }
  // A group that reads by itself has no such queue.
  if (!consumers && consumers.error().code() != Code::not_found) return fail(consumers.error());
  if (auto gone = delete_queues(**c, group); !gone) return gone;
  unbound_.erase({group.name, group.group});
  others_.attempts.forget_all(queue);
  others_.attempts.forget_all(names::dead(group));
  return forget(**c, {Known::Kind::group, group.name, group.group});
}

Result<bool> Admin::has_group(Connection& c, const Source& group) {
  auto topic = exists(c, names::log(group.name));
  if (!topic) return fail(topic.error());
  if (!*topic) {
    return fail(Error(Code::not_found, Blame::caller, fmt::format("RabbitMQ has no topic {} of ours", group.name)));
  }
  auto known = list();
  if (!known) return fail(known.error());
  if (std::ranges::find(*known, Known{Known::Kind::group, group.name, group.group}) != known->end()) return true;
  auto delivered = exists(c, names::paused(group));
  if (!delivered || *delivered) return delivered;
  return exists(c, names::place(group));
}

Result<void> Admin::delete_queues(Connection& c, const Source& group) {
  for (const std::string& queue : {names::paused(group), names::queue(group)}) {
    if (auto gone = c.delete_queue(channel, queue); !gone) return gone;
  }
  if (auto made = put_sink(c, group); !made) return made;
  for (const std::string& queue : {names::dead(group), names::returned(group), names::place(group)}) {
    if (auto gone = c.delete_queue(channel, queue); !gone) return gone;
  }
  return {};
}

}  // namespace parley::queue::rabbitmq
