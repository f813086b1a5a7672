#include "edge/graphql/http_reply.h"

#include "edge/graphql/errors.h"
#include "wire/base64.h"
#include "wire/compression.h"

namespace parley::edge::graphql {
namespace {

constexpr wire::Encoding offered[] = {wire::Encoding::zstd, wire::Encoding::br, wire::Encoding::gzip};

Error too_large(std::size_t max_bytes) {
  return Error(Code::resource_exhausted, Blame::caller,
               "the request body is larger than " + std::to_string(max_bytes) + " bytes")
      .with_reason("message_too_large");
}

}  // namespace

net::ResponseHead HttpReply::head(int status, std::string_view content_type, const Fields& extra) const {
  net::ResponseHead head{.status = status, .fields = {}};
  if (!content_type.empty()) head.fields.add("content-type", content_type);
  for (const Field field : extra) {
    if (wire::is_bin(field.name)) {
      wire::add_bin_encoded(head.fields, field.name, field.value);
    } else {
      head.fields.add(field.name, field.value);
    }
  }
  return head;
}

void HttpReply::respond(net::ResponseHead head) {
  if (options_.cors) options_.cors->permit(exchange_.request(), head.fields);
  exchange_.respond(std::move(head));
}

void HttpReply::whole(int status, std::string_view content_type, std::string body, const Fields& extra) {
  if (exchange_.has_responded() || exchange_.broken()) return;
  net::ResponseHead head = this->head(status, content_type, extra);
  if (body.size() >= options_.compress_from) {
    head.fields.add("vary", "accept-encoding");
    const wire::Encoding encoding = wire::negotiate(exchange_.request().fields.get("accept-encoding"), offered);
    if (encoding != wire::Encoding::identity) {
      std::string packed;
      wire::compress(encoding, body, packed);
      body = std::move(packed);
      head.fields.add("content-encoding", wire::name(encoding));
    }
  }
  head.fields.add("content-length", std::to_string(body.size()));
  respond(std::move(head));
  if (!body.empty()) exchange_.response_body().push(Bytes(std::move(body)));
  exchange_.finish();
}

void HttpReply::refuse(Media media, const std::vector<parley::graphql::GraphqlError>& errors, int status,
                       const Fields& extra) {
  if (media == Media::event_stream) media = Media::json;
  whole(status == 0 ? request_error_status(media) : status, content_type(media), error_body(errors), extra);
}

void HttpReply::open(int status, std::string_view content_type, const Fields& extra) {
  if (exchange_.has_responded() || exchange_.broken()) return;
  respond(head(status, content_type, extra));
}

Task<Result<Bytes>> read_body(net::ServerExchange& exchange, std::size_t max_bytes) {
  wire::Encoding encoding = wire::Encoding::identity;
  if (const auto coding = exchange.request().fields.find("content-encoding")) {
    const auto known = wire::encoding_from_name(*coding);
    if (!known) {
      co_return fail(Error(Code::unimplemented, Blame::caller,
                           "content-encoding \"" + std::string(*coding) + "\" is not supported")
                         .with_reason("unsupported_encoding"));
    }
    encoding = *known;
  }
  Bytes first;
  std::string joined;
  for (std::size_t count = 0;; ++count) {
    auto chunk = co_await exchange.body().read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) {
      if (count > 1) first = Bytes(std::move(joined));
      break;
    }
    if (joined.size() + first.size() + (*chunk)->size() > max_bytes) co_return fail(too_large(max_bytes));
    if (count == 0) {
      first = std::move(**chunk);
      continue;
    }
    if (count == 1) {
      joined = first.view();
      first = Bytes();
    }
    joined += (*chunk)->view();
  }
  if (encoding == wire::Encoding::identity) co_return first;
  std::string plain;
  wire::DecompressLimits limits;
  limits.max_bytes = max_bytes;
  if (auto done = wire::decompress(encoding, first.view(), limits, plain); !done) {
    Error error = std::move(done).error();
    if (error.code() == Code::resource_exhausted) error = std::move(error).with_reason("message_too_large");
    co_return fail(std::move(error));
  }
  co_return Bytes(std::move(plain));
}

}  // namespace parley::edge::graphql
