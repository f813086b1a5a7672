#include "wire/permessage_deflate.h"

#include <array>
#include <charconv>
#include <new>
#include <vector>

#include <zlib.h>

namespace parley::wire {
namespace {

constexpr std::string_view extension = "permessage-deflate";
constexpr std::string_view tail("\x00\x00\xff\xff", 4);  // of a sync flush; left out on the wire (section 7.2.1)
constexpr int memory_level = 8;
// For speed: what a proxy compresses is sent once.
constexpr int level = 1;
constexpr std::size_t block = 16 * 1024;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes what stands before the next `separator` outside of quotes.
std::string_view take_part(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size() && (quoted || rest[at] != separator); ++at) quoted = quoted != (rest[at] == '"');
  const std::string_view part = trimmed(rest.substr(0, at));
  rest.remove_prefix(at < rest.size() ? at + 1 : at);
  return part;
}

// 8 to 15 without leading zeros, perhaps in quotes; 0 for anything else.
int window_bits(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool good = error == std::errc() && end == text.data() + text.size() && text.front() != '0';
  return good && bits >= 8 && bits <= 15 ? bits : 0;
}

// One parameter of an offer. False: the offer is passed over. `seen`: a bit a parameter.
bool read_parameter(std::string_view parameter, DeflateTerms& terms, unsigned& seen) {
  const std::size_t equals = parameter.find('=');
  const bool has_value = equals != std::string_view::npos;
  const std::string_view name = trimmed(parameter.substr(0, equals));
  const std::string_view value = has_value ? trimmed(parameter.substr(equals + 1)) : std::string_view();
  unsigned bit = 0;
  if (name == "server_no_context_takeover" && !has_value) {
    bit = 1;
    terms.server_no_context_takeover = true;
  } else if (name == "client_no_context_takeover" && !has_value) {
    bit = 2;
    terms.client_no_context_takeover = true;
  } else if (name == "server_max_window_bits" && has_value) {
    bit = 4;
    terms.server_max_window_bits = window_bits(value);
    if (terms.server_max_window_bits <= 8) return false;  // zlib has no raw window of 256 bytes
  } else if (name == "client_max_window_bits") {
    bit = 8;
    terms.client_max_window_bits = has_value ? window_bits(value) : 15;
    if (terms.client_max_window_bits == 0) return false;
    terms.say_client_bits = has_value;
  }
  if (bit == 0 || (seen & bit) != 0) return false;
  seen |= bit;
  return true;
}

std::optional<DeflateTerms> read_offer(std::string_view offer) {
  if (take_part(offer, ';') != extension) return std::nullopt;
  DeflateTerms terms;
  unsigned seen = 0;
  while (!offer.empty()) {
    if (!read_parameter(take_part(offer, ';'), terms, seen)) return std::nullopt;
  }
  return terms;
}

Bytef* input(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

}  // namespace

std::optional<DeflateTerms> agree_on_deflate(std::string_view offers, DeflateMode mode) {
  while (mode != DeflateMode::off && !offers.empty()) {
    auto terms = read_offer(take_part(offers, ','));
    if (!terms) continue;
    if (mode == DeflateMode::message) terms->server_no_context_takeover = terms->client_no_context_takeover = true;
    return terms;
  }
  return std::nullopt;
}

std::string deflate_answer(const DeflateTerms& terms) {
  std::string out(extension);
  if (terms.server_no_context_takeover) out += "; server_no_context_takeover";
  if (terms.client_no_context_takeover) out += "; client_no_context_takeover";
  if (terms.server_max_window_bits != 15)
    out.append("; server_max_window_bits=").append(std::to_string(terms.server_max_window_bits));
  if (terms.say_client_bits)
    out.append("; client_max_window_bits=").append(std::to_string(terms.client_max_window_bits));
  return out;
}

// Inflating.

struct MessageInflater::Stream {
  // A window of 15 bits reads what any window wrote.
  Stream() {
    if (inflateInit2(&z, -15) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { inflateEnd(&z); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  static Stream& of_thread() {
    static thread_local Stream stream;
    inflateReset(&stream.z);
    return stream;
  }
  InflateResult run(std::string_view piece, std::size_t limit, std::string& out);
  // A final block (section 7.2.3.4) ended zlib's stream, but not the message: the window goes on.
  bool restart() {
    std::array<Bytef, 32768> window;
    uInt size = 0;
    if (inflateGetDictionary(&z, window.data(), &size) != Z_OK || inflateReset(&z) != Z_OK) return false;
    return size == 0 || inflateSetDictionary(&z, window.data(), size) == Z_OK;
  }

  z_stream z{};
};

InflateResult MessageInflater::Stream::run(std::string_view piece, std::size_t limit, std::string& out) {
  z.next_in = input(piece);
  z.avail_in = static_cast<uInt>(piece.size());
  for (;;) {
    std::array<char, block> buffer;
    z.next_out = reinterpret_cast<Bytef*>(buffer.data());
    z.avail_out = static_cast<uInt>(buffer.size());
    const int result = ::inflate(&z, Z_SYNC_FLUSH);
    out.append(buffer.data(), buffer.size() - z.avail_out);
    if (out.size() > limit) return InflateResult::too_large;
    if (result == Z_STREAM_END) {
      if (!restart()) return InflateResult::malformed;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return InflateResult::malformed;
    }
    if (z.avail_in == 0 && z.avail_out != 0) return InflateResult::ok;
    if (result == Z_BUF_ERROR) return InflateResult::malformed;  // no progress is possible
  }
}

MessageInflater::MessageInflater(const DeflateTerms& terms)
    : own_(terms.client_no_context_takeover ? nullptr : std::make_unique<Stream>()) {}
MessageInflater::~MessageInflater() = default;

InflateResult MessageInflater::inflate(std::string_view message, std::size_t limit, std::string& out) {
  out.clear();
  Stream& stream = own_ ? *own_ : Stream::of_thread();
  const InflateResult body = stream.run(message, limit, out);
  return body == InflateResult::ok ? stream.run(tail, limit, out) : body;
}

// Deflating.

struct MessageDeflater::Stream {
  explicit Stream(int window) {
    if (deflateInit2(&z, level, Z_DEFLATED, -window, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { deflateEnd(&z); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  static Stream& of_thread(int window) {
    static thread_local std::array<std::unique_ptr<Stream>, 16> streams;
    auto& stream = streams.at(static_cast<std::size_t>(window));
    if (!stream) stream = std::make_unique<Stream>(window);
    deflateReset(&stream->z);
    return *stream;
  }
  void run(std::string_view message, std::string& out);

  z_stream z{};
};

void MessageDeflater::Stream::run(std::string_view message, std::string& out) {
  z.next_in = input(message);
  z.avail_in = static_cast<uInt>(message.size());
  const std::size_t began = out.size();
  std::array<char, block> buffer;
  do {
    z.next_out = reinterpret_cast<Bytef*>(buffer.data());
    z.avail_out = static_cast<uInt>(buffer.size());
    ::deflate(&z, Z_SYNC_FLUSH);
    out.append(buffer.data(), buffer.size() - z.avail_out);
  } while (z.avail_out == 0);
  if (std::string_view(out).substr(began).ends_with(tail)) out.resize(out.size() - tail.size());
  if (out.size() == began) out += '\0';  // section 7.2.3.6: an empty message is one empty block
}

MessageDeflater::MessageDeflater(const DeflateTerms& terms)
    : own_(terms.server_no_context_takeover ? nullptr : std::make_unique<Stream>(terms.server_max_window_bits)),
      window_bits_(terms.server_max_window_bits) {}
MessageDeflater::~MessageDeflater() = default;

void MessageDeflater::deflate(std::string_view message, std::string& out) {
  (own_ ? *own_ : Stream::of_thread(window_bits_)).run(message, out);
}

}  // namespace parley::wire
