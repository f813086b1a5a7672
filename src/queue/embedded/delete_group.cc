// A topic's group goes. One record: what it had may be millions of messages, but they are a few ranges of the view.
#include <fmt/format.h>

#include "queue/embedded/ops.h"
#include "queue/group_errors.h"

namespace parley::queue::embedded {
namespace {

// Who takes from it; "" if nobody does.
std::string user_of(const GroupState& state, Millis now) {
  if (!state.waiters.empty())
    return fmt::format(
        "{} for its messages (parley.Queues)",
        state.waiters.size() == 1 ? "a consumer waits" : fmt::format("{} consumers wait", state.waiters.size()));
  const auto& leases = state.open().leases();
  if (leases.empty()) return {};
  return fmt::format(
      "{} of its messages {} leased, the last one for {} s more; they are settled before, or moving the group takes "
      "them back",
      leases.size(), leases.size() == 1 ? "is" : "are", (leases.rbegin()->first - now + 999) / 1'000);
}

}  // namespace

Op::Step DeleteGroupOp::run(Model& model, store::Group& group) {
  const auto did = [&]() -> Result<void> {
    const Result<Channel*> channel = model.channel(source.name);
    if (!channel) return fail(channel.error());
    const auto at = (*channel)->groups.find(source.group);
    if (!(*channel)->log.options.topic || at == (*channel)->groups.end()) return fail(no_such_group(source));
    if (const std::string user = user_of(*at->second, millis(group.time())); !user.empty())
      return fail(group_in_use(source, user));
    auto added = model.add(group, GroupDeleted{.group = at->second->id()});
    return added ? Result<void>() : fail(refused(added.error()));
  }();
  if (!did) error = did.error();
  return Step::complete;
}

}  // namespace parley::queue::embedded
