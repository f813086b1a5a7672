#include "call/handler.h"

#include <exception>

#include "base/log.h"

namespace parley {

Task<void> answer(Handler& handler, Call& call) {
  std::optional<Result<void>> status;
  try {
    status = co_await handler.handle(call);
  } catch (const std::exception& e) {
    log::error("{}: a handler threw: {}", call.method().path, e.what());
    status = fail(Error(Code::internal, Blame::us, "the call met a bug in Parley").with_reason("exception"));
  }
  call.finish(std::move(*status));
}

}  // namespace parley
