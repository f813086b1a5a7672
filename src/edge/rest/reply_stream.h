// ReplyStream: a stream of reply messages as an HTTP body: NDJSON, server-sent events, a JSON array, or raw bytes.
//
// The status is committed with the first messages, so that a call that fails before any has an honest status. A stream
// that stays silent for RestOptions::peek is committed all the same, so that its client learns that it is open. After
// that an error travels in the body: an {"error": …} line or element, or an `error` event; a raw body is cut off by a
// reset.
#pragma once

#include <memory>
#include <string>

#include "call/call.h"
#include "edge/rest/plan.h"
#include "edge/rest/reply.h"
#include "edge/rest/reply_format.h"
#include "loop/timer.h"
#include "wire/compression.h"

namespace parley::edge::rest {

class ReplyStream {
 public:
  // All outlive the stream. Starts the clock for the first message.
  ReplyStream(Reply& reply, Call& call, const RulePlan& plan, ReplyFormat format);

  // Adds a message. Its bytes leave with the next flush. Errors: internal, the upstream's fault: it is malformed.
  Result<void> add(const Bytes& message);
  // Sends what was added, and the head before it; waits while the client is slow. Errors: the exchange's.
  Task<Result<void>> flush();
  bool wants_flush() const;
  // More messages that are there already should not join those.
  bool is_enough() const;
  // True once the status is sent or messages wait to be: an error can then only go into the body.
  bool has_begun() const { return committed_ || added_ > 0; }

  // The end of the body, with what was added.
  Task<void> end();
  Task<void> end_with(const Error& error);
  // The answer to a HEAD request: only the head.
  void end_head();

 private:
  void commit();
  void tick();
  Result<void> add_json(const Bytes& message);
  Task<Result<void>> send(bool last);

  Reply& reply_;
  Call& call_;
  const RulePlan& plan_;
  ReplyFormat format_;
  std::string raw_type_;
  std::vector<Bytes> raw_;  // slices of raw replies
  std::string text_;        // framed, not compressed yet
  std::unique_ptr<wire::Compressor> compressor_;
  std::uint64_t added_ = 0;
  bool committed_ = false;
  Timer timer_;  // first for the commit, then for comments
};

// The JSON of a reply: the whole message, or the part that `response_body` names. Appends. Errors: internal, the
// upstream's fault.
Result<void> put_reply_json(const RulePlan& plan, const contract::JsonOptions& options, const Bytes& message,
                            std::string& out);

}  // namespace parley::edge::rest
