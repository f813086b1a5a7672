#include "wire/compression.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include "base/text.h"

namespace parley::wire {
namespace {

constexpr std::string_view names[] = {"identity", "gzip", "deflate", "br", "zstd"};

// Speed over size: what passes a proxy is compressed for one reader.
constexpr int gzip_level = 3;
constexpr int brotli_quality = 3;
constexpr int brotli_window = 18;
constexpr int zstd_level = 2;
constexpr int zstd_window_log_max =
    23;  // RFC 9659: a decoder of the zstd content coding must take 8 MB, and need not take more

constexpr int zlib_window = 15;
constexpr int zlib_gzip = 16;  // added to the window: gzip instead of zlib framing
constexpr int zlib_memory = 8;
constexpr std::size_t step = 16 * 1024;  // bytes a call into a library may produce

Bytef* zlib_in(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }
const std::uint8_t* brotli_in(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

// Only the allocator fails, with these arguments: no state to go on from.
void must(bool good) {
  if (!good) std::abort();
}

class IdentityCompressor final : public Compressor {
 public:
  void write(std::string_view piece, std::string& out) override { out.append(piece); }
  void flush(std::string&) override {}
  void finish(std::string&) override {}
};

class ZlibCompressor final : public Compressor {
 public:
  explicit ZlibCompressor(int window) {
    must(deflateInit2(&stream_, gzip_level, Z_DEFLATED, window, zlib_memory, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~ZlibCompressor() override { deflateEnd(&stream_); }
  void write(std::string_view piece, std::string& out) override { run(piece, Z_NO_FLUSH, out); }
  void flush(std::string& out) override { run({}, Z_SYNC_FLUSH, out); }
  void finish(std::string& out) override { run({}, Z_FINISH, out); }

 private:
  void run(std::string_view piece, int mode, std::string& out) {
    std::array<char, step> room;
    stream_.next_in = zlib_in(piece);
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      deflate(&stream_, mode);
      out.append(room.data(), room.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }
  z_stream stream_{};
};

class BrotliCompressor final : public Compressor {
 public:
  BrotliCompressor() : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    must(state_ != nullptr);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, brotli_quality);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, brotli_window);
  }
  ~BrotliCompressor() override { BrotliEncoderDestroyInstance(state_); }
  void write(std::string_view piece, std::string& out) override { run(piece, BROTLI_OPERATION_PROCESS, out); }
  void flush(std::string& out) override { run({}, BROTLI_OPERATION_FLUSH, out); }
  void finish(std::string& out) override { run({}, BROTLI_OPERATION_FINISH, out); }

 private:
  void run(std::string_view piece, BrotliEncoderOperation mode, std::string& out) {
    const std::uint8_t* in = brotli_in(piece);
    std::size_t in_left = piece.size();
    do {
      std::size_t room = 0;
      must(BrotliEncoderCompressStream(state_, mode, &in_left, &in, &room, nullptr, nullptr) == BROTLI_TRUE);
      std::size_t size = 0;
      const std::uint8_t* ready = BrotliEncoderTakeOutput(state_, &size);
      out.append(reinterpret_cast<const char*>(ready), size);
    } while (in_left > 0 || BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE);
  }
  BrotliEncoderState* state_;
};

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor() : state_(ZSTD_createCCtx()) {
    must(state_ != nullptr);
    ZSTD_CCtx_setParameter(state_, ZSTD_c_compressionLevel, zstd_level);
  }
  ~ZstdCompressor() override { ZSTD_freeCCtx(state_); }
  void write(std::string_view piece, std::string& out) override { run(piece, ZSTD_e_continue, out); }
  void flush(std::string& out) override { run({}, ZSTD_e_flush, out); }
  void finish(std::string& out) override { run({}, ZSTD_e_end, out); }

 private:
  void run(std::string_view piece, ZSTD_EndDirective mode, std::string& out) {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    for (;;) {
      std::array<char, step> room;
      ZSTD_outBuffer to{room.data(), room.size(), 0};
      const std::size_t left = ZSTD_compressStream2(state_, &to, &in, mode);
      must(ZSTD_isError(left) == 0);
      out.append(room.data(), to.pos);
      if (mode == ZSTD_e_continue ? in.pos == in.size : left == 0) return;
    }
  }
  ZSTD_CCtx* state_;
};

// What all ways in share: the limits, and that an error is final.
class LimitedDecompressor : public Decompressor {
 public:
  LimitedDecompressor(Encoding encoding, const DecompressLimits& limits) : encoding_(encoding), limits_(limits) {}

  Result<void> write(std::string_view piece, std::string& out) final {
    if (failed_) return fail(*failed_);
    if (piece.empty()) return {};
    bytes_in_ += piece.size();
    Result<void> done = run(piece, out);
    if (!done) failed_ = done.error();
    return done;
  }
  Result<void> finish() final {
    if (failed_) return fail(*failed_);
    if (bytes_in_ == 0 || at_end()) return {};
    return malformed("is cut off");
  }

 protected:
  virtual Result<void> run(std::string_view piece, std::string& out) = 0;
  virtual bool at_end() const = 0;

  Result<void> emit(std::string_view bytes, std::string& out) {
    bytes_out_ += bytes.size();
    if (bytes_out_ > limits_.max_bytes) {
      return too_much(fmt::format("a message is above the limit of {} bytes after decompression", limits_.max_bytes));
    }
    if (limits_.max_ratio != 0 && bytes_out_ > limits_.ratio_from && bytes_out_ / limits_.max_ratio > bytes_in_) {
      return too_much(fmt::format("a message grows more than {} times by decompression", limits_.max_ratio));
    }
    out.append(bytes);
    return {};
  }
  std::unexpected<Error> malformed(std::string_view what) const {
    return fail(Error(Code::invalid_argument, Blame::caller, fmt::format("{} data {}", name(encoding_), what))
                    .with_reason("bad_compression"));
  }

 private:
  static std::unexpected<Error> too_much(std::string message) {
    return fail(Error(Code::resource_exhausted, Blame::caller, std::move(message)).with_reason("message_too_large"));
  }
  Encoding encoding_;
  DecompressLimits limits_;
  std::size_t bytes_in_ = 0;
  std::size_t bytes_out_ = 0;
  std::optional<Error> failed_;
};

class IdentityDecompressor final : public LimitedDecompressor {
 public:
  using LimitedDecompressor::LimitedDecompressor;

 protected:
  Result<void> run(std::string_view piece, std::string& out) override { return emit(piece, out); }
  bool at_end() const override { return true; }
};

// gzip of one or several members (RFC 1952 section 2.2); deflate in zlib's framing, or raw as some senders have it.
class ZlibDecompressor final : public LimitedDecompressor {
 public:
  ZlibDecompressor(Encoding encoding, const DecompressLimits& limits)
      : LimitedDecompressor(encoding, limits), is_gzip_(encoding == Encoding::gzip) {}
  ~ZlibDecompressor() override {
    if (started_) inflateEnd(&stream_);
  }

 protected:
  Result<void> run(std::string_view piece, std::string& out) override {
    if (!started_) start(piece.front());
    std::array<char, step> room;
    stream_.next_in = zlib_in(piece);
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      if (ended_) {
        if (stream_.avail_in == 0) break;
        if (!is_gzip_) return malformed("goes on after its end");
        inflateReset(&stream_);
        ended_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return malformed("is malformed");
      ended_ = status == Z_STREAM_END;
      if (auto sent = emit({room.data(), room.size() - stream_.avail_out}, out); !sent) return sent;
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return {};
  }
  bool at_end() const override { return ended_; }

 private:
  void start(char first) {
    const bool zlib_header = (static_cast<unsigned char>(first) & 0x0fU) == Z_DEFLATED;
    const int window = is_gzip_ ? zlib_window + zlib_gzip : zlib_header ? zlib_window : -zlib_window;
    must(inflateInit2(&stream_, window) == Z_OK);
    started_ = true;
  }
  z_stream stream_{};
  bool is_gzip_;
  bool started_ = false;
  bool ended_ = false;
};

class BrotliDecompressor final : public LimitedDecompressor {
 public:
  explicit BrotliDecompressor(const DecompressLimits& limits)
      : LimitedDecompressor(Encoding::br, limits), state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    must(state_ != nullptr);
  }
  ~BrotliDecompressor() override { BrotliDecoderDestroyInstance(state_); }

 protected:
  Result<void> run(std::string_view piece, std::string& out) override {
    if (at_end()) return malformed("goes on after its end");
    const std::uint8_t* in = brotli_in(piece);
    std::size_t in_left = piece.size();
    BrotliDecoderResult result;
    do {
      std::size_t room = 0;
      result = BrotliDecoderDecompressStream(state_, &in_left, &in, &room, nullptr, nullptr);
      if (result == BROTLI_DECODER_RESULT_ERROR) return malformed("is malformed");
      std::size_t size = step;
      const std::uint8_t* ready = BrotliDecoderTakeOutput(state_, &size);
      if (auto sent = emit({reinterpret_cast<const char*>(ready), size}, out); !sent) return sent;
    } while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT || BrotliDecoderHasMoreOutput(state_) == BROTLI_TRUE);
    return in_left > 0 ? Result<void>(malformed("goes on after its end")) : Result<void>();
  }
  bool at_end() const override { return BrotliDecoderIsFinished(state_) == BROTLI_TRUE; }

 private:
  BrotliDecoderState* state_;
};

class ZstdDecompressor final : public LimitedDecompressor {
 public:
  explicit ZstdDecompressor(const DecompressLimits& limits)
      : LimitedDecompressor(Encoding::zstd, limits), state_(ZSTD_createDCtx()) {
    must(state_ != nullptr);
    ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, zstd_window_log_max);
  }
  ~ZstdDecompressor() override { ZSTD_freeDCtx(state_); }

