#include "route/grpc/grpc_reply.h"

#include <fmt/format.h>

#include "route/grpc/grpc_request.h"
#include "route/grpc/grpc_status.h"

namespace parley::route {
namespace {

Error malformed(std::string what) {
  return Error(Code::internal, Blame::upstream, "the upstream's answer is malformed: " + std::move(what))
      .with_reason("upstream_malformed");
}

// "application/grpc", alone or followed by "+proto" or a parameter.
bool is_grpc(std::string_view content_type) {
  constexpr std::string_view grpc = "application/grpc";
  if (!content_type.starts_with(grpc)) return false;
  const std::string_view rest = content_type.substr(grpc.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

}  // namespace

std::unexpected<Error> GrpcReply::broken(Error why) {
  exchange_.reset(net::Reset::cancel);
  return fail(std::move(why));
}

Task<Result<void>> GrpcReply::read() {
  const Result<const net::ResponseHead*> head = co_await exchange_.head();
  if (!head) co_return fail(head.error());
  head_ = *head;
  started_ = true;
  if (Result<void> taken = take_head(*head_); !taken) co_return taken;
  Pipe& body = exchange_.body();
  if (head_->fields.has("grpc-status")) {
    co_await body.readable();
    if (body.is_done() && !body.aborted()) {  // Trailers-Only: its fields are trailers
      take_reply_fields(head_->fields, call_.trailers);
      co_return status_of(head_->fields);
    }
  }
  take_reply_fields(head_->fields, call_.headers);
  call_.headers_complete();
  for (;;) {
    Result<std::optional<Bytes>> chunk = co_await body.read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return end_of_body();
    decoder_.feed(std::move(**chunk));
    for (;;) {
      Result<std::optional<wire::GrpcFrame>> frame = decoder_.next();
      if (!frame) {
        co_return broken(Error(Code::resource_exhausted, Blame::upstream, frame.error().message())
                             .with_reason("upstream_message_too_large"));
      }
      if (!*frame) break;
      Result<Bytes> message = message_of(std::move(**frame));
      if (!message) co_return broken(std::move(message).error());
      if (call_.method().server_streaming) {
        if (Result<void> written = co_await call_.replies.write(std::move(*message)); !written) {
          co_return broken(std::move(written).error());
        }
      } else if (single_) {
        co_return broken(malformed("two messages where the method has one"));
      } else {
        single_ = std::move(*message);
      }
    }
  }
}

Result<void> GrpcReply::take_head(const net::ResponseHead& head) {
  const std::string_view content_type = head.fields.get("content-type");
  if (head.status != 200 || !is_grpc(content_type)) {
    // A proxy's error may still carry the status, and then that counts.
    if (head.fields.has("grpc-status")) {
      if (Result<void> status = status_of(head.fields); !status) return broken(std::move(status).error());
    }
    return broken(http_response_error(head.status, content_type));
  }
  encoding_ = wire::encoding_from_name(head.fields.get("grpc-encoding"));
  return {};
}

Result<Bytes> GrpcReply::message_of(wire::GrpcFrame frame) {
  if (frame.flags == 0) return std::move(frame.payload);
  if (frame.flags != wire::frame_compressed)
    return fail(malformed(fmt::format("a message with flags {:#04x}", frame.flags)));
  if (!encoding_) {
    return fail(
        malformed(fmt::format("grpc-encoding \"{}\", which was not offered", head_->fields.get("grpc-encoding"))));
  }
  if (*encoding_ == wire::Encoding::identity) return fail(malformed("a compressed message without a grpc-encoding"));
  std::string plain;
  const Result<void> done = wire::decompress(*encoding_, frame.payload.view(), {.max_bytes = max_message_}, plain);
  if (done) return Bytes(std::move(plain));
  if (done.error().code() == Code::resource_exhausted) {
    return fail(Error(Code::resource_exhausted, Blame::upstream, done.error().message())
                    .with_reason("upstream_message_too_large"));
  }
  return fail(malformed(done.error().message()));
}

Result<void> GrpcReply::end_of_body() {
  const Fields& trailers = exchange_.trailers();
  take_reply_fields(trailers, call_.trailers);
  Result<void> status = status_of(trailers);
  if (!status) return status;
  if (!decoder_.is_between_frames()) return fail(malformed("its last message is cut off"));
  if (call_.method().server_streaming) return {};
  if (!single_) return fail(malformed("no message where the method has one"));
  call_.replies.push(std::move(*single_));
  return {};
}

}  // namespace parley::route
