// A gRPC call that stays open, as a producer and a consumer of parley.Queues keep one, and the few pieces of Protobuf's
// wire form that they need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "../load/client.h"

namespace parley::bench {

void append_field(std::string& out, unsigned number, std::uint64_t value);
void append_field(std::string& out, unsigned number, std::string_view bytes);

// A record of a message: a number, or bytes.
struct WireField {
  unsigned number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};
// Takes the first record off `message`, which is not empty.
WireField take_field(std::string_view& message);

// A message, framed as gRPC frames it.
void append_framed(std::string& out, std::string_view message);

class GrpcStream : public Client {
 public:
  GrpcStream(const Options& options, Totals& totals);
  ~GrpcStream() override { nghttp2_session_del(session_); }
  GrpcStream(const GrpcStream&) = delete;
  GrpcStream& operator=(const GrpcStream&) = delete;

  void flush() override;

 protected:
  void send_message(std::string_view message) { append_framed(unsent_, message); }
  virtual void received_message(std::string_view message) = 0;

 private:
  static ssize_t read(nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t* flags, nghttp2_data_source*,
                      void* self);
  void received(std::string_view bytes) override;
  void received_data(std::string_view bytes);

  nghttp2_session* session_ = nullptr;
  int32_t stream_ = -1;
  std::string unsent_;
  std::size_t sent_ = 0;  // of unsent_
  std::string partial_;   // of a message
};

}  // namespace parley::bench
