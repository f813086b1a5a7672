// Reading what a client sends.
#include <algorithm>
#include <stdexcept>

#include "contract/load.h"
#include "contract/transcode.h"
#include "contract/wire_format.h"
#include "edge/websocket/frames.h"
#include "wire/base64.h"

namespace parley::edge::websocket {
namespace {

constexpr std::string_view space = " \t\r\n";
constexpr std::size_t small = 4096;

thread_local std::string scratch;  // a message while it is made of JSON

Error bad_frame(std::string message) {
  return Error(Code::invalid_argument, Blame::caller, std::move(message)).with_reason("bad_frame");
}

// parley.ClientFrame's table, from the text within the program.
const contract::MessageTable& envelope() {
  static const contract::ContractPtr contract = [] {
    auto loaded = contract::load_built_in({"parley/websocket.proto"});
    if (!loaded.contract) throw std::logic_error("parley/websocket.proto: " + loaded.diagnostics.front().text());
    return loaded.contract;
  }();
  const contract::MessageTable* table = contract->tables().find("parley.ClientFrame");
  if (table == nullptr) throw std::logic_error("parley/websocket.proto has no ClientFrame");
  return *table;
}

bool take(std::string_view& text, std::string_view token) {
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  if (!text.starts_with(token)) return false;
  text.remove_prefix(token.size());
  return true;
}

// M of {"message":M}. Whatever M is, the transcoder wants it to be one value and nothing after it: an object with two
// members cannot pass for one.
std::optional<std::string_view> message_of(std::string_view json) {
  if (!take(json, "{") || !take(json, "\"message\"") || !take(json, ":")) return std::nullopt;
  json = json.substr(0, json.find_last_not_of(space) + 1);
  if (!json.ends_with('}')) return std::nullopt;
  json.remove_suffix(1);
  return json;
}

// The records of a message, one after another.
class Records {
 public:
  explicit Records(std::string_view wire) : at_(wire.data()), end_(wire.data() + wire.size()) {}

  bool next() {
    if (at_ == end_) return false;
    at_ = contract::read_tag(at_, end_, tag);
    if (at_ == nullptr) return stop();
    if ((tag & 7U) == 2) {
      std::size_t size = 0;
      at_ = contract::read_length(at_, end_, size);
      if (at_ == nullptr) return stop();
      bytes = {at_, size};
      at_ += size;
      return true;
    }
    if ((tag & 7U) == 0) {
      at_ = contract::read_varint(at_, end_, number);
    } else {
      at_ = contract::skip_record(at_, end_, tag, 10);
    }
    return at_ != nullptr || stop();
  }
  bool is_malformed() const { return malformed_; }

  std::uint32_t tag = 0;
  std::string_view bytes;    // of wire type 2
  std::uint64_t number = 0;  // of wire type 0

 private:
  bool stop() {
    malformed_ = true;
    return false;
  }
  const char* at_;
  const char* end_;
  bool malformed_ = false;
};

constexpr std::uint32_t bytes_tag(std::uint32_t number) { return number << 3U | 2U; }
constexpr std::uint32_t number_tag(std::uint32_t number) { return number << 3U; }

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("-_.!#$%&'*+^`|~").contains(c);
  });
}

bool is_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

Result<void> read_metadata(std::string_view entry, Fields& to) {
  std::string name;
  std::string_view value;
  Records records(entry);
  while (records.next()) {
    if (records.tag == bytes_tag(1)) name = records.bytes;
    if (records.tag == bytes_tag(2)) value = records.bytes;
  }
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (records.is_malformed() || !is_token(name)) return fail(bad_frame("start.metadata: \"" + name + "\" is no name"));
  if (wire::is_bin(name)) {
    if (!wire::add_bin_decoded(to, name, value)) return fail(bad_frame("start.metadata: " + name + " is not base64"));
    return {};
  }
  if (!is_value(value)) return fail(bad_frame("start.metadata: the value of " + name + " has control characters"));
  to.add(name, value);
  return {};
}

