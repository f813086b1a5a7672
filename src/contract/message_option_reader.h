// Reads the options of queues, subscriptions and events. What is wrong with them lint says (lint_options.cc); here the
// default stands in its place.
#pragma once

#include <optional>
#include <vector>

#include "contract/message_options.h"
#include "contract/options.h"

namespace parley::contract {

std::optional<QueueOptions> queue_options(const google::protobuf::MethodDescriptor& method, OptionReader& options);
std::optional<SubscribeOptions> subscribe_options(const google::protobuf::MethodDescriptor& method,
                                                  OptionReader& options);
// All of these files', by topic and then by name.
std::vector<EventType> event_types(const std::vector<const google::protobuf::FileDescriptor*>& files,
                                   OptionReader& options);

}  // namespace parley::contract
