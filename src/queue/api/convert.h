// Between the pull API's messages and the model's (queue/broker.h), both ways; and errors, with their reason, which
// gRPC has no other place for than a google.rpc.ErrorInfo.
#pragma once

#include "base/error.h"
#include "queue/api/messages.h"
#include "queue/broker.h"

namespace parley::queue::api {

// `-bin` metadata is base64 on this side; several values of one name are one, parted by commas.
Message to_api(const queue::Message& message);
// Errors: invalid_argument for a `-bin` value that is not base64.
Result<queue::Message> from_api(Message message);

Delivery to_api(const queue::Delivery& delivery);
Result<queue::Delivery> from_api(Delivery delivery);
Peeked to_api(const queue::Peeked& peeked);
Result<queue::Peeked> from_api(Peeked peeked);
PublishReceipt to_api(const queue::Receipt& receipt);
queue::Receipt from_api(PublishReceipt receipt);
Settlement to_api(const queue::Settlement& settlement);
queue::Settlement from_api(const Settlement& settlement);
QueueStats to_api(const Source& source, const Stats& stats);
Stats from_api(const QueueStats& stats);
From to_api(const queue::From& from);
queue::From from_api(const From& from);
inline Shelf to_api(queue::Shelf shelf) { return static_cast<Shelf>(shelf); }
inline queue::Shelf from_api(Shelf shelf) { return static_cast<queue::Shelf>(shelf); }

Status status_of(const Error& error);
// Whose fault: as an upstream's, unless the code speaks about the request.
Error error_of(const Status& status);

// google.rpc.ErrorInfo with the reason, in the domain "parley".
Error with_reason_detail(Error error);
// Takes the reason back out of the details, where they have it.
Error with_reason_from_details(Error error);

}  // namespace parley::queue::api
