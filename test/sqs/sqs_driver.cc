// The broker of queue/sqs in a process that tests steer: a line of JSON in for each operation, a line out for what came
// of it, in whatever order they end.
//
//   sqs_driver ADDRESS      {"id":1,"op":"publish","to":"shop.Mailer/SendMail","message":{"id":"a","payload":"aGk="}}
//
// Durations are in milliseconds, payloads in base64. The wall clock can be moved on: {"op":"advance","by":3600000}.
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/base64.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "queue/sqs/json_writer.h"
#include "queue/sqs/settings.h"
#include "queue/sqs/sigv4.h"
#include "queue/sqs/sqs_backend.h"

namespace {

using namespace parley;
using queue::sqs::JsonWriter;
using simdjson::dom::element;

class MovableClock final : public WallClock {
 public:
  WallTime now() const override { return WallClock::now() + std::chrono::milliseconds(ahead.load()); }
  std::atomic<std::int64_t> ahead{0};
};

// One command; keeps its document.
struct Command {
  simdjson::dom::parser parser;
  element root;

  std::string text(std::string_view name, std::string otherwise = "") const {
    std::string_view value;
    return root[name].get(value) == simdjson::SUCCESS ? std::string(value) : otherwise;
  }
  std::int64_t number(std::string_view name, std::int64_t otherwise = 0) const {
    std::int64_t value = 0;
    return root[name].get(value) == simdjson::SUCCESS ? value : otherwise;
  }
  Duration millis(std::string_view name, std::int64_t otherwise = 0) const {
    return std::chrono::milliseconds(number(name, otherwise));
  }
  bool flag(std::string_view name) const {
    bool value = false;
    return root[name].get(value) == simdjson::SUCCESS && value;
  }
  queue::Source source() const { return {.name = text("queue"), .group = text("group")}; }
};
using CommandPtr = std::shared_ptr<Command>;

std::string bytes_of(std::string_view base64) {
  std::string out;
  (void)base64_decode(base64, out);
  return out;
}
std::string text_of(const element& in, std::string_view name) {
  std::string_view value;
  return in[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}
Fields fields_of(const element& pairs) {
  Fields out;
  for (const element pair : pairs.get_array()) {
    out.add(std::string_view(pair.at(0)), std::string_view(pair.at(1)));
  }
  return out;
}

queue::Message message_of(const element& in, WallTime now) {
  queue::Message out;
  out.id = text_of(in, "id");
  out.source = text_of(in, "source");
  out.type = text_of(in, "type");
  out.key = text_of(in, "key");
  out.content_type = text_of(in, "content_type");
  if (out.content_type.empty()) out.content_type = "application/protobuf";
  out.time = now;
  out.payload = Bytes(bytes_of(text_of(in, "payload")));
  element metadata;
  if (in["metadata"].get(metadata) == simdjson::SUCCESS) out.metadata = fields_of(metadata);
  return out;
}

void put_message(JsonWriter& json, const queue::Message& message) {
  std::string payload;
  base64_encode(message.payload.view(), payload);
  json.begin("message").text("id", message.id).text("source", message.source).text("type", message.type);
  json.text("key", message.key).text("content_type", message.content_type).text("payload", payload);
  json.number("time", message.time.time_since_epoch().count()).begin_list("metadata");
  for (const Field field : message.metadata) {
    std::string value;
    base64_encode(field.value, value);
    json.text(field.name).text(value);  // names and values in turn: a name may come twice
  }
  json.end_list().end();
}

std::string error_json(const Error& error) {
  return JsonWriter()
      .begin()
      .text("code", lower_name(error.code()))
      .text("reason", error.reason())
      .text("message", error.message())
      .end()
      .take();
}

class Driver {
 public:
  explicit Driver(queue::sqs::Settings settings) : backend_(queue::sqs::make_backend(std::move(settings), clock_)) {
    broker_ = backend_->open(shard_);
  }

  // Until standard input ends.
  void run() {
    std::thread reader([this] {
      for (std::string line; std::getline(std::cin, line);) shard_.post([this, line] { start(line); });
      shard_.post([this] { ended_ = true; });
    });
    shard_.run_until([this] { return ended_; });
    reader.join();
    if (broker_) run_blocking(shard_, broker_->close());
    run_blocking(shard_, tasks_.join());
  }

 private:
  void start(const std::string& line) {
    auto command = std::make_shared<Command>();
    command->root = command->parser.parse(line);
    const auto at = operations.find(command->text("op"));
    if (at == operations.end()) {
      answer(*command, "error", R"({"code":"unimplemented","reason":"","message":"no such operation"})");
    } else {
      tasks_.spawn((this->*at->second)(std::move(command)));
    }
  }
  static void answer(const Command& command, std::string_view what, std::string_view json) {
    fmt::print("{{\"id\":{},\"{}\":{}}}\n", command.number("id"), what, json);
    std::fflush(stdout);
  }
  template <class T>
  static bool failed(const Command& command, const Result<T>& result) {
    if (!result) answer(command, "error", error_json(result.error()));
    return !result;
  }
  static void done(const Command& command, const Result<void>& result) {
    if (!failed(command, result)) answer(command, "value", "{}");
  }

  // Blocking ones have a thread, as in a node.
  template <class Work>
  Task<void> in_thread(Work work) {
    bool over = false;
    Signal changed;
    std::thread thread([&, this] {
      work();
      shard_.post([&] {
        over = true;
        changed.notify();
      });
    });
    while (!over) co_await changed.wait();
    thread.join();
  }

  static queue::TopicDeclaration topic_of(const element& in) {
    queue::TopicDeclaration out;
    out.name = text_of(in, "name");
    out.keyed = bool(in["keyed"]);
    for (const element each : in["groups"].get_array()) {
      queue::Consumer group;
      group.name = out.name;
      group.group = text_of(each, "group");
      group.keyed = out.keyed;
      group.from_earliest = bool(each["earliest"]);
      out.groups.push_back(std::move(group));
    }
    return out;
  }

  Task<void> declare(CommandPtr command) {
    queue::Declarations wanted;
    for (const element each : command->root["queues"].get_array()) {
      const auto number = [&](std::string_view name, std::int64_t otherwise) {
        std::int64_t value = otherwise;
        if (each[name].get(value) != simdjson::SUCCESS) value = otherwise;
        return value;
      };
      const auto millis = [&](std::string_view name, std::int64_t otherwise) -> Duration {
        return std::chrono::milliseconds(number(name, otherwise));
      };
      queue::QueueDeclaration one;
      one.consumer.name = text_of(each, "name");
      one.consumer.keyed = each["keyed"].error() == simdjson::SUCCESS && bool(each["keyed"]);
      one.consumer.lease = millis("lease", 30'000);
      one.consumer.retry.max = millis("retry_max", 600'000);
      one.consumer.retry.attempts = static_cast<int>(number("attempts", 8));
      one.dedup_window = millis("dedup", 0);
      one.ttl = millis("ttl", 0);
      wanted.queues.push_back(std::move(one));
    }
    element topics;
    if (command->root["topics"].get(topics) == simdjson::SUCCESS) {
      for (const element each : topics.get_array()) wanted.topics.push_back(topic_of(each));
    }
    Result<void> result;
    co_await in_thread([&] { result = backend_->declare(wanted); });
    done(*command, result);
  }

  Task<void> list(CommandPtr command) {
    Result<std::vector<queue::Source>> all;
    co_await in_thread([&] { all = backend_->list(); });
    if (failed(*command, all)) co_return;
    JsonWriter json;
    json.begin().begin_list("queues");
    for (const queue::Source& each : *all) json.text(each.group.empty() ? each.name : each.name + "/" + each.group);
    answer(*command, "value", json.end_list().end().take());
  }

  Task<void> publish(CommandPtr command) {
    queue::Publish request;
    request.to = command->text("queue");
    request.message = message_of(command->root["message"], clock_.now());
    request.dedup = command->text("dedup");
    if (command->number("due_in") != 0)
      request.due = clock_.now() + std::chrono::milliseconds(command->number("due_in"));
    if (command->number("expires_in") != 0)
      request.expires = clock_.now() + std::chrono::milliseconds(command->number("expires_in"));
    const Result<queue::Receipt> receipt = co_await broker_->publish(std::move(request));
    if (failed(*command, receipt)) co_return;
    JsonWriter json;
    json.begin().text("id", receipt->id).text("position", receipt->position);
    answer(*command, "value", json.number("duplicate", receipt->duplicate ? 1 : 0).end().take());
  }

  Task<void> lease(CommandPtr command) {
    queue::LeaseRequest request{.source = command->source()};
    request.max_messages = static_cast<int>(command->number("max", 1));
    request.max_bytes = static_cast<std::size_t>(command->number("max_bytes", 16 << 20));
    request.lease = command->millis("lease", 600'000);
    request.wait = Deadline::after(shard_.now(), command->millis("wait", 120'000));
    const Result<std::vector<queue::Delivery>> got = co_await broker_->lease(request);
    if (failed(*command, got)) co_return;
    JsonWriter json;
    json.begin().begin_list("deliveries");
    for (const queue::Delivery& each : *got) {
      JsonWriter one;
      one.begin().text("lease", each.lease).number("attempt", each.attempt).text("position", each.position);
      if (each.malformed) one.text("malformed", each.malformed->message());
      put_message(one, each.message);
      json.raw(one.end().take());
    }
    answer(*command, "value", json.end_list().end().take());
  }

  Task<void> extend(CommandPtr command) {
    done(*command, co_await broker_->extend(command->source(), command->text("lease"), command->millis("by")));
  }

  Task<void> settle(CommandPtr command) {
    static const std::map<std::string, queue::Settlement::Kind> kinds = {{"done", queue::Settlement::Kind::done},
                                                                         {"retry", queue::Settlement::Kind::retry},
                                                                         {"release", queue::Settlement::Kind::release},
                                                                         {"dead", queue::Settlement::Kind::dead}};
    const queue::Settlement how{
        .kind = kinds.at(command->text("how")), .delay = command->millis("delay"), .reason = command->text("reason")};
    done(*command, co_await broker_->settle(command->source(), command->text("lease"), how));
  }

  static queue::Shelf shelf_of(const Command& command) {
    static const std::map<std::string, queue::Shelf> shelves = {{"waiting", queue::Shelf::waiting},
                                                                {"leased", queue::Shelf::leased},
                                                                {"delayed", queue::Shelf::delayed},
                                                                {"dead", queue::Shelf::dead}};
    return shelves.at(command.text("shelf", "waiting"));
  }

  Task<void> peek(CommandPtr command) {
    const queue::PeekRequest request{.source = command->source(),
                                     .shelf = shelf_of(*command),
                                     .after = command->text("after"),
                                     .max_messages = static_cast<int>(command->number("max", 20))};
    const Result<std::vector<queue::Peeked>> seen = co_await broker_->peek(request);
    if (failed(*command, seen)) co_return;
    JsonWriter json;
    json.begin().begin_list("messages");
    for (const queue::Peeked& each : *seen) {
      JsonWriter one;
      one.begin().text("position", each.position).number("attempts", each.attempts).text("reason", each.reason);
      if (each.since) one.number("since", each.since->time_since_epoch().count());
      put_message(one, each.message);
      json.raw(one.end().take());
    }
    answer(*command, "value", json.end_list().end().take());
  }

  Task<void> redrive(CommandPtr command) {
    std::vector<queue::Position> which;
    element positions;
    if (command->root["which"].get(positions) == simdjson::SUCCESS) {
      for (const element each : positions.get_array()) which.emplace_back(std::string_view(each));
    }
    counted(*command, co_await broker_->redrive(command->source(), which));
  }
  Task<void> purge(CommandPtr command) {
    counted(*command, co_await broker_->purge(command->source(), shelf_of(*command)));
  }
  static void counted(const Command& command, const Result<std::uint64_t>& count) {
    if (failed(command, count)) return;
    answer(command, "value", JsonWriter().begin().number("count", static_cast<std::int64_t>(*count)).end().take());
  }

  Task<void> pause(CommandPtr command) {
    done(*command, co_await broker_->pause(command->source(), command->flag("paused")));
  }

  Task<void> stats(CommandPtr command) {
    const Result<queue::Stats> stats = co_await broker_->stats(command->source());
    if (failed(*command, stats)) co_return;
    JsonWriter json;
    json.begin();
    json.number("waiting", static_cast<std::int64_t>(stats->waiting));
    json.number("leased", static_cast<std::int64_t>(stats->leased));
    json.number("delayed", static_cast<std::int64_t>(stats->delayed));
    json.number("dead", static_cast<std::int64_t>(stats->dead)).number("paused", stats->paused ? 1 : 0);
    answer(*command, "value", json.end().take());
  }

  Task<void> read(CommandPtr command) {
    const Result<queue::Events> events = co_await broker_->read({.topic = command->text("queue"), .from = {}});
    if (!failed(*command, events)) answer(*command, "value", "{}");
  }

  Task<void> advance(CommandPtr command) {
    clock_.ahead += command->number("by");
    answer(*command, "value", "{}");
    co_return;
  }

  Task<void> stop_leasing(CommandPtr command) {
    broker_->stop_leasing();
    answer(*command, "value", "{}");
    co_return;
  }

  // Another broker of the same process, as after a drain; the first one's leases stay.
  Task<void> reopen(CommandPtr command) {
    co_await broker_->close();
    broker_ = backend_->open(shard_);
    answer(*command, "value", "{}");
  }

  Task<void> sign(CommandPtr command) {
    queue::sqs::Signer signer(
        {.key_id = command->text("key_id"), .secret = command->text("secret"), .session_token = command->text("token")},
        command->text("region"), command->text("service"));
    net::RequestHead head{.method = command->text("method"),
                          .scheme = "https",
                          .authority = command->text("host"),
                          .target = command->text("target"),
                          .fields = fields_of(command->root["fields"])};
    signer.sign(head, bytes_of(command->text("body")), WallTime(std::chrono::milliseconds(command->number("time"))));
    answer(*command, "value",
           JsonWriter().begin().text("authorization", head.fields.get("authorization")).end().take());
    co_return;
  }

  using Operation = Task<void> (Driver::*)(CommandPtr);
  static const std::map<std::string, Operation> operations;

  MovableClock clock_;
  Shard shard_;
  std::unique_ptr<queue::Backend> backend_;
  std::unique_ptr<queue::Broker> broker_;
  TaskGroup tasks_;
  bool ended_ = false;
};

const std::map<std::string, Driver::Operation> Driver::operations = {
    {"declare", &Driver::declare}, {"list", &Driver::list},
    {"publish", &Driver::publish}, {"lease", &Driver::lease},
    {"extend", &Driver::extend},   {"settle", &Driver::settle},
    {"peek", &Driver::peek},       {"redrive", &Driver::redrive},
    {"purge", &Driver::purge},     {"pause", &Driver::pause},
    {"stats", &Driver::stats},     {"read", &Driver::read},
    {"advance", &Driver::advance}, {"reopen", &Driver::reopen},
    {"sign", &Driver::sign},       {"stop_leasing", &Driver::stop_leasing},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: sqs_driver ADDRESS\n"), 2;
  auto settings = queue::sqs::parse_settings(argv[1], queue::sqs::process_environment());
  if (!settings) return std::fprintf(stderr, "%s\n", settings.error().text().c_str()), 1;
  settings->start_patience = std::chrono::seconds(2);  // a test need not wait for the full time
  // What was sent twice may be there twice, and an answer that is given up counts as an attempt: on a machine that
  // stops for a while, neither shall be.
  settings->answer_time = std::chrono::seconds(60);
  Driver(std::move(*settings)).run();
  return 0;
}