Result<Duration> read_duration(std::string_view wire) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  Records records(wire);
  while (records.next()) {
    if (records.tag == number_tag(1)) seconds = static_cast<std::int64_t>(records.number);
    if (records.tag == number_tag(2)) nanos = static_cast<std::int32_t>(records.number);
  }
  constexpr std::int64_t longest = 315'576'000'000;  // google.protobuf.Duration: 10,000 years
  if (records.is_malformed() || seconds < 0 || seconds > longest || nanos < 0 || nanos > 999'999'999)
    return fail(bad_frame("start.timeout: no time-out"));
  constexpr std::int64_t century = 3'155'760'000;  // what a steady clock can count is enough
  return std::chrono::seconds(std::min(seconds, century)) + std::chrono::nanoseconds(nanos);
}

Result<Start> read_start(std::string_view wire) {
  Start start;
  Records records(wire);
  while (records.next()) {
    if (records.tag == bytes_tag(1)) {
      if (auto read = read_metadata(records.bytes, start.metadata); !read) return fail(std::move(read).error());
    } else if (records.tag == bytes_tag(2)) {
      auto timeout = read_duration(records.bytes);
      if (!timeout) return fail(std::move(timeout).error());
      start.timeout = *timeout;
    } else if (records.tag == bytes_tag(3)) {
      start.resume = records.bytes;
    } else if (records.tag == number_tag(4)) {
      start.history = static_cast<std::uint32_t>(records.number);
    } else if (records.tag == number_tag(5)) {
      start.window = static_cast<std::uint32_t>(records.number);
    }
  }
  if (records.is_malformed()) return fail(bad_frame("start is malformed"));
  return start;
}

// `request`: null where `wire` was made from JSON, which cannot hold a message here.
Result<ClientFrame> read_envelope(std::string_view wire, const contract::MessageTable* request) {
  ClientFrame frame;
  int members = 0;
  Records records(wire);
  while (records.next()) {
    ++members;
    if (records.tag == bytes_tag(1)) {
      auto start = read_start(records.bytes);
      if (!start) return fail(std::move(start).error());
      frame.kind = ClientFrame::Kind::start;
      frame.start = std::move(*start);
    } else if (records.tag == bytes_tag(2) && request != nullptr) {
      if (auto good = contract::validate_wire(*request, records.bytes); !good) return fail(std::move(good).error());
      frame.kind = ClientFrame::Kind::message;
      frame.message = Bytes::copy_of(records.bytes);
    } else if (records.tag == bytes_tag(3)) {
      frame.kind = ClientFrame::Kind::end;
    } else if (records.tag == bytes_tag(4)) {
      frame.kind = ClientFrame::Kind::ping;
    } else if (records.tag == number_tag(5)) {
      frame.kind = ClientFrame::Kind::credit;
      frame.credit = static_cast<std::uint32_t>(records.number);
    } else {
      return fail(bad_frame("a frame has an unknown field: " + std::to_string(records.tag >> 3U)));
    }
  }
  if (records.is_malformed()) return fail(bad_frame("a frame is no parley.ClientFrame"));
  if (members != 1) return fail(bad_frame("a frame has exactly one of start, message, end, ping and credit"));
  return frame;
}

Result<ClientFrame> read_json(std::string_view json, const contract::MessageTable& request) {
  scratch.clear();
  if (const auto message = message_of(json)) {
    if (auto done = contract::json_to_wire(request, *message, scratch); !done) return fail(std::move(done).error());
    ClientFrame frame;
    frame.kind = ClientFrame::Kind::message;
    frame.message = scratch.size() < small ? Bytes::copy_of(scratch) : Bytes(std::move(scratch));
    return frame;
  }
  if (auto done = contract::json_to_wire(envelope(), json, scratch); !done)
    return fail(bad_frame("a frame: " + done.error().message()));
  return read_envelope(scratch, nullptr);
}

}  // namespace

Result<ClientFrame> read_frame(Format format, std::string_view payload, const contract::MessageTable& request) {
  return format == Format::json ? read_json(payload, request) : read_envelope(payload, &request);
}

}  // namespace parley::edge::websocket
