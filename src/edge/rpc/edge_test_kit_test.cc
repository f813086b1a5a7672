#include "edge/rpc/edge_test_kit.h"

#include <stdexcept>

#include "call/handler.h"
#include "contract/load.h"
#include "wire/grpc_frame.h"

namespace parley::edge::test {
namespace {

// One level of a Text: field 1 is all that these tests read.
constexpr char text_tag = 0x0a;

Error no_such_thing() {
  return Error(Code::not_found, Blame::upstream, "no such \"thing\"").with_detail({"test.Text", text_message("why")});
}

class EchoHandler final : public Handler {
 public:
  explicit EchoHandler(const TestFront& front) : front_(front) {}
  Task<Result<void>> handle(Call& call) override;

 private:
  // Nothing: go on.
  Task<std::optional<Result<void>>> special(Call& call, std::string text);
  const TestFront& front_;
};

void copy_metadata(Call& call) {
  for (const Field f : call.metadata) {
    if (f.name.starts_with("x-")) call.headers.add(f.name, f.value);
    if (f.name.starts_with("x-"))
      call.trailers.add(std::string("x-trailing-") + std::string(f.name.substr(2)), f.value);
  }
}

Task<std::optional<Result<void>>> EchoHandler::special(Call& call, std::string text) {
  if (text == "fail") co_return fail(no_such_thing());
  if (text == "none") co_return Result<void>();
  if (text == "late" || text == "two") {
    (void)co_await call.replies.write(Bytes(text_message("first")));
    if (text == "late") co_return fail(no_such_thing());
    (void)co_await call.replies.write(Bytes(text_message("second")));
    co_return Result<void>();
  }
  if (text == "wait") {
    Signal cancelled;
    const Call::OnCancel on_cancel(call, [&](const Error&) { cancelled.notify(); });
    while (!call.cancelled()) co_await cancelled.wait();
    front_.seen = lower_name(call.cancelled()->code());
    co_return fail(*call.cancelled());
  }
  if (text == "big") {
    (void)co_await call.replies.write(Bytes(text_message(std::string(1 << 20, 'x'))));
    co_return Result<void>();
  }
  if (text == "meta") copy_metadata(call);
  co_return std::nullopt;
}

Task<Result<void>> EchoHandler::handle(Call& call) {
  std::string joined;
  bool first = true;
  for (;;) {
    auto message = co_await call.requests.read();
    if (!message) {
      front_.seen = lower_name(message.error().code());
      co_return fail(message.error());
    }
    if (!*message) break;
    if (first) ++front_.calls;
    const std::string text = text_of((*message)->view());
    if (first) {
      auto done = co_await special(call, text);
      if (done) co_return *done;
    }
    first = false;
    if (call.method().name == "Split") {
      for (const char c : text) (void)co_await call.replies.write(Bytes(text_message({&c, 1})));
    } else if (call.method().name == "Join") {
      joined += text;
    } else if (!(co_await call.replies.write(**message))) {
      break;
    }
  }
  if (call.method().name == "Join") (void)co_await call.replies.write(Bytes(text_message(joined)));
  co_return Result<void>();
}

Task<void> take_body(FakeExchange* exchange) {
  for (;;) {
    auto chunk = co_await exchange->response_body().read();
    if (!chunk || !*chunk) co_return;
    exchange->sent += (*chunk)->view();
  }
}

}  // namespace

FakeExchange::FakeExchange(net::RequestHead request, int http_version) {
  request_ = std::move(request);
  peer_of_test_.address = "127.0.0.1:1234";
  peer_of_test_.http_version = http_version;
  peer_ = &peer_of_test_;
}

void FakeExchange::respond(net::ResponseHead given) {
  if (responded_) throw std::logic_error("responded twice");
  responded_ = true;
  head = std::move(given);
}

void FakeExchange::finish(Fields given) {
  if (!responded_ || finished) throw std::logic_error("finished twice, or before the head");
  finished = true;
  trailers = std::move(given);
  response_body_.end();
}

void FakeExchange::reset(net::Reset) {
  was_reset = true;
  lose();
}

net::RequestHead head_of(const Request& request) {
  net::RequestHead head{.method = request.method,
                        .scheme = "http",
                        .authority = "test",
                        .target = request.path,
                        .fields = request.fields};
  if (!request.content_type.empty()) head.fields.add("content-type", request.content_type);
  return head;
}

TestFront::TestFront() {
  const auto loaded = contract::load({std::string(PARLEY_SOURCE_DIR) + "/src/edge/rpc/testdata"});
  if (!loaded.contract)
    throw std::runtime_error(loaded.diagnostics.empty() ? "no contract" : loaded.diagnostics.front().text());
  contract_ = loaded.contract;
}

HandlerPtr TestFront::handler(const contract::Method&) const { return std::make_shared<EchoHandler>(*this); }

std::string text_message(std::string_view text) {
  std::string wire(1, text_tag);
  for (std::size_t size = text.size();; size >>= 7U) {
    wire += static_cast<char>((size & 0x7fU) | (size > 0x7f ? 0x80U : 0U));
    if (size <= 0x7f) break;
  }
  return wire.append(text);
}

std::string text_of(std::string_view wire) {
  if (wire.empty()) return {};
  if (wire.front() != text_tag) return "?";
  std::size_t at = 1;
  while (at < wire.size() && (static_cast<unsigned char>(wire[at]) & 0x80U) != 0) ++at;
  return std::string(wire.substr(at + 1));
}

std::string framed(std::string_view payload, std::uint8_t flags) {
  return std::string(wire::grpc_frame(flags, payload).view());
}

std::string show_frames(std::string_view body) {
  wire::GrpcFrameDecoder decoder(64 << 20);
  decoder.feed(Bytes::copy_of(body));
  std::string shown;
  for (;;) {
    const auto frame = decoder.next();
    if (!frame || !*frame) break;
    const std::string_view payload = (*frame)->payload.view();
    const bool is_message = payload.starts_with(text_tag) && (*frame)->flags == 0;
    shown += (shown.empty() ? "" : " ") + std::to_string((*frame)->flags) + ":" +
             (is_message ? text_of(payload) : std::string(payload));
  }
  return shown + (decoder.is_between_frames() ? "" : " (cut off)");
}

std::string show_fields(const Fields& fields) {
  std::string shown;
  for (const Field f : fields) {
    if (f.name == "content-type" || f.name == "content-length") continue;
    shown.append(f.name).append(": ").append(f.value).append("; ");
  }
  return shown;
}

void serve(Shard& shard, net::ExchangeHandler& edge, FakeExchange& exchange, const Request& request,
           const Meanwhile& meanwhile, std::size_t chunk) {
  const auto settle = [&shard] { shard.run_until([] { return true; }); };
  const std::string_view body = request.body;
  if (chunk == 0) chunk = body.size() + 1;
  TaskGroup tasks;
  tasks.spawn(take_body(&exchange));
  tasks.spawn(edge.serve(exchange));
  for (std::size_t at = 0; at < body.size(); at += chunk) {
    exchange.body().push(Bytes::copy_of(body.substr(at, chunk)));
    settle();
  }
  if (request.ends) exchange.body().end();
  settle();
  if (meanwhile) meanwhile();
  settle();
  if (tasks.live() == 1) exchange.response_body().end();  // the edge is gone: nothing more comes
  settle();
}

}  // namespace parley::edge::test
