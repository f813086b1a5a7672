#include "edge/topics/topics_edge.h"

#include <algorithm>

#include "call/header_rules.h"
#include "contract/router.h"
#include "contract/text_escape.h"
#include "edge/topics/event_feed.h"
#include "edge/topics/problem.h"
#include "loop/task_group.h"
#include "net/body_reader.h"
#include "queue/api/convert.h"
#include "queue/cloud_event.h"
#include "wire/base64.h"
#include "wire/media_type.h"
#include "wire/percent.h"

namespace parley::edge {
namespace {

namespace api = queue::api;

constexpr std::string_view root = "/topics/";
constexpr std::string_view methods[] = {"GET", "POST"};

Error refused(Code code, std::string_view reason, std::string message) {
  return Error(code, Blame::caller, std::move(message)).with_reason(std::string(reason));
}

void put_receipt(const api::PublishReceipt& receipt, std::string& out) {
  out += "{\"id\":";
  contract::append_json_string(out, receipt.id);
  out += ",\"position\":";
  contract::append_json_string(out, receipt.position);
  out += receipt.duplicate ? ",\"duplicate\":true}" : "}";
}

bool has_attributes(const Fields& fields) {
  for (const Field field : fields) {
    if (field.name.starts_with("ce-")) return true;
  }
  return false;
}

Task<Result<Bytes>> whole_body(net::ServerExchange& exchange, std::size_t most) {
  net::BodyReader reader(exchange, most);
  if (auto open = reader.open(true); !open) co_return fail(std::move(open).error());
  co_return co_await reader.all();
}

Result<void> take_from(const std::string& text, api::From& from) {
  if (text == "earliest") {
    from.earliest = true;
  } else if (text == "latest") {
    from = {};
  } else if (const auto time = queue::parse_time(text)) {
    from.time = time;
  } else if (text.empty() || text.size() > 128 ||
             std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~'; })) {
    return invalid("`from` is earliest, latest, an RFC 3339 time or a position");
  } else {
    from.after = text;
  }
  return {};
}

// `from`, `type` (again and again), `key`; `Last-Event-ID` goes before `from`, because a browser sends both when it
// comes back.
Result<api::TailRequest> tail_of(const net::RequestHead& request, std::string topic) {
  api::TailRequest tail;
  tail.topic = std::move(topic);
  std::string_view rest = request.query();
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    std::string name;
    std::string value;
    if (!wire::decode_query_component(part.substr(0, equals), name) ||
        (equals != std::string_view::npos && !wire::decode_query_component(part.substr(equals + 1), value, false)))
      return invalid("the query has a malformed escape");
    if (name == "from") {
      if (auto taken = take_from(value, tail.from); !taken) return fail(std::move(taken).error());
    } else if (name == "type") {
      tail.types.push_back(std::move(value));
    } else if (name == "key") {
      tail.key = std::move(value);
    } else {
      return invalid("there is no query parameter \"" + name + "\": `from`, `type` and `key` are");
    }
  }
  if (const std::string_view last = request.fields.get("last-event-id"); !last.empty()) {
    tail.from = {};
    if (auto taken = take_from(std::string(last), tail.from); !taken) return fail(std::move(taken).error());
  }
  return tail;
}

bool is_latest(const api::From& from) { return from.after.empty() && !from.time && !from.earliest; }

std::optional<topics::FeedFormat> format_for(const net::RequestHead& request) {
  const wire::Accept accept(request.fields.get("accept"));
  const auto sse = accept.weigh("text/event-stream");
  const auto ndjson = accept.weigh("application/x-ndjson");
  if (sse.quality == 0 && ndjson.quality == 0) return std::nullopt;
  if (sse.named && sse.quality >= ndjson.quality) return topics::FeedFormat::sse;
  return ndjson.quality > 0 ? topics::FeedFormat::ndjson : topics::FeedFormat::sse;
}

// Cancels the call when the client has gone, as long as it lives.
class CancelWithExchange {
 public:
  CancelWithExchange(net::ServerExchange& exchange, Call& call) : exchange_(exchange), call_(call) {
    exchange_.on_broken(
        [](void* self) {
          auto& me = *static_cast<CancelWithExchange*>(self);
          me.call_.cancel(*me.exchange_.broken());
        },
        this);
  }
  CancelWithExchange(const CancelWithExchange&) = delete;
  CancelWithExchange& operator=(const CancelWithExchange&) = delete;
  ~CancelWithExchange() { exchange_.on_broken(nullptr, nullptr); }

 private:
  net::ServerExchange& exchange_;
  Call& call_;
};

const contract::Method& method_of(const Front& front, std::string_view path) { return *front.contract()->find(path); }

}  // namespace

