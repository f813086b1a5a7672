// Envelope: a message as SQS carries it, so that other users of SQS can read and write it too.
//
//   body               the payload where it is text by its content type; else base64 of it (parley_encoding says which)
//   ce_specversion …   CloudEvents attributes: ce_id, ce_source, ce_type, ce_time, ce_partitionkey
//   content_type
//   parley_metadata    JSON object: name to value, or to a list of values
//   parley_state       JSON object: what else has to travel with it: due, expires, attempts; reason and since of dead
//                      letters; and attributes that SQS would refuse, for it takes XML's characters only
//
// Ten attributes are all that SQS takes. A message without them is a plain producer's: see decode().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "queue/message.h"
#include "queue/sqs/reply.h"

namespace parley::queue::sqs {

struct Envelope {
  Message message;
  std::optional<WallTime> due;
  std::optional<WallTime> expires;
  int attempts = 0;  // that were made before it became this message of SQS
  // Dead letters.
  std::string reason;
  std::optional<WallTime> since;
};

// When SQS took it, by its clock; milliseconds since 1970.
std::int64_t sent_at(const Received& received);
// Of that time and SQS' id, so that positions sort as time does. Told of what was received only: SQS does not say when
// it takes a message.
Position position_of(const Received& received);

struct Encoded {
  std::string members;    // `"MessageBody":…,"MessageAttributes":{…}`
  std::size_t bytes = 0;  // what counts against SQS' limit of a message
};
// A producer may have filled a message up: there is no room for more then. `brief`: what delivering it needs, the
// beginning of the reason, no metadata. `none`: the body, as a plain producer's.
enum class Detail : std::uint8_t { all, brief, none };
Encoded encode(const Envelope& envelope, Detail detail = Detail::all);

struct Decoded {
  Envelope envelope;
  std::optional<Error> malformed;  // its own attributes do not fit together; `message` has what could be read
};
// Of a plain producer: id and time are those of SQS, key is the group's, other attributes are metadata; the body is the
// payload, of type application/json where `content_type` does not say otherwise, and base64 of it if that says
// application/protobuf, for SQS carries no bytes.
Decoded decode(const Received& received);

// The message group of a FIFO queue: the key, or a digest of it where SQS would refuse it (ce_partitionkey has it
// whole); without a key, a group of the message's own. The same for deduplication ids.
std::string group_id(std::string_view key, std::string_view otherwise);

// Whether SQS takes it: XML 1.0's characters in UTF-8, at least one.
bool is_sqs_text(std::string_view text);

}  // namespace parley::queue::sqs
