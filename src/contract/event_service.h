// parley.events.Events: a service that Parley makes of a contract's event types, an rpc each, so that topics can be
// followed by whatever shows server streams: GraphQL subscriptions, WebSockets, gRPC.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "contract/message_options.h"

namespace parley::contract {

inline constexpr std::string_view event_service_name = "parley.events.Events";

// Fields of the rpcs' messages.
struct EventsRequestField {
  static constexpr std::uint32_t after = 1, time = 2, earliest = 3, key = 4;
};
struct EventField {
  static constexpr std::uint32_t position = 1, id = 2, source = 3, time = 4, key = 5, event = 6;
};

// The service, built into `pool`, which has the events' types; null where there are none.
const google::protobuf::ServiceDescriptor* build_event_service(const std::vector<EventType>& events,
                                                               google::protobuf::DescriptorPool& pool);
// The text it is built from.
std::string event_service_text(const std::vector<EventType>& events, const google::protobuf::DescriptorPool& pool);

}  // namespace parley::contract
