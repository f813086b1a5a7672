#include "route/queue/queue_route.h"

#include <algorithm>

#include "base/fail_point.h"
#include "call/header_rules.h"
#include "contract/lint_keys.h"
#include "contract/transcode.h"
#include "contract/well_known.h"
#include "contract/wire_records.h"
#include "queue/declarations_of.h"
#include "queue/message_id.h"

namespace parley::route {
namespace {

constexpr std::string_view delay_name = "parley-delay";
constexpr std::string_view due_name = "parley-due";
// The last that a google.protobuf.Timestamp has: whoever looks at the message is shown its due time as one.
constexpr WallTime latest = WallTime(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31)) + std::chrono::days(1) -
                            std::chrono::milliseconds(1);

// Of a caller's metadata, what is not stored: credentials, which would lie on disks and in dead letters long after they
// were of use, and what belongs to this one exchange or says when it is to be carried out.
constexpr std::string_view not_stored[] = {
    "authorization", "cache-control", "cookie",    "if-match",     "last-event-id", "origin",
    "parley-delay",  "parley-due",    "pragma",    "priority",     "referer",       "traceparent",
    "user-agent",    "via",           "x-api-key", "x-auth-token", "x-csrf-token",  "x-xsrf-token",
};

Fields metadata_of(const Call& call) {
  Fields out;
  for (const Field field : call.metadata) {
    if (!passes(field.name, Direction::request) || std::ranges::binary_search(not_stored, field.name)) continue;
    out.add(field.name, field.value);
  }
  // The delivery is a child of this call's span.
  const std::string_view trace = call.trace.is_set ? call.trace.traceparent() : call.metadata.get("traceparent");
  if (!trace.empty()) out.add("traceparent", trace);
  return out;
}

Result<WallTime> time_of(std::string_view text) {
  contract::SecondsNanos time;
  if (const std::string wrong = contract::get_timestamp(text, time); !wrong.empty())
    return invalid(std::string(due_name) + ": " + wrong);
  return WallTime(std::chrono::seconds(time.seconds) + std::chrono::milliseconds(time.nanos / 1'000'000));
}

// What (parley.queue)'s comment promises of metadata.
Result<std::optional<WallTime>> due_of(const Fields& metadata, WallTime now) {
  const auto delay = metadata.find(delay_name);
  const auto due = metadata.find(due_name);
  if (delay && due) return invalid("parley-delay and parley-due say the same thing: give one of them");
  if (due) return time_of(*due);
  if (!delay) return std::nullopt;
  const auto ms = contract::parse_duration(*delay);
  if (!ms)
    return invalid("parley-delay: expected a number and ms, s, m, h or d, such as 10m, got \"" + std::string(*delay) +
                   "\"");
  if (std::chrono::milliseconds(*ms) > latest - now)
    return invalid("parley-delay: \"" + std::string(*delay) + "\" from now is beyond the year 9999");
  return now + std::chrono::milliseconds(*ms);
}

// A value that cannot be told from none names no call.
std::string dedup_of(const contract::ScalarPath& field, std::string_view wire) {
  const auto text = field.read(wire);
  return text && !field.is_default(*text) ? *text : "";
}

Task<Result<Bytes>> read_only_request(Call& call) {
  auto request = co_await call.requests.read();
  if (!request) co_return fail(std::move(request).error());
  auto more = co_await call.requests.read();
  if (!more) co_return fail(std::move(more).error());
  if (!*request || *more)
    co_return fail(Error(Code::unimplemented, Blame::caller, "the rpc takes one message").with_reason("message_count"));
  co_return std::move(**request);
}

void put_varint_field(std::string& wire, std::uint32_t number, std::uint64_t value) {
  if (value == 0) return;
  wire += static_cast<char>(number << 3U);
  char bytes[contract::max_varint_size];
  wire.append(bytes, contract::put_varint(bytes, value));
}
void put_text_field(std::string& wire, std::uint32_t number, std::string_view text) {
  if (!text.empty()) contract::append_record(wire, number, text);
}

}  // namespace

Result<queue::Publish> publish_of(const Call& call, Bytes request, WallTime now) {
  const contract::Method& method = call.method();
  if (auto valid = contract::validate_wire(*method.input, request.view()); !valid)
    return fail(std::move(valid).error());
  auto due = due_of(call.metadata, now);
  if (!due) return fail(std::move(due).error());
  queue::Publish out;
  out.to = queue::queue_name(method);
  out.due = *due;
  if (method.queue->dedup.is_set()) out.dedup = dedup_of(method.queue->dedup, request.view());
  queue::Message& message = out.message;
  if (method.queue->key.is_set()) message.key = method.queue->key.read(request.view()).value_or("");
  message.id = queue::new_message_id(now);
  message.source = method.path;
  message.type = method.input->full_name();
  message.content_type = "application/protobuf";
  message.time = now;
  message.payload = std::move(request);
  message.metadata = metadata_of(call);
  return out;
}

std::string receipt_wire(const queue::Receipt& receipt, std::string_view queue, std::string_view key, WallTime now) {
  const auto ms = now.time_since_epoch().count();
  std::string time;
  put_varint_field(time, 1, static_cast<std::uint64_t>(ms / 1000));
  put_varint_field(time, 2, static_cast<std::uint64_t>(ms % 1000 * 1'000'000));
  std::string wire;
  put_text_field(wire, 1, receipt.id);
  put_text_field(wire, 2, queue);
  put_text_field(wire, 3, key);
  contract::append_record(wire, 4, time);
  put_varint_field(wire, 5, receipt.duplicate ? 1 : 0);
  put_text_field(wire, 6, receipt.position);
  return wire;
}

std::string location_of(std::string_view queue, const queue::Position& position) {
  if (position.empty()) return "";
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out = "/parley/queues/" + std::string(queue) + "/messages/";
  for (const char c : position) {
    // RFC 3986 section 2.3.
    const bool unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', hex[byte >> 4U], hex[byte & 15U]});
  }
  return out;
}

Task<Result<void>> QueueRoute::handle(Call& call) {
  auto request = co_await read_only_request(call);
  if (!request) co_return fail(std::move(request).error());
  auto publish = publish_of(call, *std::move(request), clock_.now());
  if (!publish) co_return fail(std::move(publish).error());
  const std::string key = publish->message.key;
  call.set_deadline_text(
      "the deadline passed while the call was being stored: it may be stored, or not; where the queue has a dedup "
      "field, send it again");
  auto receipt = co_await broker_.publish(*std::move(publish));
  if (!receipt) co_return fail(std::move(receipt).error());
  fail_point("publish_stored");
  const std::string_view queue = queue::queue_name(call.method());
  call.accepted = location_of(queue, receipt->position);
  const bool wants_receipt = call.method().output->full_name() == "parley.Receipt";
  call.replies.push(Bytes(wants_receipt ? receipt_wire(*receipt, queue, key, clock_.now()) : std::string()));
  co_return Result<void>();
}

}  // namespace parley::route
