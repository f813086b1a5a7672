#include "route/local/messages/meant.h"

#include <algorithm>
#include <vector>

#include "base/nearest.h"

namespace parley::route {
namespace {

using Names = std::vector<std::string_view>;

bool has(const Names& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

Names queues_and_topics(const contract::Contract& contract) {
  Names names;
  for (const contract::Service& service : contract.services()) {
    for (const contract::Method& method : service.methods) {
      if (method.queue) names.push_back(std::string_view(method.path).substr(1));
    }
  }
  for (const contract::EventType& event : contract.events()) names.push_back(event.topic);
  return names;
}

Names groups_of(const contract::Contract& contract, std::string_view topic) {
  Names names;
  for (const contract::Service& service : contract.services()) {
    for (const contract::Method& method : service.methods) {
      if (method.subscribe && method.subscribe->topic == topic) names.push_back(method.subscribe->group);
    }
  }
  return names;
}

}  // namespace

Error with_name_meant(const contract::Contract& contract, const queue::Source& source, Error why,
                      std::span<const queue::Source> there) {
  constexpr std::string_view asks = " (did you mean ";
  // A node that keeps the messages for this one may have told it already.
  if (why.code() != Code::not_found || why.message().contains(asks)) return why;
  std::string_view wrong = source.name;
  Names names = queues_and_topics(contract);
  for (const queue::Source& one : there) names.push_back(one.name);
  if (has(names, wrong)) {
    wrong = source.group;
    names = groups_of(contract, source.name);
    for (const queue::Source& one : there) {
      if (one.name == source.name && !one.group.empty()) names.push_back(one.group);
    }
    if (wrong.empty() || has(names, wrong)) return why;
  }
  const auto near = nearest(wrong, names);
  if (!near) return why;
  Error told(why.code(), why.blame(), why.message() + std::string(asks) + "\"" + std::string(*near) + "\"?)");
  for (const ErrorDetail& detail : why.details()) told = std::move(told).with_detail(detail);
  if (why.is_safe_to_retry()) told = std::move(told).safe_to_retry();
  return std::move(told).with_reason(std::string(why.reason()));
}

}  // namespace parley::route
