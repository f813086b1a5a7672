#include "route/local/messages/message_services.h"

#include <stdexcept>

#include "contract/load.h"
#include "route/local/messages/event_streams.h"

namespace parley::route {
namespace {

contract::ContractPtr load_api() {
  auto loaded = contract::load_built_in({"parley/queues.proto", "parley/topics.proto"});
  if (!loaded.contract) throw std::logic_error("the pull API's contract: " + loaded.diagnostics.front().text());
  return loaded.contract;
}

// gRPC has no place for an error's reason but its details.
class TellReason final : public Handler {
 public:
  explicit TellReason(HandlerPtr inner) : inner_(std::move(inner)) {}
  Task<Result<void>> handle(Call& call) override {
    auto status = co_await inner_->handle(call);
    if (!status) co_return fail(queue::api::with_reason_detail(std::move(status).error()));
    co_return status;
  }

 private:
  HandlerPtr inner_;
};

}  // namespace

const contract::ContractPtr& MessageServices::api_contract() {
  static const contract::ContractPtr contract = load_api();
  return contract;
}

MessageServices::MessageServices(const Front& user, queue::Broker& broker, queue::Backend& backend, const Door& door,
                                 PullApi access)
    : contract_(api_contract()),
      messaging_{.user = user, .broker = broker, .backend = backend, .door = door, .api = *contract_},
      access_(access),
      handlers_(contract_->method_count()) {
  add_queues(route_, messaging_);
  add_publish_stream(route_, messaging_);
  add_lease_stream(route_, messaging_);
  add_redrive(route_, messaging_);
  add_delete_group(route_, messaging_);
  add_topics(route_, messaging_);
  event_streams_ = std::make_shared<TellReason>(guarded(access_, std::make_shared<EventStreams>(messaging_)));
  wrap([](const contract::Method&, HandlerPtr handler) { return handler; });
}

void MessageServices::wrap(const std::function<HandlerPtr(const contract::Method&, HandlerPtr)>& filter) {
  for (const contract::Service& service : contract_->services()) {
    for (const contract::Method& method : service.methods) {
      handlers_[method.index] =
          filter(method, std::make_shared<TellReason>(guarded(access_, route_.find(method.path))));
    }
  }
}

bool MessageServices::takes(std::string_view path) {
  if (path.starts_with("/ws/")) path.remove_prefix(3);
  // Almost every path differs here.
  if (!path.starts_with("/parley")) return false;
  path.remove_prefix(7);
  return path.starts_with(".Queues/") || path.starts_with(".Topics/") || path.starts_with("/queues") ||
         path.starts_with("/topics");
}

}  // namespace parley::route
