#include "edge/rpc/request_reader.h"

#include <fmt/format.h>

namespace parley::edge {
namespace {

Error wrong_count(std::string_view count) {
  return Error(Code::unimplemented, Blame::caller, fmt::format("{} where the method takes one", count))
      .with_reason("request_count");
}

}  // namespace

Result<void> RequestReader::feed(Bytes chunk) {
  if (!is_text_) {
    decoder_.feed(std::move(chunk));
    return {};
  }
  std::string bytes;
  if (auto decoded = text_.write(chunk.view(), bytes); !decoded) return decoded;
  decoder_.feed(Bytes(std::move(bytes)));
  return {};
}

Result<std::optional<Bytes>> RequestReader::next() {
  auto frame = decoder_.next();
  if (!frame) return fail(std::move(frame).error());
  if (!*frame) return std::nullopt;
  if (((*frame)->flags & ~unsigned{wire::frame_compressed}) != 0) {
    return fail(
        Error(Code::internal, Blame::caller, fmt::format("a message has unknown flags: {:#04x}", (*frame)->flags)));
  }
  auto message = codec_.read(std::move((*frame)->payload), (*frame)->flags != 0);
  if (!message) return fail(std::move(message).error());
  return std::move(*message);
}

Result<void> RequestReader::check_end() const {
  if (decoder_.is_between_frames() && text_.is_complete()) return {};
  return invalid("the request ends within a message");
}

Task<Result<Bytes>> RequestReader::only_message() {
  std::optional<Bytes> only;
  for (;;) {
    auto chunk = co_await body_.read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) break;
    if (auto fed = feed(std::move(**chunk)); !fed) co_return fail(std::move(fed).error());
    for (;;) {
      auto message = next();
      if (!message) co_return fail(std::move(message).error());
      if (!*message) break;
      if (only) co_return fail(wrong_count("two request messages"));
      only = std::move(**message);
    }
  }
  if (auto whole = check_end(); !whole) co_return fail(std::move(whole).error());
  if (!only) co_return fail(wrong_count("no request message"));
  co_return std::move(*only);
}

Task<void> RequestReader::pump(Call& call) {
  const auto pumped = co_await pump_messages(call.requests);
  if (pumped) {
    call.requests.end();
  } else {
    call.cancel(pumped.error());  // a no-op where the call has ended: that is then why the pipe was closed
  }
}

Task<Result<void>> RequestReader::pump_messages(Pipe& requests) {
  for (;;) {
    auto chunk = co_await body_.read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return check_end();
    if (auto fed = feed(std::move(**chunk)); !fed) co_return fed;
    for (;;) {
      auto message = next();
      if (!message) co_return fail(std::move(message).error());
      if (!*message) break;
      if (auto written = co_await requests.write(std::move(**message)); !written) co_return written;
    }
  }
}

}  // namespace parley::edge