bool TopicsEdge::takes(const net::RequestHead& request) const {
  const std::string_view path = request.path();
  if (!path.starts_with(root) || path.size() == root.size() || path.find('/', root.size()) != std::string_view::npos)
    return false;
  const contract::ContractPtr contract = user_.contract();
  return contract->router().allowed(path).empty() && contract->find(path) == nullptr;
}

Result<void> TopicsEdge::set_up(Call& call, const net::ServerExchange& exchange) const {
  for (const Field field : exchange.request().fields) {
    if (!passes(field.name, Direction::request) || field.name.starts_with("ce-")) continue;
    if (!wire::is_bin(field.name)) {
      call.metadata.add(field.name, field.value);
    } else if (!wire::add_bin_decoded(call.metadata, field.name, field.value)) {
      return invalid("header " + std::string(field.name) + ": not base64");
    }
  }
  call.caller.address = exchange.peer().address;
  call.caller.subject = exchange.peer().subject;
  return {};
}

void TopicsEdge::answer_json(net::ServerExchange& exchange, int status, std::string_view type, std::string json,
                             const Fields& extra) const {
  if (exchange.has_responded() || exchange.broken()) return;
  net::ResponseHead head{.status = status, .fields = {}};
  head.fields.add("content-type", type);
  head.fields.add("content-length", std::to_string(json.size()));
  if (status == 405) head.fields.add("allow", "GET, POST");
  for (const Field field : extra) head.fields.add(field.name, field.value);
  if (options_.cors) options_.cors->permit(exchange.request(), head.fields);
  exchange.respond(std::move(head));
  exchange.response_body().push(Bytes(std::move(json)));
  exchange.finish();
}

void TopicsEdge::refuse(net::ServerExchange& exchange, const Error& why, bool counted) const {
  const std::string_view path = exchange.request().path();
  if (!counted) user_.refused({.edge = "topics", .path = path, .caller = exchange.peer().address, .why = why});
  std::string problem;
  topics::put_problem(why, path, problem);
  Fields extra;
  if (why.reason() == "unsupported_encoding") extra.add("accept-encoding", net::accepted_encodings);
  answer_json(exchange, topics::http_status(why), "application/problem+json", std::move(problem), extra);
}

Task<void> TopicsEdge::serve(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  const std::vector<std::string> allowed(std::begin(methods), std::end(methods));
  if (options_.cors) {
    if (auto head = options_.cors->preflight(request, allowed)) {
      exchange.respond(*std::move(head));
      exchange.finish();
      co_return;
    }
  }
  std::string topic;
  if (!wire::decode_query_component(request.path().substr(root.size()), topic, false)) {
    co_return refuse(exchange, invalid("the path has a malformed escape").error(), false);
  }
  if (request.method == "POST") co_return co_await publish(exchange, std::move(topic));
  if (request.method == "GET") co_return co_await read(exchange, std::move(topic));
  refuse(exchange, refused(Code::unimplemented, "method_not_allowed", "a topic is read by GET and written by POST"),
         false);
}

Task<void> TopicsEdge::publish(net::ServerExchange& exchange, std::string topic) {
  auto body = co_await whole_body(exchange, options_.max_message);
  if (!body) co_return refuse(exchange, body.error(), false);
  const auto type = wire::parse_media_type(exchange.request().fields.get("content-type"));
  if (type && type->essence == "application/cloudevents-batch+json")
    co_return co_await publish_batch(exchange, std::move(topic), std::move(*body));
  co_await publish_one(exchange, std::move(topic), std::move(*body));
}

Task<void> TopicsEdge::publish_one(net::ServerExchange& exchange, std::string topic, Bytes body) {
  const Fields& fields = exchange.request().fields;
  const auto type = wire::parse_media_type(fields.get("content-type"));
  const bool structured = type && type->essence.starts_with("application/cloudevents");
  if (structured && type->essence != "application/cloudevents+json") {
    co_return refuse(exchange,
                     refused(Code::invalid_argument, "unsupported_media_type",
                             "events are JSON (application/cloudevents+json), not " + type->essence),
                     false);
  }
  if (!structured && !has_attributes(fields)) {
    co_return refuse(exchange,
                     refused(Code::invalid_argument, "malformed_event",
                             "no CloudEvent: it is application/cloudevents+json (several: cloudevents-batch+json), or "
                             "has headers ce-specversion, ce-id, ce-source and ce-type"),
                     false);
  }
  auto message = structured ? queue::event_from_json(body.view()) : queue::event_from_headers(fields, std::move(body));
  if (!message) co_return refuse(exchange, message.error(), false);

  const api::PublishEventRequest request{.topic = std::move(topic), .message = api::to_api(*message)};
  auto reply = co_await call(exchange, "/parley.Topics/Publish", Bytes(api::to_wire(request)));
  if (!reply) co_return;
  std::string json;
  put_receipt(*api::from_wire<api::PublishReceipt>(reply->view()), json);
  answer_json(exchange, 200, "application/json", std::move(json));
}

