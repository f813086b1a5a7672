#include "grpc_stream.h"

#include <algorithm>
#include <utility>

namespace parley::bench {
namespace {

constexpr std::size_t grpc_head = 5;

void append_varint(std::string& out, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7U) out += static_cast<char>((n & 0x7FU) | 0x80U);
  out += static_cast<char>(n);
}

std::uint64_t take_varint(std::string_view& from) {
  std::uint64_t n = 0;
  for (unsigned shift = 0; !from.empty(); shift += 7U) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    n |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) break;
  }
  return n;
}

std::size_t length_in(std::string_view head) {
  std::size_t length = 0;
  for (std::size_t i = 1; i < grpc_head; ++i) length = length << 8U | static_cast<unsigned char>(head[i]);
  return length;
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

void append_field(std::string& out, unsigned number, std::uint64_t value) {
  append_varint(out, number << 3U);
  append_varint(out, value);
}

void append_field(std::string& out, unsigned number, std::string_view bytes) {
  append_varint(out, number << 3U | 2U);
  append_varint(out, bytes.size());
  out += bytes;
}

WireField take_field(std::string_view& message) {
  const std::uint64_t tag = take_varint(message);
  WireField field{.number = static_cast<unsigned>(tag >> 3U), .value = take_varint(message), .bytes = {}};
  if ((tag & 7U) == 2) {
    field.bytes = message.substr(0, field.value);
    message.remove_prefix(field.bytes.size());
  }
  return field;
}

void append_framed(std::string& out, std::string_view message) {
  out += '\0';
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(message.size() >> shift);
  out += message;
}

GrpcStream::GrpcStream(const Options& options, Totals& totals) : Client(options, totals) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t size, void* self) {
        static_cast<GrpcStream*>(self)->received_data({reinterpret_cast<const char*>(data), size});
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                         [](nghttp2_session*, int32_t, uint32_t, void* self) {
                                                           static_cast<GrpcStream*>(self)->die();
                                                           return 0;
                                                         });
  nghttp2_session_client_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 24}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 26);
  const nghttp2_nv headers[] = {field(":method", "POST"),
                                field(":scheme", "http"),
                                field(":authority", options.authority),
                                field(":path", options.path),
                                field("content-type", "application/grpc"),
                                field("te", "trailers")};
  const nghttp2_data_provider body{.source = {}, .read_callback = &GrpcStream::read};
  stream_ = nghttp2_submit_request(session_, nullptr, headers, std::size(headers), &body, nullptr);
  if (stream_ < 0) die();
}

ssize_t GrpcStream::read(nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t*, nghttp2_data_source*,
                         void* self) {
  auto& client = *static_cast<GrpcStream*>(self);
  const std::size_t n = std::min(size, client.unsent_.size() - client.sent_);
  if (n == 0) return NGHTTP2_ERR_DEFERRED;
  std::memcpy(into, client.unsent_.data() + client.sent_, n);
  client.sent_ += n;
  return static_cast<ssize_t>(n);
}

void GrpcStream::flush() {
  if (sent_ < unsent_.size()) nghttp2_session_resume_data(session_, stream_);
  for (;;) {
    const uint8_t* bytes = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
    if (n <= 0) break;
    out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(n));
  }
  unsent_.erase(0, std::exchange(sent_, 0));
  Client::flush();
}

void GrpcStream::received(std::string_view bytes) {
  if (nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) < 0) die();
}

void GrpcStream::received_data(std::string_view bytes) {
  partial_ += bytes;
  std::string_view left(partial_);
  while (left.size() >= grpc_head && left.size() >= grpc_head + length_in(left)) {
    const std::size_t length = length_in(left);
    received_message(left.substr(grpc_head, length));
    left.remove_prefix(grpc_head + length);
  }
  partial_.erase(0, partial_.size() - left.size());
}

}  // namespace parley::bench
