// BodyReader: a request's body without its content coding, in chunks or whole, within limits.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "net/exchange.h"
#include "wire/compression.h"

namespace parley::net {

class BodyReader {
 public:
  // `max_whole`: bytes that `all` takes. `exchange` outlives the reader.
  BodyReader(ServerExchange& exchange, std::size_t max_whole) : exchange_(exchange), max_whole_(max_whole) {}

  // Looks at content-encoding. Errors: unimplemented ("unsupported_encoding": 415) for one we do not have.
  // `whole`: `all` will be called, so its limit also bounds what is decompressed; a stream is bounded by the ratio
  // only.
  Result<void> open(bool whole);
  // Nothing at the end. Errors: invalid_argument for malformed compression, resource_exhausted for its ratio, the
  // exchange's own.
  Task<Result<std::optional<Bytes>>> next();
  // Errors as `next`, and resource_exhausted ("message_too_large": 413).
  Task<Result<Bytes>> all();

 private:
  Result<std::optional<Bytes>> inflate();
  Error too_large() const;

  ServerExchange& exchange_;
  std::size_t max_whole_;
  std::unique_ptr<wire::Decompressor> decompressor_;  // null: identity
  Bytes packed_;                                      // what was read and not decompressed yet
};

// The codings we take, for Accept-Encoding of a 415 (RFC 9110 section 12.5.3).
inline constexpr std::string_view accepted_encodings = "gzip, br, zstd, deflate";

}  // namespace parley::net
