#include "route/local/messages/event_streams.h"

#include "contract/event_service.h"
#include "contract/transcode.h"
#include "wire/media_type.h"

namespace parley::route {
namespace {

namespace api = queue::api;

// The messages of contract/event_service.cc.
struct EventsRequest {
  api::From from;
  std::string key;
  static void each(auto& self, auto visit) {
    visit(contract::EventsRequestField::after, self.from.after);
    visit(contract::EventsRequestField::time, self.from.time);
    visit(contract::EventsRequestField::earliest, self.from.earliest);
    visit(contract::EventsRequestField::key, self.key);
  }
};
struct ShownEvent {
  std::string position, id, source;
  std::optional<WallTime> time;
  std::string key;
  api::Raw event;
  static void each(auto& self, auto visit) {
    visit(contract::EventField::position, self.position);
    visit(contract::EventField::id, self.id);
    visit(contract::EventField::source, self.source);
    visit(contract::EventField::time, self.time);
    visit(contract::EventField::key, self.key);
    visit(contract::EventField::event, self.event);
  }
};

// One slice of a read: small enough that a slow reader holds little.
constexpr int slice_messages = 100;
constexpr std::size_t slice_bytes = 256 << 10;

const contract::EventType* type_of(const Call& call) {
  const contract::FieldTable* field = call.method().output->by_number(contract::EventField::event);
  return field == nullptr ? nullptr : call.contract().find_event(field->message->full_name());
}

// The event as wire bytes; a plain producer may have written JSON. Nothing where it is not of its type: that is for
// who consumes it to see, and would end this stream for good.
std::optional<std::string> wire_of(const contract::EventType& type, const queue::Message& message) {
  const auto media = wire::parse_media_type(message.content_type);
  if (!media || !media->is_json()) {
    if (!contract::validate_wire(*type.table, message.payload.view())) return std::nullopt;
    return std::string(message.payload.view());
  }
  std::string wire;
  contract::JsonOptions lenient;
  lenient.ignore_unknown = true;
  if (!contract::json_to_wire(*type.table, message.payload.view(), wire, lenient)) return std::nullopt;
  return wire;
}

}  // namespace

Task<Result<void>> EventStreams::handle(Call& call) {
  auto first = co_await call.requests.read();
  if (!first) co_return fail(std::move(first).error());
  if (!*first) co_return invalid("the call has no request message");
  const auto request = api::from_wire<EventsRequest>((*first)->view());
  if (!request) co_return fail(request.error());
  const contract::EventType* type = type_of(call);
  if (type == nullptr) co_return fail(Error(Code::internal, Blame::us, "the rpc has no event type"));
  queue::ReadRequest wanted{.topic = type->topic,
                            .from = api::from_api(request->from),
                            .max_messages = slice_messages,
                            .max_bytes = slice_bytes};
  Duration wait{};  // the first look tells whether the topic is there
  while (!messaging_.draining) {
    auto events = co_await read_for(messaging_, call, wanted, wait);
    if (!events) co_return fail(std::move(events).error());
    wait = max_wait;
    call.headers_complete();
    for (const queue::Event& event : events->events) {
      const queue::Message& message = event.message;
      if (message.type != type->type || (!request->key.empty() && message.key != request->key)) continue;
      auto wire = wire_of(*type, message);
      if (!wire) continue;
      const ShownEvent shown{.position = event.position,
                             .id = message.id,
                             .source = message.source,
                             .time = message.time,
                             .key = message.key,
                             .event = {.wire = std::move(*wire)}};
      // Waits while the reader is slow: nothing is read ahead.
      if (auto sent = co_await call.replies.write(Bytes(api::to_wire(shown))); !sent) co_return sent;
    }
    wanted.from = {.kind = queue::From::Kind::after, .time = {}, .position = events->next};
  }
  co_return fail(Error(Code::unavailable, Blame::us, "the node is about to stop").with_reason("draining"));
}

}  // namespace parley::route
