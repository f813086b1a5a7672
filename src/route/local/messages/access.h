// Access: who may use the pull API. It can consume and throw away what others published, so by default only callers on
// this machine may: the service that the sidecar stands beside, and whoever sits at a shell
// (docs/decisions/032-pull-api.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "call/handler.h"

namespace parley::route {

enum class PullApi : std::uint8_t { off, local, on };

// "off", "local", "on".
std::optional<PullApi> pull_api_from(std::string_view text);

// Whether an address of a peer ("127.0.0.1:4711", "[::1]:4711") is this machine's loopback interface.
bool is_loopback(std::string_view address);

// permission_denied ("pull_api_local", "pull_api_off") for those who may not. A call that came through a proxy on this
// machine (it carries `forwarded` or `x-forwarded-for`) is not local.
Result<void> may_call(PullApi setting, const Call& call);

// The same around a handler.
HandlerPtr guarded(PullApi setting, HandlerPtr inner);

}  // namespace parley::route
