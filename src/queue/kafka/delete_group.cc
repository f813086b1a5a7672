// Core: a group goes: the consumer group with its offsets, its two topics, its notes. In this order: the first may be
// refused, and by the last it is known until all of it is gone.
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "queue/group_errors.h"
#include "queue/kafka/answer.h"
#include "queue/kafka/core.h"

namespace parley::queue::kafka {
namespace {

constexpr Duration in_hand = std::chrono::milliseconds(50);  // a shard that has found the member and not asked yet
constexpr Duration leaving = std::chrono::seconds(5);        // until Kafka knows that a member has left
constexpr Duration look_again = std::chrono::milliseconds(10);

}  // namespace

Result<void> Core::delete_group(const Source& group) {
  if (auto there = check_topic(group.name); !there) return there;
  if (auto opened = notes_.open(); !opened) return opened;
  const Names n = names(group);
  const std::string noted = "source " + note_name(group);
  auto progress = admin_.progress(n.group, n.log);
  if (!progress) return fail(progress.error());
  if (!notes_.get(noted) && progress->empty()) return fail(no_such_group(group));
  const std::lock_guard making(making_);  // nobody joins meanwhile, here
  auto left = leave(group);
  if (!left) return fail(left.error());
  if (auto gone = delete_consumer_group(group, *left); !gone) return gone;
  if (auto gone = admin_.delete_topics({n.retry, n.dead}); !gone) return gone;
  if (auto gone = notes_.put("paused " + note_name(group), std::nullopt); !gone) return gone;
  for (const auto& [key, value] : notes_.all("taken " + note_name(group) + " ")) {
    if (auto gone = notes_.put(key, std::nullopt); !gone) return gone;
  }
  return notes_.put(noted, std::nullopt);
}

// A member stays in its group for a minute after the last question for messages.
Result<bool> Core::leave(const Source& group) {
  auto member = find_member(group);
  if (!member) return false;
  Answer<Holding> looked;
  member->look(false, looked.report());
  auto holding = looked.get();
  if (!holding) return fail(holding.error());
  if (holding->waiting > 0) return fail(group_in_use(group, "a consumer of this node waits for its messages"));
  if (holding->leased > 0)
    return fail(group_in_use(group, fmt::format("{} of its messages are leased by this node", holding->leased)));
  const std::pair key(group.name, group.group);
  {
    const std::lock_guard lock(lock_);
    members_.erase(key);
  }
  const Instant until = Clock::now() + in_hand;
  while (member.use_count() > 1 && Clock::now() < until) std::this_thread::sleep_for(look_again);
  if (member.use_count() > 1) {
    const std::lock_guard lock(lock_);
    members_[key] = std::move(member);
    return fail(group_in_use(group, "a consumer of this node has just asked for its messages"));
  }
  return true;  // and the last of it goes here
}

Result<void> Core::delete_consumer_group(const Source& group, bool was_in_it) {
  const std::string name = names(group).group;
  const Instant until = Clock::now() + (was_in_it ? leaving : Duration::zero());
  auto gone = admin_.delete_group(name);
  while (!gone && gone.error().reason() == "group_in_use" && Clock::now() < until) {
    std::this_thread::sleep_for(look_again * 10);
    gone = admin_.delete_group(name);
  }
  if (gone || gone.error().reason() != "group_in_use") return gone;
  const auto members = admin_.members_of(name);
  const std::string who = members && !members->empty() ? fmt::format("{}", fmt::join(*members, ", ")) : "others";
  return fail(group_in_use(group, fmt::format("Kafka has members of {}: {}. A node leaves a minute after nobody has "
                                              "asked it for messages",
                                              name, who)));
}

}  // namespace parley::queue::kafka
