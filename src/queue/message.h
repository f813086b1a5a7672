// Message: what is published to a queue or a topic, and what is delivered from one. The fields are CloudEvents 1.0
// attributes where CloudEvents has one, so that every backend can carry them as its own users expect (headers, key).
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/fields.h"
#include "base/wall_time.h"

namespace parley::queue {

struct Message {
  std::string id;      // CloudEvents `id`: unique with `source`; kept by retries, redrive and dead letters
  std::string source;  // CloudEvents `source`; who published: "/shop.Mailer/SendMail", or what a producer says
  std::string type;    // the payload's Protobuf name: "shop.Mail"; "" where a plain producer did not say
  std::string key;     // CloudEvents `partitionkey`; messages of equal keys keep their order; "": none is promised
  std::string content_type;  // of the payload; "application/protobuf" unless a plain producer wrote it
  WallTime time{};           // when it was published
  Bytes payload;
  Fields metadata;  // of the call that published it, as far as headers may pass; CloudEvents extensions
};

// Where a message is in a topic, as a backend writes it; what a reader gives back to go on behind it. Text without
// blanks, at most 128 bytes, opaque to all but its backend; "" is before the first. Fits `Last-Event-ID`.
using Position = std::string;

// That a message is durable.
struct Receipt {
  std::string id;          // the message's
  Position position;       // where it is; "" where a backend has none
  bool duplicate = false;  // it was there before (dedup): `id` and `position` are the first one's
};

}  // namespace parley::queue
