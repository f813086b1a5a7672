// The HTTP/2 side of parley_backend: one gRPC connection from a proxy.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <nghttp2/nghttp2.h>

#include "canned.h"

namespace parley::bench {

// What all connections answer with.
struct Service {
  std::string grpc_reply;  // framed: to every path that is not of bench/*/contracts
  Counts counts;
  std::function<void(std::string_view framed)> on_request;  // hears of the request of every call that gets `grpc_reply`
};

// Give it what came, write what take() gives. One rpc a path:
// - of bench/graphql/contracts: canned.h
// - /bench.Sockets/Echo: every byte comes back at once
// - /bench.Sockets/Watch: lines at a rate; call tick() every few milliseconds while watched()
// - any other: the one reply
class H2Service {
 public:
  explicit H2Service(Service& service);
  H2Service(const H2Service&) = delete;
  H2Service& operator=(const H2Service&) = delete;
  ~H2Service();

  bool received(std::string_view bytes);  // false: not HTTP/2
  bool take(std::string& out);            // appends; false: the session is broken
  bool watched() const { return watchers_ != 0; }
  void tick(std::chrono::steady_clock::time_point now);

 private:
  enum class Kind : std::uint8_t { fixed, canned, echo, watch };
  struct Stream {
    Kind kind = Kind::fixed;
    std::string path;
    std::string authorization;
    std::string in;
    std::string out;
    std::size_t sent = 0;
    bool ended = false;  // `out` is all that comes
    bool answered = false;
    // Watch.
    int rate = 0;
    int bytes = 0;
    std::uint64_t lines = 0;
    std::chrono::steady_clock::time_point began;
  };

  static int on_begin(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                       const uint8_t* value, size_t value_size, uint8_t flags, void* self);
  static int on_data(nghttp2_session*, uint8_t flags, int32_t id, const uint8_t* bytes, size_t size, void* self);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_close(nghttp2_session*, int32_t id, uint32_t error, void* self);
  static ssize_t read(nghttp2_session*, int32_t id, uint8_t* into, size_t size, uint32_t* flags, nghttp2_data_source*,
                      void* self);

  void header(Stream& stream, std::string_view name, std::string_view value);
  void request_ended(int32_t id, Stream& stream);
  void answer(int32_t id, Stream& stream);
  void watch(Stream& stream);

  Service& service_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::unique_ptr<Stream>> streams_;
  std::size_t watchers_ = 0;
};

}  // namespace parley::bench