 protected:
  Result<void> run(std::string_view piece, std::string& out) override {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    for (bool more = true; more;) {
      std::array<char, step> room;
      ZSTD_outBuffer to{room.data(), room.size(), 0};
      left_ = ZSTD_decompressStream(state_, &to, &in);
      if (ZSTD_isError(left_) != 0) return malformed("is malformed");
      if (auto sent = emit({room.data(), to.pos}, out); !sent) return sent;
      more = in.pos < in.size || (to.pos == to.size && left_ != 0);  // not after an end: that would begin a frame
    }
    return {};
  }
  bool at_end() const override { return left_ == 0; }

 private:
  ZSTD_DCtx* state_;
  std::size_t left_ = 0;
};

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// RFC 9110 section 12.4.2, in thousandths; a malformed weight is 0.
int weight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return 0;
  int value = (text[0] - '0') * 1000;
  int unit = 100;
  for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (text[1] != '.' || text[i] < '0' || text[i] > '9') return 0;
    value += (text[i] - '0') * unit;
  }
  return std::min(value, 1000);
}

struct Weights {
  static constexpr int not_listed = -1;
  std::array<int, std::size(names)> of{not_listed, not_listed, not_listed, not_listed, not_listed};
  int others = not_listed;

  int get(Encoding encoding) const {
    const int own = of[static_cast<std::size_t>(encoding)];
    return own == not_listed ? others : own;
  }
};

