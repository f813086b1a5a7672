// CloudEvents 1.0, as messages: in HTTP (cloudevents/spec, http-protocol-binding.md and json-format.md), and in one
// piece wherever a producer on a broker writes them so. Attributes that have no field in Message are metadata: the
// extension `x` is `ce-x`. A time that was not said is WallTime().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "queue/message.h"

namespace parley::queue {

// Binary mode (section 3.1): attributes in `ce-` headers, the data as the body. Errors: invalid_argument.
Result<Message> event_from_headers(const Fields& fields, Bytes body);
// Structured mode (section 3.2): one JSON object. Errors: invalid_argument, with the attribute that is wrong.
Result<Message> event_from_json(std::string_view json);
// Batched mode (section 3.3): an array of them.
Result<std::vector<Message>> events_from_json(std::string_view json);

// Whether a message of that content type is a whole event (or several), in whatever format.
bool is_structured(std::string_view content_type);
// Of a message in structured mode (Kafka binding section 3.3, AMQP binding section 3.2): attributes and data of the
// event within it take the message's place. A key that the broker ordered it by stays, and so do other metadata; what
// may stand beside as in binary mode (`ce-x`) is not looked at. Errors: invalid_argument; the message stays as it was.
Result<void> unpack_structured(Message& message);

// RFC 3339, as CloudEvents has it; nothing if it is malformed.
std::optional<WallTime> parse_time(std::string_view text);
std::string format_time(WallTime time);

}  // namespace parley::queue
