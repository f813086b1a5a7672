// A connection of parley_load that speaks HTTP/2 over plain text.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "client.h"

namespace parley::bench {

class Http2Client : public Client {
 public:
  Http2Client(const Options& options, Totals& totals) : Client(options, totals) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void*) {
          auto* request = static_cast<Request*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
          if (request == nullptr) return 0;
          const std::string_view n(reinterpret_cast<const char*>(name), name_size);
          const std::string_view v(reinterpret_cast<const char*>(value), value_size);
          if (n == ":status") request->status_good = v == "200";
          if (n == "grpc-status") request->grpc_good = v == "0";
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, [](nghttp2_session* session, int32_t id,
                                                                         uint32_t error, void* self) {
      auto* client = static_cast<Http2Client*>(self);
      auto* request = static_cast<Request*>(nghttp2_session_get_stream_user_data(session, id));
      if (request == nullptr) return 0;
      client->ended(request->due, error == 0 && request->status_good && (!client->options_.grpc || request->grpc_good));
      delete request;
      return 0;
    });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 24}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 26);
    add(":method", options.method);
    add(":scheme", "http");
    add(":authority", options.authority);
    add(":path", options.path);
    for (const auto& [name, value] : options.headers) add(name, value);
  }
  ~Http2Client() override { nghttp2_session_del(session_); }
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  void send(Instant due) override {
    started();
    auto* request = new Request{.due = due};
    nghttp2_data_provider body{};
    body.source.ptr = request;
    body.read_callback = [](nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t* flags,
                            nghttp2_data_source* source, void* self) -> ssize_t {
      auto* r = static_cast<Request*>(source->ptr);
      const std::string& all = static_cast<Http2Client*>(self)->options_.body;
      const std::size_t n = std::min(size, all.size() - r->sent);
      std::memcpy(into, all.data() + r->sent, n);
      r->sent += n;
      if (r->sent == all.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(n);
    };
    if (nghttp2_submit_request(session_, nullptr, headers_.data(), headers_.size(),
                               options_.body.empty() ? nullptr : &body, request) < 0)
      die();
  }

  void flush() override {
    for (;;) {
      const uint8_t* bytes = nullptr;
      const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
      if (n <= 0) break;
      out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(n));
    }
    Client::flush();
  }

 private:
  struct Request {
    Instant due;
    std::size_t sent = 0;
    bool status_good = false;
    bool grpc_good = false;
  };
  void add(const std::string& name, const std::string& value) {
    texts_.push_back(name);
    texts_.push_back(value);
    std::string& n = texts_[texts_.size() - 2];
    std::string& v = texts_.back();
    headers_.push_back({reinterpret_cast<uint8_t*>(n.data()), reinterpret_cast<uint8_t*>(v.data()), n.size(), v.size(),
                        NGHTTP2_NV_FLAG_NONE});
  }
  void received(std::string_view bytes) override {
    if (nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) < 0) die();
  }

  nghttp2_session* session_ = nullptr;
  std::deque<std::string> texts_;
  std::vector<nghttp2_nv> headers_;
};

}  // namespace parley::bench
