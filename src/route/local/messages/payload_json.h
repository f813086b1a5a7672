// The payload for people: google.protobuf.Value in place of wire bytes, where the contract knows the type.
#pragma once

#include "contract/contract.h"
#include "queue/api/messages.h"

namespace parley::route {

// `api` is the contract that has google.protobuf.Value (Parley's own); `user` the one that has the payloads' types.
// Leaves the message as it was where its type is not known, or its payload is not of that type.
void show_json(const contract::Contract& api, const contract::Contract& user, queue::api::Message& message);

// Turns `json`, if it is there, into `payload` as JSON text, which the door transcodes. Errors: invalid_argument where
// there is a payload too.
Result<void> take_json(const contract::Contract& api, queue::api::Message& message);

}  // namespace parley::route
