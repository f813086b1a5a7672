// HTTP/1.1 messages (RFC 9112): a strict pull parser for requests and responses, and the serialisation. No io: the same
// bytes in any chunking give the same events.
//
// Strict: no bare LF or CR, no obsolete folding, no blank before a colon, no empty names, no controls in values,
// Content-Length of digits only and never twice with different values or beside Transfer-Encoding, `chunked` once and
// last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/fields.h"

namespace parley::wire {

struct Http1Limits {
  std::size_t field_bytes = 64 * 1024;  // of all fields of a head, and of a trailer section
  std::size_t field_count = 256;
  std::size_t target_bytes = 16 * 1024;
};

enum class Http1Body : std::uint8_t { none, length, chunked, until_close };

// A head. Connection-specific fields are taken out of `fields` (RFC 9110 section 7.6.1: Connection and what it names,
// Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade, Host, Expect: 100-continue) and shown here.
// `content-length` stays in `fields`; `te: trailers` does too.
struct Http1Head {
  int version = 11;    // 10 or 11
  std::string method;  // request
  std::string target;  // request, as sent
  std::string host;    // request: the Host field's value
  bool has_host = false;
  int status = 0;  // response
  Fields fields;
  std::string upgrade;  // the Upgrade field where Connection names it, else ""
  Http1Body body = Http1Body::none;
  std::uint64_t content_length = 0;  // with Http1Body::length
  bool keep_alive = true;            // by version and Connection
  bool expect_continue = false;
};

// What is wrong, and the status a server answers with: 400, 414, 417, 431, 501, 505.
struct Http1Error {
  int status;
  std::string_view text;  // a literal
  // The first line names no protocol version at all, as a mistaken HTTP/2 preface does: who sent it would not
  // understand an answer.
  bool other_protocol = false;
};

class Http1Parser {
 public:
  enum class Kind : std::uint8_t { request, response };
  enum class Event : std::uint8_t {
    need_more,  // all of the input was used
    head,       // `head()` is complete
    data,       // `data()` is a part of the body, a view into the input
    end,        // the message is over; `trailers()` is complete. The next call begins the next message.
  };

  Http1Parser(Kind kind, const Http1Limits& limits) : kind_(kind), limits_(limits) {}

  // Takes bytes from the front of `in` and returns what they made. After an error every call gives that error.
  std::expected<Event, Http1Error> next(std::string_view& in);
  // The input ended. An event `end` where the body goes until the close, `need_more` between messages, else an error.
  std::expected<Event, Http1Error> finish();

  // Response: the request was HEAD, or the status is final without a body. Call it before the head's bytes come.
  void expect_no_body(bool no_body) { no_body_ = no_body; }

  Http1Head& head() { return head_; }
  std::string_view data() const { return data_; }
  // Bytes of a Content-Length body, or of the chunk, that did not come yet.
  std::uint64_t body_left() const { return left_; }
  Fields& trailers() { return trailers_; }
  // Some of a head's bytes have come, but not all: a time-out is running.
  bool in_head() const { return state_ == State::head && !partial_.empty() && !partial_is_used_; }
  bool between_messages() const { return state_ == State::head && !in_head(); }

 private:
  enum class State : std::uint8_t {
    head,
    body,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    message_end,
    until_close,
    broken
  };
  using Outcome = std::expected<Event, Http1Error>;

  Outcome broken(const Http1Error& problem);
  // What a block is made of: one line (a chunk's size), or lines up to an empty one.
  enum class Block : std::uint8_t { head, trailers, line };
  using Problem = std::optional<Http1Error>;
  // The next whole block, from the input or put together in `partial_`; nothing while it is not complete.
  std::expected<std::optional<std::string_view>, Http1Error> take_block(std::string_view& in, Block block);
  // Looks at the lines of `text` from `scanned_` on. Returns the block's size, 0 while it is not complete.
  std::expected<std::size_t, Http1Error> scan(std::string_view text, Block block);
  Problem check_line(std::size_t size, Block block) const;
  Outcome take_head(std::string_view& in);
  Problem parse_head(std::string_view block);
  Problem request_line(std::string_view line);
  Problem status_line(std::string_view line);
  Problem version(std::string_view text);
  Problem field(std::string_view line, Fields& into, bool trailer);
  Problem known_field(int which, std::string_view name, std::string_view content);
  void connection_fields();
  Problem decide_body();
  Outcome take_body(std::string_view& in);
  Outcome take_chunk_size(std::string_view& in);
  Outcome take_chunk_end(std::string_view& in);
  Outcome take_trailers(std::string_view& in);

  Kind kind_;
  State state_ = State::head;
  bool no_body_ = false;
  Http1Limits limits_;
  Http1Head head_;
  Fields trailers_;
  std::string_view data_;
  std::string partial_;
  bool partial_is_used_ = false;  // the last block was handed out from `partial_`
  std::size_t scanned_ = 0;       // of the block that is coming: lines looked at
  std::size_t lines_ = 0;
  int chunk_end_seen_ = 0;  // of the CRLF after a chunk's data
  std::uint64_t left_ = 0;  // of the body or the chunk
  std::string connection_;  // all Connection fields of the head that is parsed
  std::string transfer_encoding_;
  bool has_length_ = false;
  Http1Error error_{400, ""};
};

// The reason phrase, or "".
std::string_view reason_phrase(int status);

// Serialisation: appends to `out`. Fields are written as they are; callers add framing fields.
void append_request_line(std::string& out, std::string_view method, std::string_view target);
void append_status_line(std::string& out, int status);
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_fields(std::string& out, const Fields& fields);
inline void append_head_end(std::string& out) { out += "\r\n"; }
// A chunk's opening line; its data and "\r\n" follow.
void append_chunk_head(std::string& out, std::size_t size);
void append_last_chunk(std::string& out, const Fields& trailers);

// A connection-specific field that never passes on (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2). `name` in lower
// case.
bool is_hop_by_hop(std::string_view name);
// A name made of token characters, in lower case, and a value without controls: safe to send over either HTTP version.
bool is_field(const Field& field);

}  // namespace parley::wire
