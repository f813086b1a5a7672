#include "net/body_reader.h"

#include <charconv>

namespace parley::net {
namespace {

// A piece at a time goes through the decompressor, and what came out is handed on: so a bomb meets the limits early.
constexpr std::size_t packed_piece = 4 * 1024;
constexpr std::size_t enough = 64 * 1024;

}  // namespace

Error BodyReader::too_large() const {
  return Error(Code::resource_exhausted, Blame::caller,
               "the request body is larger than " + std::to_string(max_whole_) + " bytes")
      .with_reason("message_too_large");
}

Result<void> BodyReader::open(bool whole) {
  const Fields& fields = exchange_.request().fields;
  if (const auto coding = fields.find("content-encoding")) {
    const auto encoding = wire::encoding_from_name(*coding);
    if (!encoding) {
      return fail(Error(Code::unimplemented, Blame::caller,
                        "content-encoding \"" + std::string(*coding) + "\" is not supported; one of " +
                            std::string(accepted_encodings) + " is")
                      .with_reason("unsupported_encoding"));
    }
    if (*encoding != wire::Encoding::identity) {
      wire::DecompressLimits limits;
      limits.max_bytes = whole ? max_whole_ : std::string::npos;
      decompressor_ = wire::Decompressor::make(*encoding, limits);
      return {};
    }
  }
  // What says that it is too large is not read at all.
  if (const auto length = fields.find("content-length"); whole && length) {
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), bytes);
    if (error == std::errc() && bytes > max_whole_) return fail(too_large());
  }
  return {};
}

Result<std::optional<Bytes>> BodyReader::inflate() {
  std::string out;
  while (!packed_.empty() && out.size() < enough) {
    auto done = decompressor_->write(packed_.view().substr(0, packed_piece), out);
    if (!done) {
      Error error = std::move(done).error();
      if (error.code() == Code::resource_exhausted) error = std::move(error).with_reason("message_too_large");
      return fail(std::move(error));
    }
    packed_ = packed_.slice(packed_piece);
  }
  if (out.empty()) return std::nullopt;
  return Bytes(std::move(out));
}

Task<Result<std::optional<Bytes>>> BodyReader::next() {
  for (;;) {
    if (!packed_.empty()) {
      auto inflated = inflate();
      if (!inflated || *inflated) co_return inflated;
    }
    auto chunk = co_await exchange_.body().read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) {
      if (decompressor_) {
        if (auto whole = decompressor_->finish(); !whole) co_return fail(std::move(whole).error());
      }
      co_return std::nullopt;
    }
    if ((*chunk)->empty()) continue;
    if (!decompressor_) co_return *std::move(chunk);
    packed_ = **std::move(chunk);
  }
}

Task<Result<Bytes>> BodyReader::all() {
  Bytes first;
  std::string joined;  // only used where the body comes in several chunks
  for (;;) {
    Result<std::optional<Bytes>> chunk;
    if (decompressor_) {
      chunk = co_await next();
    } else {
      chunk = co_await exchange_.body().read();
    }
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) break;
    if (joined.size() + first.size() + (*chunk)->size() > max_whole_) co_return fail(too_large());
    if (first.empty() && joined.empty()) {
      first = **std::move(chunk);
      continue;
    }
    if (joined.empty()) {
      joined.reserve(2 * (first.size() + (*chunk)->size()));
      joined = first.view();
      first = Bytes();
    }
    joined.append((*chunk)->view());
  }
  co_return joined.empty() ? std::move(first) : Bytes(std::move(joined));
}

}  // namespace parley::net
