#include "queue/api/convert.h"

#include "contract/text_scan.h"
#include "contract/wire_records.h"
#include "wire/base64.h"
#include "wire/percent.h"

namespace parley::queue::api {
namespace {

constexpr std::string_view error_info = "google.rpc.ErrorInfo";
constexpr std::string_view domain = "parley";
constexpr std::string_view any_prefix = "type.googleapis.com/";

// google/rpc/error_details.proto
constexpr std::uint32_t error_info_reason = 1;
constexpr std::uint32_t error_info_domain = 2;
// google/protobuf/any.proto
constexpr std::uint32_t any_type_url = 1;
constexpr std::uint32_t any_value = 2;

static_assert(static_cast<int>(Settlement::Kind::kill) == static_cast<int>(queue::Settlement::Kind::dead));
static_assert(static_cast<int>(Shelf::dead) == static_cast<int>(queue::Shelf::dead));

// Producers on a broker write what they like, and a client would refuse a whole answer for one text that is no UTF-8.
// Bytes are written as a handler's metadata has them.
std::string text(std::string_view of) {
  return contract::is_utf8(of) ? std::string(of) : wire::encode_grpc_message(of);
}

Fields metadata_to_api(const Fields& metadata) {
  Fields out;
  for (const Field field : metadata) {
    if (out.has(field.name) || !contract::is_utf8(field.name)) continue;
    Fields encoded;
    for (const std::string_view value : metadata.all(field.name)) {
      if (wire::is_bin(field.name)) {
        wire::add_bin_encoded(encoded, field.name, value);
      } else {
        encoded.add(field.name, value);
      }
    }
    std::string joined;
    for (const Field each : encoded) joined.append(joined.empty() ? "" : ",").append(each.value);
    out.add(field.name, text(joined));
  }
  return out;
}

Result<Fields> metadata_from_api(const Fields& metadata) {
  Fields out;
  for (const Field field : metadata) {
    if (!wire::is_bin(field.name)) {
      out.add(field.name, field.value);
    } else if (!wire::add_bin_decoded(out, field.name, field.value)) {
      return invalid("the metadata \"" + std::string(field.name) + "\" is not base64");
    }
  }
  return out;
}

Blame blame_of(Code code) {
  switch (code) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::already_exists:
    case Code::permission_denied:
    case Code::failed_precondition:
    case Code::out_of_range:
    case Code::unauthenticated: return Blame::caller;
    default: return Blame::upstream;
  }
}

}  // namespace

Message to_api(const queue::Message& message) {
  Message out{.id = text(message.id),
              .source = text(message.source),
              .type = text(message.type),
              .key = text(message.key),
              .content_type = text(message.content_type),
              .time = {},
              .payload = message.payload,
              .json = {},
              .metadata = metadata_to_api(message.metadata)};
  if (message.time != WallTime()) out.time = message.time;
  return out;
}

Result<queue::Message> from_api(Message message) {
  auto metadata = metadata_from_api(message.metadata);
  if (!metadata) return fail(std::move(metadata).error());
  return queue::Message{.id = std::move(message.id),
                        .source = std::move(message.source),
                        .type = std::move(message.type),
                        .key = std::move(message.key),
                        .content_type = std::move(message.content_type),
                        .time = message.time.value_or(WallTime()),
                        .payload = std::move(message.payload),
                        .metadata = std::move(*metadata)};
}

Delivery to_api(const queue::Delivery& delivery) {
  Delivery out{.message = to_api(delivery.message),
               .position = delivery.position,
               .lease_id = delivery.lease,
               .attempt = delivery.attempt,
               .malformed = {}};
  if (delivery.malformed) out.malformed = status_of(*delivery.malformed);
  return out;
}

Result<queue::Delivery> from_api(Delivery delivery) {
  auto message = from_api(std::move(delivery.message));
  if (!message) return fail(std::move(message).error());
  queue::Delivery out{.message = std::move(*message),
                      .position = std::move(delivery.position),
                      .lease = std::move(delivery.lease_id),
                      .attempt = delivery.attempt,
                      .malformed = {}};
  if (delivery.malformed) out.malformed = error_of(*delivery.malformed);
  return out;
}

Peeked to_api(const queue::Peeked& peeked) {
  return {.message = to_api(peeked.message),
          .position = peeked.position,
          .attempts = peeked.attempts,
          .due_time = peeked.due,
          .reason = text(peeked.reason),
          .dead_time = peeked.since};
}