Weights parse_weights(std::string_view list) {
  Weights weights;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const std::string_view item = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    const auto semicolon = item.find(';');
    const std::string_view coding = trim(item.substr(0, semicolon));
    int q = 1000;
    if (semicolon != std::string_view::npos) {
      const std::string_view parameter = trim(item.substr(semicolon + 1));
      if (parameter.starts_with("q=") || parameter.starts_with("Q=")) q = weight(parameter.substr(2));
    }
    if (coding == "*") {
      weights.others = q;
    } else if (const auto known = coding.empty() ? std::nullopt : encoding_from_name(coding)) {
      weights.of[static_cast<std::size_t>(*known)] = q;
    }
  }
  return weights;
}

}  // namespace

std::string_view name(Encoding encoding) { return names[static_cast<std::size_t>(encoding)]; }

std::optional<Encoding> encoding_from_name(std::string_view name) {
  if (name.empty()) return Encoding::identity;
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if (same_name(names[i], name)) return static_cast<Encoding>(i);
  }
  if (same_name(name, "x-gzip")) return Encoding::gzip;
  return std::nullopt;
}

std::unique_ptr<Compressor> Compressor::make(Encoding encoding) {
  switch (encoding) {
    case Encoding::identity: return std::make_unique<IdentityCompressor>();
    case Encoding::gzip: return std::make_unique<ZlibCompressor>(zlib_window + zlib_gzip);
    case Encoding::deflate: return std::make_unique<ZlibCompressor>(zlib_window);
    case Encoding::br: return std::make_unique<BrotliCompressor>();
    case Encoding::zstd: return std::make_unique<ZstdCompressor>();
  }
  std::abort();
}

std::unique_ptr<Decompressor> Decompressor::make(Encoding encoding, const DecompressLimits& limits) {
  switch (encoding) {
    case Encoding::identity: return std::make_unique<IdentityDecompressor>(encoding, limits);
    case Encoding::gzip:
    case Encoding::deflate: return std::make_unique<ZlibDecompressor>(encoding, limits);
    case Encoding::br: return std::make_unique<BrotliDecompressor>(limits);
    case Encoding::zstd: return std::make_unique<ZstdDecompressor>(limits);
  }
  std::abort();
}

void compress(Encoding encoding, std::string_view message, std::string& out) {
  const auto compressor = Compressor::make(encoding);
  compressor->write(message, out);
  compressor->finish(out);
}

Result<void> decompress(Encoding encoding, std::string_view message, const DecompressLimits& limits, std::string& out) {
  if (message.empty()) return {};
  const auto decompressor = Decompressor::make(encoding, limits);
  if (auto done = decompressor->write(message, out); !done) return done;
  return decompressor->finish();
}

Encoding negotiate(std::string_view accept_encoding, std::span<const Encoding> offered) {
  const Weights weights = parse_weights(accept_encoding);
  Encoding best = Encoding::identity;
  int best_weight = std::max(0, weights.of[static_cast<std::size_t>(Encoding::identity)]);
  bool better_than_identity = false;
  for (const Encoding encoding : offered) {
    if (encoding == Encoding::identity) continue;
    const int own = weights.get(encoding);
    // Against identity a tie goes to the coding; among codings to the earlier.
    if (own > 0 && (own > best_weight || (own == best_weight && !better_than_identity))) {
      best = encoding;
      best_weight = own;
      better_than_identity = true;
    }
  }
  return best;
}

}  // namespace parley::wire
