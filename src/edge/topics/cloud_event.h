// CloudEvents 1.0 over HTTP (cloudevents/spec, http-protocol-binding.md and json-format.md), as messages of the pull
// API and back. Attributes that have no field there are metadata: the extension `x` is `ce-x`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contract/contract.h"
#include "queue/api/messages.h"

namespace parley::edge::topics {

// Binary mode (section 3.1): attributes in `ce-` headers, the data as the body. Errors: invalid_argument.
Result<queue::api::Message> event_from_headers(const Fields& fields, Bytes body);
// Structured mode (section 3.2): one JSON object. Errors: invalid_argument, with the attribute that is wrong.
Result<queue::api::Message> event_from_json(std::string_view json);
// Batched mode (section 3.3): an array of them.
Result<std::vector<queue::api::Message>> events_from_json(std::string_view json);

// One event as a JSON object without line ends. Data whose type `contract` knows is JSON; JSON stays as it is; the rest
// is base64.
void put_event(const queue::api::Message& message, const contract::Contract& contract, std::string& out);

// RFC 3339, as CloudEvents has it; nothing if it is malformed.
std::optional<WallTime> parse_time(std::string_view text);
std::string format_time(WallTime time);

}  // namespace parley::edge::topics