// In one call: all of them pass the door before the first one is stored, and are stored together where the backend can.
Task<void> TopicsEdge::publish_batch(net::ServerExchange& exchange, std::string topic, Bytes body) {
  auto messages = queue::events_from_json(body.view());
  if (!messages) co_return refuse(exchange, messages.error(), false);
  api::PublishBatchRequest request{.topic = std::move(topic), .events = {}};
  for (const queue::Message& message : *messages)
    request.events.push_back({.message = api::to_api(message), .dedup_key = {}});
  auto reply = co_await call(exchange, "/parley.Topics/PublishBatch", Bytes(api::to_wire(request)));
  if (!reply) co_return;
  const auto response = api::from_wire<api::PublishBatchResponse>(reply->view());
  std::string json = "[";
  for (const api::PublishReceipt& receipt : response->receipts) {
    if (json.size() > 1) json += ',';
    put_receipt(receipt, json);
  }
  answer_json(exchange, 200, "application/json", json + "]");
}

// A unary call to its end. Nothing: it failed, and the exchange is answered.
Task<std::optional<Bytes>> TopicsEdge::call(net::ServerExchange& exchange, std::string_view path, Bytes request) {
  Call call(api_.contract(), method_of(api_, path), "topics");
  if (auto set = set_up(call, exchange); !set) {
    refuse(exchange, set.error(), false);
    co_return std::nullopt;
  }
  const CancelWithExchange cancel(exchange, call);
  call.requests.push(std::move(request));
  call.requests.end();
  const HandlerPtr handler = api_.handler(call.method());
  call.replies.set_limit(std::size_t{64} << 20);  // it is read only at the end
  co_await answer(*handler, call);
  if (call.status() != nullptr) {
    refuse(exchange, *call.status());
    co_return std::nullopt;
  }
  auto reply = co_await call.replies.read();
  co_return reply && *reply ? **std::move(reply) : Bytes();
}

Task<bool> TopicsEdge::fix_latest(net::ServerExchange& exchange, std::string topic, api::From& from) {
  api::ReadTopicRequest look;
  look.topic = std::move(topic);
  look.max_messages = 1;
  auto reply = co_await call(exchange, "/parley.Topics/Read", Bytes(api::to_wire(look)));
  if (!reply) co_return false;
  from.after = api::from_wire<api::ReadTopicResponse>(reply->view())->next;
  from.earliest = from.after.empty();  // there is no event yet
  co_return true;
}

Task<void> TopicsEdge::read(net::ServerExchange& exchange, std::string topic) {
  const auto format = format_for(exchange.request());
  if (!format) {
    co_return refuse(exchange,
                     refused(Code::invalid_argument, "not_acceptable",
                             "a topic is read as text/event-stream or application/x-ndjson"),
                     false);
  }
  auto tail = tail_of(exchange.request(), std::move(topic));
  if (!tail) co_return refuse(exchange, tail.error(), false);
  // A browser that is cut off before its first event has nothing to say when it comes back: it is told where it began,
  // or it would miss what came meanwhile.
  std::string begins;
  if (*format == topics::FeedFormat::sse && is_latest(tail->from)) {
    if (!co_await fix_latest(exchange, tail->topic, tail->from)) co_return;
    begins = tail->from.earliest ? "earliest" : tail->from.after;
  }
  Call call(api_.contract(), method_of(api_, "/parley.Topics/Tail"), "topics");
  if (auto set = set_up(call, exchange); !set) co_return refuse(exchange, set.error(), false);
  const CancelWithExchange cancel(exchange, call);
  call.requests.push(Bytes(api::to_wire(*tail)));
  call.requests.end();
  const HandlerPtr handler = api_.handler(call.method());
  TaskGroup answering;
  answering.spawn(answer(*handler, call));
  // Until then it can still be another status than 200.
  co_await call.wait_headers();
  if (call.is_finished() && call.status() != nullptr && call.replies.count() == 0) {
    refuse(exchange, *call.status());
  } else if (!exchange.broken()) {
    topics::EventFeed feed(exchange, call, user_.contract(), options_, *format);
    co_await feed.run(std::move(begins));
  }
  if (!call.is_finished()) call.cancel(refused(Code::cancelled, "client_gone", "the reader has gone"));
  co_await answering.join();
}

}  // namespace parley::edge
