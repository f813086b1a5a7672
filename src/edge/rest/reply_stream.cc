#include "edge/rest/reply_stream.h"

#include "contract/transcode.h"
#include "edge/rest/http_body.h"
#include "loop/shard.h"
#include "wire/sse.h"

namespace parley::edge::rest {
namespace {

constexpr std::size_t enough = 16 * 1024;  // messages that are there at once share a chunk up to this size

Deadline after(Duration wait) {
  Shard& shard = Shard::current();
  return Deadline::after(shard.now(), wait);
}

}  // namespace

Result<void> put_reply_json(const RulePlan& plan, const contract::JsonOptions& options, const Bytes& message,
                            std::string& out) {
  const contract::MessageTable& table = *plan.method->output;
  const std::size_t before = out.size();
  auto done = plan.reply_path.empty()
                  ? contract::wire_to_json(table, message.view(), out, options)
                  : contract::field_to_json(table, plan.rule->response_body, message.view(), out, options);
  // A message that is not there reads as an empty one: clients of that address always get an object.
  if (done && plan.reply_is_object && out.size() == before + 4 && out.ends_with("null")) out.replace(before, 4, "{}");
  if (done) return {};
  return fail(Error(Code::internal, Blame::upstream, "the reply cannot be written as JSON: " + done.error().message())
                  .with_reason("malformed_reply"));
}

ReplyStream::ReplyStream(Reply& reply, Call& call, const RulePlan& plan, ReplyFormat format)
    : reply_(reply),
      call_(call),
      plan_(plan),
      format_(format),
      timer_([](void* self) { static_cast<ReplyStream*>(self)->tick(); }, this) {
  if (format_ != ReplyFormat::raw) timer_.set(Shard::current().timers(), after(reply_.options().peek));
}

void ReplyStream::commit() {
  if (committed_) return;
  committed_ = true;
  timer_.clear();  // it waited for the first message; only event streams set it again
  std::string_view type = content_type(format_);
  if (format_ == ReplyFormat::raw) type = raw_type_.empty() ? "application/octet-stream" : std::string_view(raw_type_);
  const wire::Encoding encoding = reply_.stream_encoding(type);
  if (encoding != wire::Encoding::identity) compressor_ = wire::Compressor::make(encoding);
  reply_.stream_head(type, encoding, call_);
}

void ReplyStream::tick() {
  if (!committed_) {
    commit();
  } else if (Pipe& body = reply_.exchange().response_body(); !body.is_full()) {
    std::string comment;
    wire::put_sse_comment("still here", comment);
    std::string packed;
    if (compressor_) {
      compressor_->write(comment, packed);
      compressor_->flush(packed);
    }
    body.push(Bytes(compressor_ ? std::move(packed) : std::move(comment)));
  }
  if (format_ == ReplyFormat::sse) timer_.set(Shard::current().timers(), after(reply_.options().heartbeat));
}

Result<void> ReplyStream::add_json(const Bytes& message) {
  const auto put = [&](std::string& out) { return put_reply_json(plan_, reply_.options().json, message, out); };
  if (format_ != ReplyFormat::sse) {
    const std::size_t before = text_.size();
    if (format_ == ReplyFormat::array) text_ += added_ == 0 ? "[" : ",\n";
    auto done = put(text_);
    if (!done) text_.resize(before);
    if (done && format_ == ReplyFormat::ndjson) text_ += '\n';
    return done;
  }
  std::string json;
  auto done = put(json);
  if (done) wire::put_sse({.type = {}, .data = json, .id = added_ + 1}, text_);
  return done;
}

Result<void> ReplyStream::add(const Bytes& message) {
  if (format_ == ReplyFormat::raw) {
    auto raw = read_http_body(plan_.reply_path, message);
    if (!raw) return fail(std::move(raw).error());
    if (added_ == 0) raw_type_ = std::move(raw->content_type);
    if (!raw->data.empty()) raw_.push_back(std::move(raw->data));
  } else if (auto done = add_json(message); !done) {
    return done;
  }
  ++added_;
  return {};
}

bool ReplyStream::wants_flush() const { return (!committed_ && added_ > 0) || !raw_.empty() || !text_.empty(); }

bool ReplyStream::is_enough() const { return text_.size() >= enough || raw_.size() >= 16; }

Task<Result<void>> ReplyStream::flush() { return send(false); }

Task<Result<void>> ReplyStream::send(bool last) {
  commit();
  if (format_ == ReplyFormat::sse && !last) timer_.set(Shard::current().timers(), after(reply_.options().heartbeat));
  Pipe& body = reply_.exchange().response_body();
  if (!compressor_) {
    if (!text_.empty()) raw_.push_back(Bytes(std::exchange(text_, {})));
    for (Bytes& slice : raw_) {
      if (auto sent = co_await body.write(std::move(slice)); !sent) co_return sent;
    }
    raw_.clear();
    co_return Result<void>();
  }
  std::string packed;
  for (const Bytes& slice : raw_) compressor_->write(slice.view(), packed);
  compressor_->write(text_, packed);
  raw_.clear();
  text_.clear();
  if (last) {
    compressor_->finish(packed);
  } else {
    compressor_->flush(packed);
  }
  co_return co_await body.write(Bytes(std::move(packed)));
}

Task<void> ReplyStream::end() {
  if (format_ == ReplyFormat::array) text_ += added_ == 0 ? "[]" : "]";
  // An EventSource connects again when its stream ends; this tells a page that there is no more to come.
  if (format_ == ReplyFormat::sse) wire::put_sse({.type = "end", .data = "{}"}, text_);
  timer_.clear();
  commit();
  if (wants_flush() || compressor_) (void)co_await send(true);
  reply_.finish(&call_);
}

void ReplyStream::end_head() {
  timer_.clear();
  commit();
  reply_.finish(&call_);
}

Task<void> ReplyStream::end_with(const Error& error) {
  timer_.clear();
  if (format_ == ReplyFormat::raw) {
    if (wants_flush()) (void)co_await send(false);
    reply_.exchange().reset(net::Reset::internal_error);
    co_return;
  }
  const std::string document = reply_.error_document(error);
  switch (format_) {
    case ReplyFormat::sse: wire::put_sse({.type = "error", .data = document}, text_); break;
    case ReplyFormat::array:
      text_.append(added_ == 0 ? "[" : ",\n").append("{\"error\":").append(document).append("}]");
      break;
    default: text_.append("{\"error\":").append(document).append("}\n");
  }
  (void)co_await send(true);
  reply_.finish(&call_);
}

}  // namespace parley::edge::rest
