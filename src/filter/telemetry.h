// Telemetry: counts, times and traces each call, and writes its access record. The outermost filter, so that what other
// filters refuse is counted too.
#pragma once

#include <string_view>
#include <vector>

#include "call/front.h"
#include "filter/access_log.h"
#include "filter/metrics.h"

namespace parley::filter {

// One method's, on one shard. `metrics` and `lane` (null: no access log) outlive it.
class Telemetry : public Handler {
 public:
  Telemetry(HandlerPtr inner, Metrics& metrics, AccessLog::Lane* lane)
      : inner_(std::move(inner)), metrics_(metrics), lane_(lane) {}
  Task<Result<void>> handle(Call& call) override;

 private:
  CallMetrics& of(const Call& call);
  void log(const Call& call, const Error* error, Duration took);

  HandlerPtr inner_;
  Metrics& metrics_;
  AccessLog::Lane* lane_;
  std::vector<std::pair<std::string_view, CallMetrics*>> by_edge_;  // a handful: edge names are literals
};

// Counts and logs what became no call: as one with an empty method, because paths are the caller's to invent.
void count_refused(const RefusedRequest& request, Metrics& metrics, AccessLog::Lane* lane);

// Fills `call.trace`: continues the caller's `traceparent` (W3C Trace Context level 1, version 00) or starts a trace; a
// malformed one counts as none.
void start_trace(Call& call);

}  // namespace parley::filter
