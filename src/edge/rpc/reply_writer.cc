#include "edge/rpc/reply_writer.h"

#include "edge/rpc/call_setup.h"
#include "edge/rpc/connect_json.h"
#include "edge/rpc/grpc_status.h"
#include "edge/rpc/metadata.h"
#include "wire/base64.h"
#include "wire/grpc_frame.h"

namespace parley::edge {

net::ResponseHead ReplyWriter::new_head() const {
  net::ResponseHead head;
  head.fields.add("content-type", type_.name);
  return head;
}

void ReplyWriter::head(const Fields& metadata, wire::Encoding encoding) {
  if (exchange_.broken()) return;
  net::ResponseHead head = new_head();
  if (encoding != wire::Encoding::identity) head.fields.add(type_.protocol->encoding_field, wire::name(encoding));
  write_metadata(metadata, head.fields);
  respond(exchange_, std::move(head), options_);
}

Pipe::Write ReplyWriter::frame(std::uint8_t flags, Bytes payload) {
  Pipe& body = exchange_.response_body();
  if (type_.text) {
    const Bytes framed = wire::grpc_frame(flags, payload.view());
    std::string text;
    base64_encode(framed.view(), text);
    return body.write(Bytes(std::move(text)));
  }
  if (payload.size() < wire::join_frame_below) return body.write(wire::grpc_frame(flags, payload.view()));
  const auto prefix = wire::grpc_frame_prefix(flags, payload.size());
  body.push(Bytes(std::string(prefix.data(), prefix.size())));
  return body.write(std::move(payload));
}

Pipe::Write ReplyWriter::message(const MessageCodec::Encoded& message) {
  return frame(message.compressed ? wire::frame_compressed : 0, message.payload);
}

void ReplyWriter::end(const Error* status, const Fields& trailers, const contract::Contract* contract) {
  if (exchange_.broken()) return;
  Fields fields;
  if (type_.protocol->ending != Ending::end_stream_frame) add_grpc_status(status, fields);
  write_metadata(trailers, fields);
  switch (type_.protocol->ending) {
    case Ending::http_trailers: exchange_.finish(std::move(fields)); return;
    case Ending::trailers_frame: (void)frame(wire::frame_trailers, Bytes(header_block(fields))); break;
    case Ending::end_stream_frame:
      (void)frame(wire::frame_end_stream, Bytes(connect_end_json(status, fields, contract)));
      break;
  }
  exchange_.finish();
}

void ReplyWriter::only_end(const Error& status, const Fields& trailers, const contract::Contract* contract) {
  if (exchange_.broken()) return;
  net::ResponseHead head = new_head();
  const bool in_head = type_.protocol->ending != Ending::end_stream_frame;
  // What is accepted is said where it was missed (PROTOCOL-HTTP2.md, "Message-Accept-Encoding").
  if (status.reason() == "unknown_encoding") head.fields.add(type_.protocol->accept_field, accepted_encoding_names);
  if (in_head) {
    add_grpc_status(&status, head.fields);
    write_metadata(trailers, head.fields);
  }
  respond(exchange_, std::move(head), options_);
  if (in_head) {
    exchange_.finish();
  } else {
    end(&status, trailers, contract);
  }
}

}  // namespace parley::edge
