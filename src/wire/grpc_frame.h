// Length-prefixed messages: one byte of flags, a big-endian 32-bit length, the payload. The body of gRPC
// (PROTOCOL-HTTP2.md, "Length-Prefixed-Message"), of gRPC-Web, and of Connect's streams ("envelopes").
//
// The same bytes in any chunking give the same frames. A payload that lies within one chunk is a slice of that chunk;
// only one that spans chunks is copied, once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace parley::wire {

inline constexpr std::uint8_t frame_compressed = 0x01;  // the payload is compressed by the stream's encoding
inline constexpr std::uint8_t frame_end_stream = 0x02;  // Connect: the payload is the EndStreamResponse JSON
inline constexpr std::uint8_t frame_trailers = 0x80;  // gRPC-Web: the payload is the trailers as an HTTP/1 header block
inline constexpr std::size_t frame_prefix_size = 5;

struct GrpcFrame {
  std::uint8_t flags = 0;
  Bytes payload;
};

// Used by one reader; no io. An error is final: every later call returns it again.
class GrpcFrameDecoder {
 public:
  // `max_payload`: bytes of one payload as sent. A longer one is refused as soon as its prefix is read.
  explicit GrpcFrameDecoder(std::size_t max_payload) : max_payload_(max_payload) {}

  // Adds a chunk. Only after `next` gave nothing (or for the first chunk).
  void feed(Bytes chunk);
  // The next complete frame; nothing: needs another chunk. Errors: resource_exhausted, the caller's fault, for a frame
  // above the limit (an edge that reads an upstream's reply changes the blame).
  Result<std::optional<GrpcFrame>> next();
  // True between frames: a body that ends where this is false was cut off.
  bool is_between_frames() const { return prefix_have_ == 0 && rest_.empty(); }

 private:
  bool read_prefix();

  std::size_t max_payload_;
  Bytes rest_;  // of the current chunk
  std::array<unsigned char, frame_prefix_size> prefix_{};
  std::size_t prefix_have_ = 0;  // frame_prefix_size while within a payload
  std::size_t size_ = 0;         // of the current payload
  std::string partial_;          // what earlier chunks held of it
  std::optional<std::size_t> refused_;
};

// The prefix of a payload of `size` bytes.
std::array<char, frame_prefix_size> grpc_frame_prefix(std::uint8_t flags, std::size_t size);
// Prefix and payload in one slice: for payloads so small that a copy costs less than a second slice.
Bytes grpc_frame(std::uint8_t flags, std::string_view payload);
inline constexpr std::size_t join_frame_below = 2048;

}  // namespace parley::wire
