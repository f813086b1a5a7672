#include "loop/task_group.h"
#include "queue/broker.h"

namespace parley::queue {
namespace {

using Outcome = std::optional<Result<Receipt>>;

Task<void> publish_one(Broker& broker, Publish request, Outcome* outcome) {
  *outcome = co_await broker.publish(std::move(request));
}

}  // namespace

Task<Result<std::vector<Receipt>>> Broker::publish_all(std::vector<Publish> requests) {
  std::vector<Outcome> outcomes(requests.size());
  TaskGroup tasks;
  for (std::size_t i = 0; i < requests.size(); ++i)
    tasks.spawn(publish_one(*this, std::move(requests[i]), &outcomes[i]));
  co_await tasks.join();
  std::vector<Receipt> receipts;
  std::size_t failed_at = outcomes.size();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (*outcomes[i]) {
      receipts.push_back(std::move(**outcomes[i]));
    } else if (failed_at == outcomes.size()) {
      failed_at = i;
    }
  }
  if (failed_at == outcomes.size()) co_return receipts;
  co_return fail(std::move(*outcomes[failed_at])
                     .error()
                     .during(std::to_string(receipts.size()) + " of " + std::to_string(outcomes.size()) +
                             " messages are stored, number " + std::to_string(failed_at + 1) + " is not"));
}

}  // namespace parley::queue
