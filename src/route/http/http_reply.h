// The reply side of an HTTP/JSON call: an upstream's response becomes a call's headers, messages and status.
#pragma once

#include <memory>
#include <string>

#include "call/call.h"
#include "contract/http_rule.h"
#include "loop/task.h"
#include "net/exchange.h"
#include "wire/compression.h"

namespace parley::route {

// Lives in the route's coroutine, for one attempt.
class HttpReply {
 public:
  // `max_message`: bytes of one message's JSON.
  HttpReply(Call& call, net::ClientExchange& exchange, const contract::HttpRule& rule, std::size_t max_message)
      : call_(call), exchange_(exchange), rule_(rule), max_message_(max_message) {}

  // Reads the response to its end and returns the call's status. A stream's elements may come as lines (NDJSON), as one
  // JSON array, one after the other, or as server-sent events.
  Task<Result<void>> read();
  bool has_started() const { return head_ != nullptr; }

 private:
  enum class Form { json, lines, events, raw };
  Form form_of_stream() const;
  Task<Result<std::optional<std::string>>> next_chunk();
  Task<Result<std::string>> read_whole(std::size_t limit);
  Task<Result<void>> drop_body();
  Task<Result<void>> read_one();
  Task<Result<void>> read_texts(bool lines);
  Task<Result<void>> read_events();
  Task<Result<void>> read_raw();
  Task<Result<void>> write_text(std::string_view text);
  Result<Bytes> message_of(std::string_view json) const;
  const contract::MessageTable* raw_type() const;
  Error malformed(std::string_view what) const;

  Call& call_;
  net::ClientExchange& exchange_;
  const contract::HttpRule& rule_;
  const std::size_t max_message_;
  const net::ResponseHead* head_ = nullptr;
  std::string content_type_;
  std::unique_ptr<wire::Decompressor> unpack_;
};

}  // namespace parley::route
