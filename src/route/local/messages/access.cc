#include "route/local/messages/access.h"

namespace parley::route {
namespace {

constexpr std::string_view forwarding[] = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"};

std::unexpected<Error> denied(std::string_view reason, std::string message) {
  return fail(Error(Code::permission_denied, Blame::caller, std::move(message)).with_reason(std::string(reason)));
}

class Guard final : public Handler {
 public:
  Guard(PullApi setting, HandlerPtr inner) : setting_(setting), inner_(std::move(inner)) {}
  Task<Result<void>> handle(Call& call) override {
    if (auto allowed = may_call(setting_, call); !allowed) return refuse(std::move(allowed).error());
    return inner_->handle(call);
  }

 private:
  static Task<Result<void>> refuse(Error why) { co_return fail(std::move(why)); }

  PullApi setting_;
  HandlerPtr inner_;
};

}  // namespace

std::optional<PullApi> pull_api_from(std::string_view text) {
  if (text == "off") return PullApi::off;
  if (text == "local") return PullApi::local;
  if (text == "on") return PullApi::on;
  return std::nullopt;
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("[::1]") || address.starts_with("[::ffff:127.");
}

Result<void> may_call(PullApi setting, const Call& call) {
  if (setting == PullApi::on) return {};
  if (setting == PullApi::off) return denied("pull_api_off", "parley.yaml says `pull_api: off`");
  if (!is_loopback(call.caller.address))
    return denied("pull_api_local",
                  "only callers on the node's own machine may use queues and topics; `pull_api: on` admits others");
  for (const std::string_view name : forwarding) {
    if (call.metadata.has(name))
      return denied("pull_api_local",
                    "the call came through a proxy, so its caller is not known to be on the node's "
                    "own machine; `pull_api: on` admits it");
  }
  return {};
}

HandlerPtr guarded(PullApi setting, HandlerPtr inner) {
  if (setting == PullApi::on) return inner;
  return std::make_shared<Guard>(setting, std::move(inner));
}

}  // namespace parley::route
