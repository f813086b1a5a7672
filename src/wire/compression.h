// Content codings: gzip, deflate, br and zstd; whole messages (gRPC, Connect) and streams (HTTP bodies of the REST
// edge). Every way in is bounded: by the bytes that come out, and by their ratio to the bytes that went in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::wire {

enum class Encoding : std::uint8_t { identity, gzip, deflate, br, zstd };

// "gzip": as in Content-Encoding and grpc-encoding.
std::string_view name(Encoding encoding);
// Case-insensitive; "x-gzip" is gzip (RFC 9110 section 8.4.1.3), "" is identity. Nothing for an unknown name.
std::optional<Encoding> encoding_from_name(std::string_view name);

struct DecompressLimits {
  std::size_t max_bytes = std::size_t{4} << 20;  // that may come out
  // Output may be this many times the input, once it is above `ratio_from` bytes. 0: any ratio.
  std::size_t max_ratio = 1000;
  std::size_t ratio_from = std::size_t{1} << 20;
};

// Appends to `out`. Levels are chosen for speed: what a proxy compresses is sent once.
void compress(Encoding encoding, std::string_view message, std::string& out);
// Appends to `out`. Empty input gives empty output whatever the encoding (edges.md, trap 5).
// Errors: invalid_argument for malformed or cut off input or bytes after its end; resource_exhausted for a limit. Both
// are the caller's fault: whoever reads an upstream's reply changes code and blame.
Result<void> decompress(Encoding encoding, std::string_view message, const DecompressLimits& limits, std::string& out);

// Compresses a body piece by piece.
class Compressor {
 public:
  static std::unique_ptr<Compressor> make(Encoding encoding);
  virtual ~Compressor() = default;
  // Appends what is ready to `out`; may keep some back.
  virtual void write(std::string_view piece, std::string& out) = 0;
  // Appends everything that was kept back, so that the peer can read all that was written: after each message of a
  // stream.
  virtual void flush(std::string& out) = 0;
  // Appends the end. Once.
  virtual void finish(std::string& out) = 0;
};

// Decompresses a body piece by piece. Errors as `decompress`; an error is final.
class Decompressor {
 public:
  static std::unique_ptr<Decompressor> make(Encoding encoding, const DecompressLimits& limits);
  virtual ~Decompressor() = default;
  // Appends to `out` all that `piece` gives. `limits.max_bytes` counts over the whole body.
  virtual Result<void> write(std::string_view piece, std::string& out) = 0;
  // At the body's end. Errors: invalid_argument where the compressed form was cut off. A body without any byte is fine.
  virtual Result<void> finish() = 0;
};

// The coding to answer with (RFC 9110 section 12.5.3): of those in `offered` (ours, best first) the one the client
// weighs highest, ties to the earlier; identity where none is acceptable, where there is no header, or where identity
// is weighed higher. For `accept-encoding`; `grpc-accept-encoding` and `connect-accept-encoding` are the same list
// without weights.
Encoding negotiate(std::string_view accept_encoding, std::span<const Encoding> offered);

}  // namespace parley::wire
