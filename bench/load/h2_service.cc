#include "h2_service.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lines.h"

namespace parley::bench {
namespace {

constexpr std::size_t watch_buffer = 1 << 20;  // lines are skipped while so much waits for the proxy's window

nghttp2_nv nv(std::string_view name, std::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

std::string_view view(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

}  // namespace

H2Service::H2Service(Service& service) : service_(service) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session_server_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 20'000},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 24}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 2);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 26);
}

H2Service::~H2Service() { nghttp2_session_del(session_); }

bool H2Service::received(std::string_view bytes) {
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) >= 0;
}

bool H2Service::take(std::string& out) {
  for (;;) {
    const uint8_t* bytes = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
    if (n <= 0) return n == 0;
    out += view(bytes, static_cast<std::size_t>(n));
  }
}

int H2Service::on_begin(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    static_cast<H2Service*>(self)->streams_.emplace(frame->hd.stream_id, std::make_unique<Stream>());
  }
  return 0;
}

int H2Service::on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                         const uint8_t* value, size_t value_size, uint8_t, void* self) {
  auto* service = static_cast<H2Service*>(self);
  const auto at = service->streams_.find(frame->hd.stream_id);
  if (at != service->streams_.end()) service->header(*at->second, view(name, name_size), view(value, value_size));
  return 0;
}

void H2Service::header(Stream& stream, std::string_view name, std::string_view value) {
  if (name == "authorization") stream.authorization = value;
  if (name != ":path") return;
  stream.path = value;
  if (value == "/bench.Sockets/Echo") {
    stream.kind = Kind::echo;
  } else if (value == "/bench.Sockets/Watch") {
    stream.kind = Kind::watch;
  } else if (is_canned(value)) {
    stream.kind = Kind::canned;
  }
}

int H2Service::on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* self) {
  auto* service = static_cast<H2Service*>(self);
  const auto at = service->streams_.find(id);
  if (at == service->streams_.end()) return 0;
  Stream& stream = *at->second;
  if (stream.kind == Kind::echo) {
    stream.out += view(bytes, size);
    nghttp2_session_resume_data(session, id);
  } else if (stream.kind != Kind::fixed || service->service_.on_request) {
    stream.in += view(bytes, size);
  }
  return 0;
}

int H2Service::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
  auto* service = static_cast<H2Service*>(self);
  const auto at = service->streams_.find(frame->hd.stream_id);
  if (at == service->streams_.end()) return 0;
  Stream& stream = *at->second;
  if (stream.kind == Kind::echo && !stream.answered) service->answer(frame->hd.stream_id, stream);
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) service->request_ended(frame->hd.stream_id, stream);
  return 0;
}

int H2Service::on_close(nghttp2_session*, int32_t id, uint32_t, void* self) {
  auto* service = static_cast<H2Service*>(self);
  const auto at = service->streams_.find(id);
  if (at == service->streams_.end()) return 0;
  if (at->second->rate > 0) --service->watchers_;
  service->streams_.erase(at);
  return 0;
}

void H2Service::request_ended(int32_t id, Stream& stream) {
  switch (stream.kind) {
    case Kind::fixed:
      if (service_.on_request) service_.on_request(stream.in);
      stream.out = service_.grpc_reply;
      stream.ended = true;
      break;
    case Kind::canned:
      stream.out = canned_answer(stream.path, stream.in, stream.authorization, service_.counts);
      stream.ended = true;
      break;
    case Kind::echo:
      stream.ended = true;
      nghttp2_session_resume_data(session_, id);
      break;
    case Kind::watch: watch(stream); break;
  }
  if (!stream.answered) answer(id, stream);
}

void H2Service::watch(Stream& stream) {
  const auto [rate, bytes] = watch_request(stream.in);
  stream.rate = std::max(rate, 1);
  stream.bytes = bytes;
  stream.began = std::chrono::steady_clock::now();
  ++watchers_;
}

void H2Service::tick(std::chrono::steady_clock::time_point now) {
  for (auto& [id, stream] : streams_) {
    if (stream->rate == 0) continue;
    const double seconds = std::chrono::duration<double>(now - stream->began).count();
    const auto due = static_cast<std::uint64_t>(seconds * stream->rate);
    if (due == stream->lines) continue;
    for (; stream->lines < due; ++stream->lines) {
      if (stream->out.size() - stream->sent < watch_buffer) append_line(stream->out, stream->bytes);
    }
    nghttp2_session_resume_data(session_, id);
  }
}

void H2Service::answer(int32_t id, Stream& stream) {
  stream.answered = true;
  const nghttp2_nv head[] = {nv(":status", "200"), nv("content-type", "application/grpc")};
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = read;
  nghttp2_submit_response(session_, id, head, 2, &body);
}

ssize_t H2Service::read(nghttp2_session* session, int32_t id, uint8_t* into, size_t size, uint32_t* flags,
                        nghttp2_data_source* source, void*) {
  auto& stream = *static_cast<Stream*>(source->ptr);
  const std::size_t n = std::min(size, stream.out.size() - stream.sent);
  std::memcpy(into, stream.out.data() + stream.sent, n);
  stream.sent += n;
  if (stream.sent == stream.out.size()) {
    if (stream.ended) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const nghttp2_nv trailers[] = {nv("grpc-status", "0")};
      nghttp2_submit_trailer(session, id, trailers, 1);
    } else {
      stream.out.clear();
      stream.sent = 0;
      if (n == 0) return NGHTTP2_ERR_DEFERRED;
    }
  }
  return static_cast<ssize_t>(n);
}

}  // namespace parley::bench
