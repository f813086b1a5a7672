#include "edge/rest/reply.h"

#include <array>
#include <charconv>

#include "call/header_rules.h"
#include "edge/rest/request_shape.h"
#include "net/body_reader.h"
#include "wire/base64.h"

namespace parley::edge::rest {
namespace {

// Best first, where the client weighs them alike.
constexpr wire::Encoding offered[] = {wire::Encoding::zstd, wire::Encoding::br, wire::Encoding::gzip};

constexpr std::string_view compressible[] = {"application/json",        "application/xml", "application/javascript",
                                             "application/x-ndjson",    "image/svg+xml",   "application/yaml",
                                             "application/problem+json"};

void put_length(std::size_t size, Fields& fields) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), size).ptr;
  fields.add("content-length", {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

bool wants_trailers(const net::RequestHead& request) {
  return request.fields.get("te").find("trailers") != std::string_view::npos;
}

}  // namespace

void put_metadata(const Fields& metadata, Fields& fields) {
  for (const Field field : metadata) {
    if (!passes(field.name, Direction::reply)) continue;
    if (wire::is_bin(field.name)) {
      wire::add_bin_encoded(fields, field.name, field.value);
    } else {
      fields.add(field.name, field.value);
    }
  }
}

bool is_compressible(std::string_view content_type) {
  const std::string_view essence = content_type.substr(0, content_type.find_first_of("; "));
  if (essence.starts_with("text/") || essence.ends_with("+json") || essence.ends_with("+xml")) return true;
  for (const std::string_view type : compressible) {
    if (type == essence) return true;
  }
  return false;
}

net::ResponseHead Reply::head(int status, std::string_view content_type, const Call* call) const {
  net::ResponseHead head{.status = status, .fields = {}};
  if (!content_type.empty()) head.fields.add("content-type", content_type);
  if (call != nullptr) put_metadata(call->headers, head.fields);
  return head;
}

void Reply::send(net::ResponseHead head) {
  if (options_.cors) options_.cors->permit(exchange_.request(), head.fields);
  exchange_.respond(std::move(head));
}

void Reply::whole(int status, std::string_view content_type, Bytes body, const Call* call, const Fields& extra) {
  if (!can_respond()) return;
  net::ResponseHead head = this->head(status, content_type, call);
  for (const Field field : extra) head.fields.add(field.name, field.value);
  if (body.size() >= options_.compress_from && is_compressible(content_type)) {
    head.fields.add("vary", "accept-encoding");
    const wire::Encoding encoding = wire::negotiate(exchange_.request().fields.get("accept-encoding"), offered);
    if (encoding != wire::Encoding::identity) {
      std::string packed;
      wire::compress(encoding, body.view(), packed);
      body = Bytes(std::move(packed));
      head.fields.add("content-encoding", wire::name(encoding));
    }
  }
  put_length(body.size(), head.fields);
  send(std::move(head));
  if (!body.empty() && !is_head_request()) exchange_.response_body().push(std::move(body));
  finish(call);
}

std::string Reply::error_document(const Error& error) const {
  const ErrorForm form = error_form(wire::Accept(exchange_.request().fields.get("accept")));
  std::string text;
  put_error(error, form, contract_ == nullptr ? nullptr : &contract_->tables(), exchange_.request().path(), text);
  return text;
}

void Reply::error(const Error& error, const Call* call, Fields extra) {
  if (!can_respond()) return;
  const ErrorForm form = error_form(wire::Accept(exchange_.request().fields.get("accept")));
  if (error.blame() == Blame::caller && error.reason() == "unsupported_media_type") extra.add("accept", accepted_types);
  if (error.blame() == Blame::caller && error.reason() == "unsupported_encoding")
    extra.add("accept-encoding", net::accepted_encodings);
  const bool said = call != nullptr && call->headers.has("retry-after");  // by an HTTP service
  if (const auto seconds = retry_after(error); seconds && !said) extra.add("retry-after", std::to_string(*seconds));
  whole(http_status(error), content_type(form), Bytes(error_document(error)), call, extra);
}

wire::Encoding Reply::stream_encoding(std::string_view content_type) const {
  if (!is_compressible(content_type)) return wire::Encoding::identity;
  return wire::negotiate(exchange_.request().fields.get("accept-encoding"), offered);
}

void Reply::stream_head(std::string_view content_type, wire::Encoding encoding, const Call& call) {
  if (!can_respond()) return;
  net::ResponseHead head = this->head(200, content_type, &call);
  if (is_compressible(content_type)) head.fields.add("vary", "accept-encoding");
  if (encoding != wire::Encoding::identity) head.fields.add("content-encoding", wire::name(encoding));
  if (content_type == "text/event-stream" && !head.fields.has("cache-control"))
    head.fields.add("cache-control", "no-cache");
  send(std::move(head));
}

void Reply::finish(const Call* call) {
  Fields trailers;
  if (call != nullptr && !call->trailers.empty() && wants_trailers(exchange_.request()))
    put_metadata(call->trailers, trailers);
  exchange_.finish(std::move(trailers));
}

}  // namespace parley::edge::rest
