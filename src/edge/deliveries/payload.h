// From a delivered message to the request of the rpc that takes it.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "contract/contract.h"
#include "queue/broker.h"

namespace parley::edge::deliveries {

// The payload as wire bytes of `type`: Protobuf is checked, JSON is transcoded (what the contract does not know is
// skipped). Errors: invalid_argument; nothing makes the message right.
Result<Bytes> request_of(const queue::Message& message, const contract::MessageTable& type);

// What the service is told of a delivery: the publisher's metadata, and Parley's own names, which nobody else can have
// put there. Keys and ids that are no printable ASCII are percent-encoded as `grpc-message` is.
Fields metadata_of(const queue::Delivery& delivery, const queue::Source& source);

}  // namespace parley::edge::deliveries
