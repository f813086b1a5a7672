#include "filter/telemetry.h"

#include <algorithm>
#include <exception>
#include <random>

#include "loop/shard.h"

namespace parley::filter {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

// Trace ids need to be unique, not secret.
void random_hex(char* out, std::size_t digits) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  for (std::size_t i = 0; i < digits;) {
    std::uint64_t word = random();
    for (int d = 0; d < 16 && i < digits; ++d, ++i, word >>= 4) out[i] = hex[word & 15];
  }
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

bool is_traceparent(std::string_view text) {
  if (text.size() < 55 || text.substr(0, 2) == "ff" || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return false;
  if (text.size() > 55 && (text.substr(0, 2) == "00" || text[55] != '-')) return false;
  const std::string_view trace = text.substr(3, 32);
  const std::string_view span = text.substr(36, 16);
  return is_hex(text.substr(0, 2)) && is_hex(trace) && is_hex(span) && is_hex(text.substr(53, 2)) && !is_zero(trace) &&
         !is_zero(span);
}

void set_status(AccessRecord& record, const Error& error) {
  record.code = error.code();
  record.reason = error.reason();
  record.blame = name(error.blame());
}

}  // namespace

void start_trace(Call& call) {
  auto& text = call.trace.text;
  const std::string_view given = call.metadata.get("traceparent");
  if (is_traceparent(given)) {
    std::copy_n(given.begin(), text.size(), text.begin());
    text[0] = text[1] = '0';  // what is passed on is of the version spoken here
  } else {
    std::ranges::copy(std::string_view("00-00000000000000000000000000000000-0000000000000000-01"), text.begin());
    random_hex(text.data() + 3, 32);
  }
  random_hex(text.data() + 36, 16);
  call.trace.is_set = true;
}

Task<Result<void>> Telemetry::handle(Call& call) {
  start_trace(call);
  CallMetrics& metrics = of(call);
  ++metrics.in_flight;
  Result<void> status;
  std::exception_ptr bug;  // `answer` says it
  try {
    status = co_await inner_->handle(call);
  } catch (...) {
    bug = std::current_exception();
    status = fail(Error(Code::internal, Blame::us, "the call met a bug in Parley").with_reason("exception"));
  }
  --metrics.in_flight;
  const Error* error = call.cancelled() ? &*call.cancelled() : status ? nullptr : &status.error();
  const Duration took = Shard::current().now() - call.started();  // the turns' times: a clock is not read for each call
  metrics.end(error == nullptr ? Code::ok : error->code(), took);
  if (lane_ != nullptr) log(call, error, took);
  if (bug) std::rethrow_exception(bug);
  co_return status;
}

CallMetrics& Telemetry::of(const Call& call) {
  for (const auto& [edge, metrics] : by_edge_) {
    if (edge.data() == call.edge().data()) return *metrics;
  }
  CallMetrics& metrics = metrics_.of(call.method().service, call.method().name, call.edge());
  by_edge_.emplace_back(call.edge(), &metrics);
  return metrics;
}

void count_refused(const RefusedRequest& request, Metrics& metrics, AccessLog::Lane* lane) {
  metrics.of("", "", request.edge).end(request.why.code(), Duration::zero());
  if (lane == nullptr) return;
  constexpr std::size_t longest_path = 256;
  AccessRecord record{.when = std::chrono::system_clock::now(),
                      .edge = request.edge,
                      .method = std::string(request.path.substr(0, longest_path)),
                      .reason = {},
                      .blame = {},
                      .took = {},
                      .caller = std::string(request.caller),
                      .trace_id = {}};
  set_status(record, request.why);
  lane->add(std::move(record));
}

void Telemetry::log(const Call& call, const Error* error, Duration took) {
  AccessRecord record{.when = std::chrono::system_clock::now(),
                      .edge = call.edge(),
                      .method = call.method().path,
                      .reason = {},
                      .blame = {},
                      .took = took,
                      .caller = call.caller.address,
                      .trace_id = std::string(call.trace.trace_id())};
  if (error != nullptr) set_status(record, *error);
  lane_->add(std::move(record));
}

}  // namespace parley::filter
