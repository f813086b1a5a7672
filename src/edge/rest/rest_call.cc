#include "edge/rest/rest_call.h"

#include "call/header_rules.h"
#include "contract/transcode.h"
#include "loop/shard.h"
#include "wire/base64.h"
#include "wire/timeout.h"

namespace parley::edge::rest {
namespace {

Error bad_header(std::string_view name, std::string_view why) {
  return Error(Code::invalid_argument, Blame::caller, "header " + std::string(name) + ": " + std::string(why))
      .with_reason("malformed_header");
}

Error malformed_reply(std::string_view why) {
  return Error(Code::internal, Blame::upstream, std::string(why)).with_reason("malformed_reply");
}

}  // namespace

RestCall::RestCall(net::ServerExchange& exchange, const RestOptions& options, std::shared_ptr<PlanSet> plans,
                   const RulePlan& plan, HandlerPtr handler)
    : exchange_(exchange),
      options_(options),
      plans_(std::move(plans)),
      plan_(plan),
      handler_(std::move(handler)),
      reply_(exchange, options, plans_->contract().get()),
      call_(plans_->contract(), *plan.method, "rest"),
      binder_(plan),
      reader_(exchange, options.max_message) {}

Result<void> RestCall::read_metadata() {
  for (const Field field : exchange_.request().fields) {
    if (!passes(field.name, Direction::request)) continue;
    if (!wire::is_bin(field.name)) {
      call_.metadata.add(field.name, field.value);
    } else if (!wire::add_bin_decoded(call_.metadata, field.name, field.value)) {
      return fail(bad_header(field.name, "not base64"));
    }
  }
  call_.caller.address = exchange_.peer().address;
  call_.caller.subject = exchange_.peer().subject;
  return {};
}

Result<void> RestCall::read_deadline() {
  const auto text = exchange_.request().fields.find("grpc-timeout");
  if (!text) return {};
  const auto timeout = wire::parse_grpc_timeout(*text);
  if (!timeout) return fail(bad_header("grpc-timeout", "up to eight digits and a unit are expected, as in 500m or 2S"));
  call_.set_deadline(Deadline::after(Shard::current().now(), *timeout));
  return {};
}

Result<void> RestCall::prepare(std::span<const contract::Binding> bindings) {
  const net::RequestHead& request = exchange_.request();
  if (auto read = read_metadata(); !read) return read;
  auto format = reply_format(plan_, request.fields.get("accept"));
  if (!format) return fail(std::move(format).error());
  format_ = *format;
  auto shape = request_shape(plan_, request);
  if (!shape) return fail(std::move(shape).error());
  shape_ = *std::move(shape);
  if (const std::string_view query = request.query(); !query.empty()) {
    if (auto bound = binder_.bind_query(query); !bound) return bound;
  }
  if (auto bound = binder_.bind_path(bindings); !bound) return bound;
  if (auto opened = reader_.open(!streams_in()); !opened) return opened;
  return read_deadline();
}

// What is wrong with the request cancels the call: its handler, and with it telemetry, hears of it, and the answer is
// the same as for any other call that ends early.
Task<void> RestCall::run(std::span<const contract::Binding> bindings) {
  if (auto ready = prepare(bindings); !ready) call_.cancel(std::move(ready).error());
  exchange_.on_broken([](void* self) { static_cast<RestCall*>(self)->client_left(); }, this);
  // Whoever waits for the request's body then hears of it.
  const Call::OnCancel on_cancel(call_, [this](const Error& why) { exchange_.body().abort(why); });
  if (!streams_in() && !call_.cancelled()) {
    auto message = co_await read_message();
    if (message) {
      call_.requests.push(Bytes(*std::move(message)));
      call_.requests.end();
    } else {
      call_.cancel(std::move(message).error());
    }
  }
  tasks_.spawn(answer(*handler_, call_));
  if (streams_in()) tasks_.spawn(pump());
  if (plan_.method->server_streaming) {
    co_await answer_stream();
  } else {
    co_await answer_once();
  }
  if (tasks_.live() > 0) {
    // The response is decided: whoever still works for it may stop.
    const Error over = Error(Code::cancelled, Blame::caller, "the response has been sent").with_reason("call_ended");
    call_.cancel(over);
    exchange_.body().abort(over);
    co_await tasks_.join();
  }
  exchange_.on_broken(nullptr, nullptr);
}

Task<void> RestCall::answer_once() {
  auto first = co_await call_.replies.read();
  if (first && *first) {
    auto second = co_await call_.replies.read();
    if (!second) {
      first = std::move(second);
    } else if (*second) {
      first = fail(malformed_reply("the service answered with more than one message"));
    }
  }
  if (!first) {
    reply_.error(first.error(), &call_);
    co_return;
  }
  co_await call_.wait_finished();
  if (call_.status() != nullptr) {
    reply_.error(*call_.status(), &call_);
    co_return;
  }
  if (!*first) {
    reply_.error(malformed_reply("the service answered without a message"), &call_);
    co_return;
  }
  const Bytes& message = **first;
  if (format_ == ReplyFormat::raw) {
    auto raw = read_http_body(plan_.reply_path, message);
    if (!raw) {
      reply_.error(raw.error(), &call_);
      co_return;
    }
    const std::string_view type =
        raw->content_type.empty() ? "application/octet-stream" : std::string_view(raw->content_type);
    reply_.whole(200, type, std::move(raw->data), &call_);
    co_return;
  }
  std::string json;
  json.reserve(2 * message.size() + 64);
  if (auto done = put_reply_json(plan_, options_.json, message, json); !done) {
    reply_.error(done.error(), &call_);
    co_return;
  }
  // RFC 9110 section 15.3.3.
  Fields extra;
  if (call_.accepted && !call_.accepted->empty()) extra.add("location", *call_.accepted);
  reply_.whole(call_.accepted ? 202 : 200, content_type(format_), Bytes(std::move(json)), &call_, extra);
}

Task<void> RestCall::answer_stream() {
  ReplyStream stream(reply_, call_, plan_, format_);
  std::optional<Error> error;
  for (;;) {
    if (stream.wants_flush() && (!call_.replies.is_readable() || stream.is_enough())) {
      if (reply_.is_head_request()) co_return stream.end_head();
      if (auto sent = co_await stream.flush(); !sent) co_return;  // the client is gone
    }
    auto next = co_await call_.replies.read();
    if (!next) {
      error = std::move(next).error();
      break;
    }
    if (!*next) break;
    if (auto added = stream.add(**next); !added) {
      error = std::move(added).error();
      break;
    }
  }
  if (!error) {
    co_await call_.wait_finished();
    if (call_.status() != nullptr) error = *call_.status();
  }
  if (!error && reply_.is_head_request()) {
    stream.end_head();
  } else if (!error) {
    co_await stream.end();
  } else if (stream.has_begun()) {
    co_await stream.end_with(*error);
  } else {
    reply_.error(*error, &call_);
  }
}

}  // namespace parley::edge::rest
