// Topics.DeleteGroup: a group that nobody consumes any more goes. Most often it is one that no contract declares.
#include <string>

#include "queue/group_errors.h"
#include "route/local/messages/messaging.h"

namespace parley::route {
namespace {

namespace api = queue::api;

// The rpc of the contract that takes from the group; null if none does.
const contract::Method* subscriber(const contract::Contract& contract, const queue::Source& group) {
  for (const contract::Service& service : contract.services()) {
    for (const contract::Method& method : service.methods) {
      if (method.subscribe && method.subscribe->topic == group.name && method.subscribe->group == group.group)
        return &method;
    }
  }
  return nullptr;
}

Task<Result<api::Empty>> delete_group(Messaging& messaging, api::DeleteGroupRequest request) {
  if (request.group.empty()) co_return invalid("`group` is missing");
  const queue::Source group{.name = std::move(request.topic), .group = std::move(request.group)};
  const contract::ContractPtr contract = messaging.user.contract();
  if (const contract::Method* method = subscriber(*contract, group)) {
    co_return fail(queue::group_in_use(
        group, "the contract delivers its events to " + method->path.substr(1) + "; take that rpc out first"));
  }
  auto done = co_await messaging.broker.delete_group(group);
  if (done) co_return api::Empty{};
  if (done.error().code() != Code::not_found) co_return fail(std::move(done).error());
  // What can be deleted is what the contract does not have, so a slip is most likely one of those.
  auto listed = co_await list_sources(messaging.backend);
  const std::vector<queue::Source> there = listed ? std::move(listed->sources) : std::vector<queue::Source>();
  co_return fail(with_name_meant(*contract, group, std::move(done).error(), there));
}

}  // namespace

void add_delete_group(LocalRoute& route, Messaging& messaging) {
  route.unary<api::DeleteGroupRequest, api::Empty>(
      "/parley.Topics/DeleteGroup",
      [m = &messaging](Call&, api::DeleteGroupRequest r) { return delete_group(*m, std::move(r)); });
}

}  // namespace parley::route
