// Call: one exchange with a method, from request metadata to final status. It is the waist of the hourglass: edges make
// calls, filters see them, routes answer them, and none of them knows another's protocol. Messages are Protobuf wire
// bytes.
//
// Owned by the edge's task, on one shard. Life: the edge fills `metadata`, `deadline` and the like, spawns
// `answer(handler, call)`, writes `requests` and reads `replies`; the handler returns the final status, and `answer`
// finishes the call with it.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "base/fields.h"
#include "contract/contract.h"
#include "loop/pipe.h"
#include "loop/signal.h"
#include "loop/task.h"
#include "loop/timer.h"

namespace parley {

// Who calls.
struct Caller {
  std::string address;  // of the peer
  std::string subject;  // of its verified certificate; ""
};

// W3C Trace Context: this call's own span, a child of the caller's `traceparent` or the root of a new trace. Filled by
// the telemetry filter; routes pass it on as `traceparent`. Fixed text: no allocation a call.
struct Trace {
  std::array<char, 55> text{};  // "00-<32 hex digits>-<16 hex digits>-01"
  bool is_set = false;

  std::string_view traceparent() const {
    return is_set ? std::string_view(text.data(), text.size()) : std::string_view();
  }
  std::string_view trace_id() const { return is_set ? std::string_view(text.data() + 3, 32) : std::string_view(); }
  std::string_view span_id() const { return is_set ? std::string_view(text.data() + 36, 16) : std::string_view(); }
};

class Call final : private PipeObserver {
 public:
  // `edge`: a literal: "rest", "grpc", "grpc-web", "connect", …, for metrics and logs.
  Call(contract::ContractPtr contract, const contract::Method& method, std::string_view edge);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  const contract::Method& method() const { return method_; }
  const contract::Contract& contract() const { return *contract_; }
  const contract::ContractPtr& contract_pointer() const { return contract_; }
  std::string_view edge() const { return edge_; }
  Instant started() const { return started_; }

  // Request side, filled by the edge before `answer`. Metadata names are lower case; values of `-bin` names are raw
  // bytes (each edge encodes and decodes); protocol headers (content-type, grpc-timeout, te, …) and hop-by-hop fields
  // are not in it.
  Fields metadata;
  Caller caller;
  Trace trace;
  Deadline deadline() const { return deadline_; }
  // The sooner of what was set and `deadline`; cancels the call with deadline_exceeded then, or now if it has passed.
  void set_deadline(Deadline deadline);
  // What the caller is told then, where there is more to say than that it has passed. A literal.
  void set_deadline_text(std::string_view text) { deadline_text_ = text; }

  // Request messages: the edge writes and ends, the route reads.
  Pipe requests;
  // Reply messages: the route writes; the edge reads. Ended by `finish`.
  Pipe replies;

  // Reply metadata. The route fills `headers`, then says that they are complete; implied by the first reply and by
  // `finish`.
  Fields headers;
  void headers_complete();
  bool has_headers() const { return headers_complete_; }
  // Waits until `headers` are complete or the call has finished or was cancelled.
  Task<void> wait_headers();
  // Complete once the call has finished.
  Fields trailers;

  // Set by a handler that only took the request on: it will be carried out, and the reply says so. HTTP answers 202
  // then. The value is the path where its state can be asked, or "".
  std::optional<std::string> accepted;

  // The end. The first one stays. What was written to `replies` before is still read.
  void finish(Result<void> status);
  bool is_finished() const { return finished_; }
  // The final status: null is success. Only once finished.
  const Error* status() const { return status_ ? &*status_ : nullptr; }
  Task<void> wait_finished();

  // Ends the call early (client gone, deadline, drain): aborts both pipes and tells the listeners, once. Level, not
  // edge: `cancelled` stays set. The handler still runs until it notices and returns.
  void cancel(Error why);
  const std::optional<Error>& cancelled() const { return cancelled_; }

  // While it lives, `listener` is told of a cancellation; at once if that has happened. Routes use it to reset their
  // upstream.
  class OnCancel {
   public:
    OnCancel(Call& call, std::function<void(const Error&)> listener);
    OnCancel(const OnCancel&) = delete;
    OnCancel& operator=(const OnCancel&) = delete;
    ~OnCancel();

   private:
    friend class Call;
    Call& call_;
    std::function<void(const Error&)> listener_;
    OnCancel* next_ = nullptr;
  };

 private:
  void pipe_written(Pipe& replies_pipe) override;
  void deadline_passed();

  contract::ContractPtr contract_;
  const contract::Method& method_;
  std::string_view edge_;
  Instant started_;
  Deadline deadline_ = Deadline::never();
  std::string_view deadline_text_ = "the call's deadline passed";
  Timer deadline_timer_;
  bool headers_complete_ = false;
  bool finished_ = false;
  std::optional<Error> status_;
  std::optional<Error> cancelled_;
  OnCancel* listeners_ = nullptr;
  Signal changed_;
};

}  // namespace parley
