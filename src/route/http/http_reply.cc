#include "route/http/http_reply.h"

#include <fmt/format.h>

#include "call/header_rules.h"
#include "contract/retry_info.h"
#include "contract/transcode.h"
#include "contract/wire_records.h"
#include "route/http/http_body.h"
#include "route/http/http_error.h"
#include "route/http/sse_reader.h"
#include "wire/base64.h"
#include "wire/media_type.h"
#include "wire/ndjson.h"
#include "wire/retry_after.h"

namespace parley::route {
namespace {

constexpr std::size_t longest_error = 64 * 1024;  // of an error's body that is looked at

// What an upstream leaves out or adds is its own affair: an answer is read for what the contract knows.
constexpr contract::JsonOptions lenient{.ignore_unknown = true};

void take_fields(const Fields& from, Fields& to) {
  for (const Field field : from) {
    if (!passes(field.name, Direction::reply)) continue;
    if (!wire::is_bin(field.name)) {
      to.add(field.name, field.value);
    } else {
      (void)wire::add_bin_decoded(to, field.name, field.value);
    }
  }
}

Error too_large(std::size_t limit) {
  return Error(Code::resource_exhausted, Blame::upstream,
               fmt::format("the upstream's answer is larger than {} bytes", limit))
      .with_reason("upstream_message_too_large");
}

// Retry-After as the detail that all edges and the deliveries know; what the body says of it goes before.
Error with_retry_after(Error error, const Fields& fields) {
  const auto text = fields.find("retry-after");
  if (!text || contract::retry_delay(error)) return error;
  const auto delay = wire::parse_retry_after(*text, fields.get("date"), WallClock().now());
  return delay ? std::move(error).with_detail(contract::retry_info(*delay)) : error;
}

}  // namespace

Error HttpReply::malformed(std::string_view what) const {
  return Error(Code::internal, Blame::upstream, fmt::format("the upstream's answer is malformed: {}", what))
      .with_reason("upstream_malformed");
}

Task<Result<void>> HttpReply::read() {
  const Result<const net::ResponseHead*> head = co_await exchange_.head();
  if (!head) co_return fail(head.error());
  head_ = *head;
  const bool is_success = head_->status >= 200 && head_->status <= 299;
  if (is_success && call_.replies.discards()) co_return co_await drop_body();
  const auto type = wire::parse_media_type(head_->fields.get("content-type"));
  content_type_ = type ? type->essence : "";
  const auto encoding = wire::encoding_from_name(head_->fields.get("content-encoding"));
  if (!encoding) co_return fail(malformed(fmt::format("content-encoding {}", head_->fields.get("content-encoding"))));
  if (*encoding != wire::Encoding::identity) {
    const std::size_t limit = call_.method().server_streaming ? std::size_t{0} - 1 : max_message_;
    unpack_ = wire::Decompressor::make(*encoding, {.max_bytes = limit});
  }
  take_fields(head_->fields, call_.headers);
  if (!is_success) {
    Result<std::string> body = co_await read_whole(longest_error);
    Error error = http_error(head_->status, content_type_, body.value_or(""), call_.contract().tables());
    co_return fail(with_retry_after(std::move(error), head_->fields));
  }
  if (!call_.method().server_streaming) co_return co_await read_one();
  call_.headers_complete();
  switch (form_of_stream()) {
    case Form::raw: co_return co_await read_raw();
    case Form::events: co_return co_await read_events();
    case Form::lines: co_return co_await read_texts(true);
    case Form::json: break;
  }
  co_return co_await read_texts(false);
}

HttpReply::Form HttpReply::form_of_stream() const {
  if (raw_type() != nullptr) return Form::raw;
  if (content_type_ == "text/event-stream") return Form::events;
  const bool lines =
      content_type_.contains("ndjson") || content_type_.contains("jsonl") || content_type_.contains("json-seq");
  return lines ? Form::lines : Form::json;
}

// google.api.HttpBody where the reply, or the field that stands for it, is one.
const contract::MessageTable* HttpReply::raw_type() const {
  const contract::MessageTable* type = call_.method().output;
  if (!rule_.response_body.empty()) {
    const contract::FieldTable* field = contract::find_field(*type, rule_.response_body);
    type = field == nullptr || field->repeated ? nullptr : field->message;
  }
  return type != nullptr && type->full_name() == "google.api.HttpBody" ? type : nullptr;
}

Task<Result<std::optional<std::string>>> HttpReply::next_chunk() {
  Result<std::optional<Bytes>> chunk = co_await exchange_.body().read();
  if (!chunk) co_return fail(std::move(chunk).error());
  if (!*chunk) {
    if (unpack_) {
      if (Result<void> done = unpack_->finish(); !done) co_return fail(malformed(done.error().message()));
    }
    take_fields(exchange_.trailers(), call_.trailers);
    co_return std::nullopt;
  }
  if (!unpack_) co_return std::string((*chunk)->view());
  std::string plain;
  if (Result<void> done = unpack_->write((*chunk)->view(), plain); !done) {
    co_return fail(done.error().code() == Code::resource_exhausted ? too_large(max_message_)
                                                                   : malformed(done.error().message()));
  }
  co_return plain;
}

Task<Result<std::string>> HttpReply::read_whole(std::size_t limit) {
  std::string whole;
  for (;;) {
    Result<std::optional<std::string>> chunk = co_await next_chunk();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return whole;
    if (whole.size() + (*chunk)->size() > limit) co_return fail(too_large(limit));
    if (whole.empty()) {
      whole = std::move(**chunk);
    } else {
      whole += **chunk;
    }
  }
}

// Nobody wants the answer, only that it is one: whoever handles messages may say `ok` in any type.
Task<Result<void>> HttpReply::drop_body() {
  for (;;) {
    Result<std::optional<Bytes>> chunk = co_await exchange_.body().read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return Result<void>();
  }
}

Task<Result<void>> HttpReply::read_one() {
  Result<std::string> body = co_await read_whole(max_message_);
  if (!body) co_return fail(std::move(body).error());
  Result<Bytes> message = Bytes();
  if (raw_type() != nullptr) {
    std::string wire;
    put_http_body(head_->fields.get("content-type"), *body, wire);
    message = message_of(wire);
  } else if (!body->empty()) {
    const auto type = wire::parse_media_type(head_->fields.get("content-type"));
    if (type && !type->is_json()) co_return fail(malformed(fmt::format("it is {}, not JSON", type->essence)));
    message = message_of(*body);
  }
  if (!message) co_return fail(std::move(message).error());
  call_.headers_complete();
  call_.replies.push(std::move(*message));
  co_return Result<void>();
}

// `text`: JSON; where the reply is raw, the wire bytes of an HttpBody.
Result<Bytes> HttpReply::message_of(std::string_view text) const {
  const contract::MessageTable& type = *call_.method().output;
  std::string wire;
  Result<void> done;
  if (raw_type() != nullptr) {
    if (rule_.response_body.empty()) {
      wire = text;
    } else {
      contract::append_record(wire, contract::find_field(type, rule_.response_body)->number, text);
    }
  } else if (rule_.response_body.empty()) {
    done = contract::json_to_wire(type, text, wire, lenient);
  } else {
    done = contract::json_to_field(type, rule_.response_body, text, wire, lenient);
  }
  if (done) return Bytes(std::move(wire));
  return fail(malformed(done.error().message()));
}

Task<Result<void>> HttpReply::write_text(std::string_view text) {
  if (std::optional<Error> error = in_band_error(text, call_.contract().tables())) co_return fail(std::move(*error));
  Result<Bytes> message = message_of(text);
  if (!message) co_return fail(std::move(message).error());
  co_return co_await call_.replies.write(std::move(*message));
}

Task<Result<void>> HttpReply::read_texts(bool lines) {
  using Splitter = wire::JsonSplitter;
  Splitter splitter(lines ? Splitter::Framing::lines : Splitter::Framing::values, max_message_);
  for (bool ended = false; !ended;) {
    Result<std::optional<std::string>> chunk = co_await next_chunk();
    if (!chunk) co_return fail(std::move(chunk).error());
    ended = !*chunk;
    if (ended) {
      splitter.end();
    } else {
      splitter.feed(**chunk);
    }
    for (;;) {
      const auto text = splitter.next();
      if (!text && text.error().code() == Code::resource_exhausted) co_return fail(too_large(max_message_));
      if (!text) co_return fail(malformed(text.error().message()));
      if (!*text) break;
      if (Result<void> written = co_await write_text(**text); !written) co_return written;
    }
  }
  co_return Result<void>();
}

Task<Result<void>> HttpReply::read_events() {
  SseReader reader(max_message_);
  for (;;) {
    Result<std::optional<std::string>> chunk = co_await next_chunk();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return Result<void>();
    reader.feed(**chunk);
    for (;;) {
      auto event = reader.next();
      if (!event) co_return fail(std::move(event).error());
      if (!*event) break;
      if ((*event)->type == "error")
        co_return fail(http_error(500, "application/json", (*event)->data, call_.contract().tables()));
      if (Result<void> written = co_await write_text((*event)->data); !written) co_return written;
    }
  }
}

Task<Result<void>> HttpReply::read_raw() {
  const std::string type(head_->fields.get("content-type"));
  for (bool first = true;; first = false) {
    Result<std::optional<std::string>> chunk = co_await next_chunk();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return Result<void>();
    std::string wire;
    put_http_body(first ? type : "", **chunk, wire);
    Result<Bytes> message = message_of(wire);
    if (Result<void> written = co_await call_.replies.write(std::move(*message)); !written) co_return written;
  }
}

}  // namespace parley::route
