// LocalRoute: rpcs that are answered in this process, by functions. They stand behind the same waist as every other
// route, so each edge and filter works for them.
//
//   LocalRoute route;
//   route.unary<GetRequest, Order>("/shop.Orders/GetOrder", get_order);       // Task<Result<Order>> get_order(Call&,
//   GetRequest) route.stream<Line, Line>("/shop.Support/Chat", chat);                     // Task<Result<void>>
//   chat(Call&, Reader<Line>, Writer<Line>)
//
// Built before it serves, then used on one shard.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "call/handler.h"
#include "route/local/wire_message.h"

namespace parley::route {

// The request messages of a call, in order.
template <class T>
class Reader {
 public:
  explicit Reader(Call& call) : call_(&call) {}
  // The next message; nothing at the end. Errors: the call was cancelled; a malformed message is invalid_argument.
  Task<Result<std::optional<T>>> read() {
    auto slice = co_await call_->requests.read();
    if (!slice) co_return fail(std::move(slice).error());
    if (!*slice) co_return std::nullopt;
    auto message = message_from_wire<T>(**slice);
    if (!message) co_return fail(std::move(message).error());
    co_return std::move(*message);
  }

 private:
  Call* call_;
};

// The reply messages of a call.
template <class T>
class Writer {
 public:
  explicit Writer(Call& call) : call_(&call) {}
  // Waits while the caller is slow. Errors: the call was cancelled.
  Pipe::Write write(const T& message) { return call_->replies.write(Bytes(message_to_wire(message))); }

 private:
  Call* call_;
};

class LocalRoute {
 public:
  template <class Request, class Reply>
  using Unary = std::function<Task<Result<Reply>>(Call&, Request)>;
  template <class Request, class Reply>
  using Stream = std::function<Task<Result<void>>(Call&, Reader<Request>, Writer<Reply>)>;

  // `path`: "/package.Service/Method". The function outlives its calls.
  template <class Request, class Reply>
  void unary(std::string path, Unary<Request, Reply> answer);
  // Any kind with a stream on either side.
  template <class Request, class Reply>
  void stream(std::string path, Stream<Request, Reply> answer);

  // Null if nothing was registered for it.
  HandlerPtr find(std::string_view path) const;

 private:
  std::unordered_map<std::string, HandlerPtr> handlers_;
};

namespace detail {

template <class Request, class Reply>
class UnaryHandler final : public Handler {
 public:
  explicit UnaryHandler(LocalRoute::Unary<Request, Reply> answer) : answer_(std::move(answer)) {}
  Task<Result<void>> handle(Call& call) override {
    auto request = co_await Reader<Request>(call).read();
    if (!request) co_return fail(std::move(request).error());
    if (!*request) co_return fail(Error(Code::unimplemented, Blame::caller, "the call has no request message"));
    auto reply = co_await answer_(call, std::move(**request));
    if (!reply) co_return fail(std::move(reply).error());
    co_return co_await Writer<Reply>(call).write(*reply);
  }

 private:
  LocalRoute::Unary<Request, Reply> answer_;
};

template <class Request, class Reply>
class StreamHandler final : public Handler {
 public:
  explicit StreamHandler(LocalRoute::Stream<Request, Reply> answer) : answer_(std::move(answer)) {}
  Task<Result<void>> handle(Call& call) override { return answer_(call, Reader<Request>(call), Writer<Reply>(call)); }

 private:
  LocalRoute::Stream<Request, Reply> answer_;
};

}  // namespace detail

template <class Request, class Reply>
void LocalRoute::unary(std::string path, Unary<Request, Reply> answer) {
  handlers_[std::move(path)] = std::make_shared<detail::UnaryHandler<Request, Reply>>(std::move(answer));
}

template <class Request, class Reply>
void LocalRoute::stream(std::string path, Stream<Request, Reply> answer) {
  handlers_[std::move(path)] = std::make_shared<detail::StreamHandler<Request, Reply>>(std::move(answer));
}

inline HandlerPtr LocalRoute::find(std::string_view path) const {
  const auto at = handlers_.find(std::string(path));
  return at == handlers_.end() ? nullptr : at->second;
}

}  // namespace parley::route
