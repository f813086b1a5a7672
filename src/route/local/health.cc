#include "route/local/health.h"

namespace parley::route {
namespace {

std::optional<ServingStatus> status_of(const Readiness& readiness, std::string_view service) {
  const auto ready = readiness.is_ready(service);
  if (!ready) return std::nullopt;
  return *ready && !readiness.is_draining() ? ServingStatus::serving : ServingStatus::not_serving;
}

Task<Result<HealthCheckResponse>> check(const Readiness& readiness, HealthCheckRequest request) {
  const auto status = status_of(readiness, request.service);
  if (!status) {
    co_return fail(Error(Code::not_found, Blame::caller, "there is no service \"" + request.service + "\"")
                       .with_reason("unknown_service"));
  }
  co_return HealthCheckResponse{*status};
}

Task<Result<HealthListResponse>> list(const Readiness& readiness) {
  HealthListResponse response;
  response.statuses[""] = {status_of(readiness, "").value_or(ServingStatus::unknown)};
  for (const std::string& service : readiness.services()) {
    response.statuses[service] = {status_of(readiness, service).value_or(ServingStatus::unknown)};
  }
  co_return response;
}

Task<Result<void>> watch(Readiness& readiness, Call& call, Reader<HealthCheckRequest> requests,
                         Writer<HealthCheckResponse> replies) {
  auto request = co_await requests.read();
  if (!request) co_return fail(std::move(request).error());
  if (!*request) co_return fail(Error(Code::unimplemented, Blame::caller, "the call has no request message"));
  // A cancelled watch must not sleep on: it is woken as if something had changed.
  const Call::OnCancel on_cancel(call, [&readiness](const Error&) { readiness.changed().notify(); });
  std::optional<ServingStatus> told;
  while (!call.cancelled()) {
    const ServingStatus status = status_of(readiness, (*request)->service).value_or(ServingStatus::service_unknown);
    if (status != told) {
      told = status;
      if (auto sent = co_await replies.write({status}); !sent) co_return sent;
      continue;  // it may have changed while the write waited
    }
    if (readiness.is_draining()) {
      co_return fail(Error(Code::unavailable, Blame::us, "the server is about to stop").with_reason("draining"));
    }
    co_await readiness.changed().wait();
  }
  co_return fail(*call.cancelled());
}

}  // namespace

void add_health(LocalRoute& route, Readiness& readiness) {
  // These functions are no coroutines themselves: they hand their captures on as parameters.
  route.unary<HealthCheckRequest, HealthCheckResponse>(
      "/grpc.health.v1.Health/Check",
      [&readiness](Call&, HealthCheckRequest request) { return check(readiness, std::move(request)); });
  route.unary<HealthListRequest, HealthListResponse>(
      "/grpc.health.v1.Health/List", [&readiness](Call&, const HealthListRequest&) { return list(readiness); });
  route.stream<HealthCheckRequest, HealthCheckResponse>(
      "/grpc.health.v1.Health/Watch",
      [&readiness](Call& call, Reader<HealthCheckRequest> requests, Writer<HealthCheckResponse> replies) {
        return watch(readiness, call, requests, replies);
      });
}

Result<HealthCheckRequest> HealthCheckRequest::from_wire(std::string_view wire) {
  HealthCheckRequest request;
  WireFields fields(wire);
  for (;;) {
    const auto record = fields.next();
    if (!record) return fail(record.error());
    if (!*record) return request;
    if ((*record)->field == 1) request.service = (*record)->text;
  }
}
std::string HealthCheckRequest::to_wire() const { return WireWriter().text(1, service).take(); }

Result<HealthCheckResponse> HealthCheckResponse::from_wire(std::string_view wire) {
  HealthCheckResponse response;
  WireFields fields(wire);
  for (;;) {
    const auto record = fields.next();
    if (!record) return fail(record.error());
    if (!*record) return response;
    if ((*record)->field == 1) response.status = static_cast<ServingStatus>((*record)->number);
  }
}
std::string HealthCheckResponse::to_wire() const {
  return WireWriter().number(1, static_cast<std::uint64_t>(status)).take();
}

Result<HealthListResponse> HealthListResponse::from_wire(std::string_view wire) {
  HealthListResponse response;
  WireFields fields(wire);
  for (;;) {
    const auto entry = fields.next();
    if (!entry) return fail(entry.error());
    if (!*entry) return response;
    std::string service;
    HealthCheckResponse status;
    WireFields parts((*entry)->text);
    for (;;) {
      const auto part = parts.next();
      if (!part) return fail(part.error());
      if (!*part) break;
      if ((*part)->field == 1) service = (*part)->text;
      if ((*part)->field != 2) continue;
      auto read = HealthCheckResponse::from_wire((*part)->text);
      if (!read) return fail(std::move(read).error());
      status = *read;
    }
    response.statuses[service] = status;
  }
}
std::string HealthListResponse::to_wire() const {
  WireWriter out;
  for (const auto& [service, status] : statuses) {
    out.part(1, WireWriter().text(1, service).part(2, status.to_wire()).take());
  }
  return out.take();
}

}  // namespace parley::route
