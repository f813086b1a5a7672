#include "queue/sqs/sqs_backend.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "net/client_connection.h"
#include "queue/reach.h"
#include "queue/sqs/fault.h"
#include "queue/sqs/json_writer.h"
#include "queue/sqs/reply.h"
#include "queue/sqs/sqs_broker.h"

namespace parley::queue::sqs {
namespace {

// A line for each queue or topic that cannot be on SQS.
std::string refusals(const Declarations& wanted, const Settings& settings) {
  std::string out;
  std::map<std::string, std::string> names;
  for (const QueueDeclaration& queue : wanted.queues) {
    const std::string& name = queue.consumer.name;
    std::string why = refusal(queue, settings);
    if (why.empty()) {
      const auto [at, is_new] = names.emplace(names_of({name, ""}, settings.prefix, false)->main, name);
      if (!is_new) why = fmt::format("SQS would have one queue for it and {}: {}", at->second, at->first);
    }
    if (!why.empty()) out += fmt::format("{}{}: {}", out.empty() ? "" : "\n", name, why);
  }
  for (const TopicDeclaration& topic : wanted.topics) {
    if (const std::string why = refusal(topic, settings); !why.empty())
      out += fmt::format("{}topic {}: {}", out.empty() ? "" : "\n", topic.name, why);
  }
  return out;
}

// A service that cannot be reached, is overloaded or in trouble: that passes. What it refuses stays refused.
bool may_pass(const Error& error) {
  if (error.reason() == "tls_config" || error.reason() == "upstream_tls_failed") return false;
  return error.code() == Code::unavailable || error.code() == Code::deadline_exceeded ||
         error.reason() == throttled_reason;
}

Task<Result<void>> declare_all(Client& client, Common& common, const Declarations& wanted) {
  for (const QueueDeclaration& queue : wanted.queues) {
    Result<PlacePtr> place = co_await create(client, common.settings, queue);
    if (!place) co_return fail(Error(std::move(place).error()).during(fmt::format("queue {}", queue.consumer.name)));
    common.directory.put(*place);
  }
  for (const TopicDeclaration& topic : wanted.topics) {
    Result<std::vector<PlacePtr>> places = co_await create(client, common.settings, topic);
    if (!places) co_return fail(Error(std::move(places).error()).during(fmt::format("topic {}", topic.name)));
    for (const PlacePtr& place : *places) common.directory.put(place);
  }
  co_return {};
}

Task<Result<std::vector<Source>>> list_all(Client& client, const Common& common) {
  auto sqs_names = co_await list_names(client, common.settings.prefix);
  if (!sqs_names) co_return fail(std::move(sqs_names).error());
  std::ranges::sort(*sqs_names);
  const std::map<std::string, Source> declared = common.directory.names(common.settings);
  std::vector<Source> out;
  for (const std::string& sqs_name : *sqs_names) {
    const std::optional<Source> source = source_of(sqs_name, common.settings.prefix);
    if (!source) continue;
    const auto known = declared.find(sqs_name);
    out.push_back(known == declared.end() ? *source : known->second);
  }
  co_return out;
}

class SqsBackend final : public Backend {
 public:
  SqsBackend(Settings settings, const WallClock& clock)
      : common_(std::make_shared<Common>(std::move(settings), clock)),
        reach_("SQS at " + net::authority_of(common_->settings.origin), common_->settings.start_patience) {}

  std::string_view name() const override { return "sqs"; }

  Result<void> declare(const Declarations& wanted) override {
    if (std::string why = refusals(wanted, common_->settings); !why.empty())
      return fail(Error(Code::failed_precondition, Blame::us, std::move(why)).with_reason("not_by_this_backend"));
    if (!std::exchange(said_what_differs_, true)) {
      log::info("queues on SQS: a message that nobody takes is gone after 14 days, without a dead letter");
      if (!wanted.topics.empty())
        log::info(
            "topics on SQS: an event goes to the groups that there are, and is gone; nothing can be replayed. One that "
            "comes again is known for 5 minutes");
    }
    const auto attempt = [&] {
      return asking<void>([&](Client& client) { return declare_all(client, *common_, wanted); });
    };
    return reach_.wait(wanted, attempt, may_pass);
  }

  std::optional<Error> unreached() const override { return reach_.unreached(); }
  void stop_waiting() override { reach_.stop(); }

  std::unique_ptr<Broker> open(Shard& shard) override { return std::make_unique<SqsBroker>(shard, common_); }

  Result<std::vector<Source>> list() override {
    return asking<std::vector<Source>>([&](Client& client) { return list_all(client, *common_); });
  }

 private:
  // Runs a task with a client on a loop of its own, in this thread.
  template <class T, class Ask>
  Result<T> asking(const Ask& ask) {
    Shard shard;
    Client client(shard, common_->settings, common_->clock);
    Result<T> out = run_blocking(shard, ask(client));
    client.close();
    return out;
  }

  const std::shared_ptr<Common> common_;
  Reach reach_;
  bool said_what_differs_ = false;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_backend(std::string_view address, const std::filesystem::path& folder) {
  static const WallClock clock;
  Result<Settings> settings = parse_settings(address, process_environment());
  if (!settings) return fail(std::move(settings).error());
  std::string& ca = settings->origin.tls_config.ca_file;
  if (!ca.empty()) ca = (folder / ca).string();
  return make_backend(std::move(*settings), clock);
}

std::unique_ptr<Backend> make_backend(Settings settings, const WallClock& clock) {
  return std::make_unique<SqsBackend>(std::move(settings), clock);
}

}  // namespace parley::queue::sqs