Result<queue::Peeked> from_api(Peeked peeked) {
  auto message = from_api(std::move(peeked.message));
  if (!message) return fail(std::move(message).error());
  return queue::Peeked{.message = std::move(*message),
                       .position = std::move(peeked.position),
                       .attempts = peeked.attempts,
                       .due = peeked.due_time,
                       .reason = std::move(peeked.reason),
                       .since = peeked.dead_time};
}

PublishReceipt to_api(const queue::Receipt& receipt) {
  return {.id = receipt.id, .position = receipt.position, .duplicate = receipt.duplicate};
}

queue::Receipt from_api(PublishReceipt receipt) {
  return {.id = std::move(receipt.id), .position = std::move(receipt.position), .duplicate = receipt.duplicate};
}

Settlement to_api(const queue::Settlement& settlement) {
  return {.lease_id = {},
          .kind = static_cast<Settlement::Kind>(settlement.kind),
          .delay = settlement.delay,
          .reason = settlement.reason};
}

queue::Settlement from_api(const Settlement& settlement) {
  return {.kind = static_cast<queue::Settlement::Kind>(settlement.kind),
          .delay = settlement.delay,
          .reason = settlement.reason};
}

QueueStats to_api(const Source& source, const Stats& stats) {
  return {.queue = source.name,
          .group = source.group,
          .waiting = stats.waiting,
          .leased = stats.leased,
          .delayed = stats.delayed,
          .dead = stats.dead,
          .oldest_time = stats.oldest,
          .paused = stats.paused,
          .estimated = stats.estimated,
          .held_keys = stats.held_keys};
}

Stats from_api(const QueueStats& stats) {
  return {.waiting = stats.waiting,
          .leased = stats.leased,
          .delayed = stats.delayed,
          .dead = stats.dead,
          .held_keys = stats.held_keys,
          .oldest = stats.oldest_time,
          .paused = stats.paused,
          .estimated = stats.estimated};
}

From to_api(const queue::From& from) {
  From out;
  switch (from.kind) {
    case queue::From::Kind::earliest: out.earliest = true; break;
    case queue::From::Kind::latest: break;
    case queue::From::Kind::time: out.time = from.time; break;
    case queue::From::Kind::after:
      // "" is before the first one.
      out.after = from.position;
      out.earliest = from.position.empty();
      break;
  }
  return out;
}

queue::From from_api(const From& from) {
  using Kind = queue::From::Kind;
  if (!from.after.empty()) return {.kind = Kind::after, .time = {}, .position = from.after};
  if (from.time) return {.kind = Kind::time, .time = *from.time, .position = {}};
  return {.kind = from.earliest ? Kind::earliest : Kind::latest, .time = {}, .position = {}};
}

Error with_reason_detail(Error error) {
  for (const ErrorDetail& detail : error.details()) {
    if (detail.type == error_info) return error;
  }
  std::string info;
  contract::append_record(info, error_info_reason, error.reason());
  contract::append_record(info, error_info_domain, domain);
  return std::move(error).with_detail({.type = std::string(error_info), .value = std::move(info)});
}

Error with_reason_from_details(Error error) {
  for (const ErrorDetail& detail : error.details()) {
    if (detail.type != error_info) continue;
    std::string reason;
    bool ours = false;
    contract::WireRecords records(detail.value);
    while (records.next()) {
      if (records.number == error_info_reason) reason = records.content;
      if (records.number == error_info_domain) ours = records.content == domain;
    }
    if (ours && !reason.empty()) return std::move(error).with_reason(std::move(reason));
  }
  return error;
}

Status status_of(const Error& error) {
  const Error full = with_reason_detail(error);
  Status status{.code = static_cast<std::int32_t>(full.code()), .message = text(full.message()), .details = {}};
  for (const ErrorDetail& detail : full.details()) {
    Raw any;
    contract::append_record(any.wire, any_type_url, std::string(any_prefix) + detail.type);
    contract::append_record(any.wire, any_value, detail.value);
    status.details.push_back(std::move(any));
  }
  return status;
}

Error error_of(const Status& status) {
  const Code code = code_from_number(status.code);
  Error error(code, blame_of(code), status.message);
  for (const Raw& any : status.details) {
    ErrorDetail detail;
    contract::WireRecords records(any.wire);
    while (records.next()) {
      if (records.number == any_type_url) detail.type = records.content.substr(records.content.rfind('/') + 1);
      if (records.number == any_value) detail.value = records.content;
    }
    error = std::move(error).with_detail(std::move(detail));
  }
  return with_reason_from_details(std::move(error));
}

}  // namespace parley::queue::api
