#include "edge/graphql/single_stream.h"

#include "contract/text_escape.h"
#include "edge/graphql/errors.h"

namespace parley::edge::graphql {
namespace {

Error left() {
  return Error(Code::cancelled, Blame::caller, "the client ended the operation").with_reason("completed");
}

FeedAnswer refused(int status, std::string message, std::string_view reason) {
  return {.status = status, .body = error_body({request_error(std::move(message), reason)})};
}

std::string with_id(std::string_view id) {
  std::string data = "{\"id\":";
  contract::append_json_string(data, id);
  return data;
}

}  // namespace

class SingleStream::Live final : public ResultSink {
 public:
  explicit Live(SingleStream& stream) : stream_(stream) {}

  Task<bool> next(std::string response) override {
    if (is_silent) co_return false;
    co_return co_await stream_.send(*this, "next", with_id(id) + ",\"payload\":" + response + "}");
  }

  std::string id;
  ParsedRequest request;
  std::unique_ptr<Operation> operation;
  bool is_silent = false;  // the client wants to hear no more of it

 private:
  SingleStream& stream_;
};

SingleStream::SingleStream(net::ServerExchange& exchange, Engine& engine)
    : exchange_(exchange), engine_(engine), stream_(exchange, engine.options()) {
  exchange.on_broken(
      [](void* of) {
        auto* self = static_cast<SingleStream*>(of);
        self->end_operations(*self->exchange_.broken());
      },
      this);
  exchange.on_drain(
      [](void* self) {
        static_cast<SingleStream*>(self)->end_operations(
            Error(Code::unavailable, Blame::us, "Parley stops: connect again").with_reason("draining"));
      },
      this);
}

Task<void> SingleStream::run() {
  while (!ended_) co_await changed_.wait();
  exchange_.on_broken(nullptr, nullptr);
  exchange_.on_drain(nullptr, nullptr);
  if (tasks_.live() > 0) co_await tasks_.join();
  stream_.close();
}

void SingleStream::end_operations(const Error& why) {
  ended_ = true;
  for (auto& [id, live] : live_) {
    live->is_silent = true;
    live->operation->cancel(why);
  }
  live_.clear();
  changed_.notify();
}

FeedAnswer SingleStream::begin(Bytes body, CallContext context) {
  if (ended_) return refused(404, "The event stream has ended.", "no_stream");
  auto live = std::make_shared<Live>(*this);
  if (auto read = live->request.read_body(std::move(body)); !read) {
    return refused(400, read.error().message(), read.error().reason());
  }
  live->id = live->request.operation_id();
  if (live->id.empty()) return refused(400, "extensions.operationId is missing.", "no_operation_id");
  if (live_.contains(live->id)) return refused(409, "The stream has an operation of that id.", "id_in_use");
  // Those that were ended, and still have to notice, count too.
  const std::size_t most = engine_.options().socket_operations;
  if (live_.size() >= most || tasks_.live() >= 2 * most) {
    return refused(429, "The stream has too many operations at once.", "too_many_operations");
  }
  auto operation = engine_.prepare(live->request, std::move(context));
  if (!operation) return {.status = 400, .body = error_body(operation.error())};
  live->operation = std::move(*operation);
  live_.emplace(live->id, live);
  tasks_.spawn(run_operation(std::move(live)));
  return {};
}

void SingleStream::stop(const std::string& id) {
  const auto at = live_.find(id);
  if (at == live_.end()) return;
  at->second->is_silent = true;
  at->second->operation->cancel(left());
  live_.erase(at);
  changed_.notify();  // what waits to be sent is not: its id may be another one's already
}

Task<void> SingleStream::run_operation(LivePtr live) {
  if (live->operation->kind() == ql::OperationKind::subscription) {
    co_await live->operation->subscribe(*live);
  } else {
    std::string response;
    co_await live->operation->run(response);
    (void)co_await live->next(std::move(response));
  }
  if (live->is_silent) co_return;
  (void)co_await send(*live, "complete", with_id(live->id) + "}");
  if (!live->is_silent) live_.erase(live->id);
}

// One event at a time: a pipe has one writer.
Task<bool> SingleStream::send(const Live& of, std::string_view type, std::string data) {
  while (sending_ && !of.is_silent) co_await changed_.wait();
  if (ended_ || of.is_silent) co_return false;
  sending_ = true;
  const bool sent = co_await stream_.send(type, data);
  sending_ = false;
  changed_.notify();
  co_return sent;
}

}  // namespace parley::edge::graphql
