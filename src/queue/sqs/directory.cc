#include "queue/sqs/directory.h"

#include <fmt/format.h>

#include "base/log.h"
#include "queue/sqs/json_writer.h"
#include "queue/sqs/reply.h"

namespace parley::queue::sqs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// "Amazon SQS message quotas", "FIFO queue quotas".
constexpr Duration longest_hidden = hours(12);
constexpr Duration longest_kept = hours(24 * 14);
constexpr Duration dedup_window = minutes(5);

using Attributes = std::map<std::string, std::string>;

std::string in_seconds(Duration duration) {
  return std::to_string(std::max<std::int64_t>(1, std::chrono::ceil<seconds>(duration).count()));
}

bool is_fifo(const QueueDeclaration& wanted) { return wanted.consumer.keyed || wanted.dedup_window > Duration::zero(); }

Attributes attributes_of(const QueueDeclaration& wanted, const Settings& settings) {
  return {{"VisibilityTimeout", in_seconds(wanted.consumer.lease)},
          {"MessageRetentionPeriod", in_seconds(longest_kept)},
          {"MaximumMessageSize", std::to_string(settings.max_message)}};
}

// What a queue is from its creation on.
Attributes fixed_attributes(const QueueDeclaration& wanted) {
  if (!is_fifo(wanted)) return {};
  Attributes out{{"FifoQueue", "true"}};
  if (wanted.dedup_window == Duration::zero()) {  // high throughput; deduplication is then within a group
    out.emplace("DeduplicationScope", "messageGroup");
    out.emplace("FifoThroughputLimit", "perMessageGroupId");
  }
  return out;
}

void put(JsonWriter& json, const Attributes& attributes) {
  json.begin("Attributes");
  for (const auto& [name, value] : attributes) json.text(name, value);
  json.end();
}

Task<Result<std::string>> url_of(Client& client, std::string sqs_name) {
  const Result<std::string> answer =
      co_await client.call("GetQueueUrl", JsonWriter().begin().text("QueueName", sqs_name).end().take());
  if (!answer) co_return fail(answer.error());
  co_return read_text(*answer, "QueueUrl");
}

Task<Result<void>> take_over(Client& client, const std::string& url, const Attributes& wanted) {
  const Result<std::string> answer = co_await client.call(
      "GetQueueAttributes",
      JsonWriter().begin().text("QueueUrl", url).begin_list("AttributeNames").text("All").end_list().end().take());
  if (!answer) co_return fail(answer.error());
  const auto have = read_texts(*answer, "Attributes");
  if (!have) co_return fail(have.error());
  Attributes changed;
  for (const auto& [name, value] : wanted) {
    const auto at = have->find(name);
    if (at == have->end() || at->second != value) changed.emplace(name, value);
  }
  if (changed.empty()) co_return {};
  JsonWriter json;
  json.begin().text("QueueUrl", url);
  put(json, changed);
  const Result<std::string> set = co_await client.call("SetQueueAttributes", json.end().take());
  if (!set) co_return fail(set.error());
  co_return {};
}

Task<Result<std::string>> ensure(Client& client, std::string sqs_name, Attributes changing, Attributes fixed) {
  Result<std::string> url = co_await url_of(client, sqs_name);
  if (!url && url.error().code() == Code::not_found) {
    JsonWriter json;
    json.begin().text("QueueName", sqs_name);
    Attributes all = changing;
    all.merge(fixed);
    put(json, all);
    const Result<std::string> made = co_await client.call("CreateQueue", json.end().take());
    if (made) co_return read_text(*made, "QueueUrl");
    if (made.error().code() != Code::already_exists) co_return fail(made.error());
    url = co_await url_of(client, sqs_name);  // somebody else was faster
  }
  if (!url) co_return fail(url.error());
  if (const Result<void> set = co_await take_over(client, *url, changing); !set) co_return fail(set.error());
  co_return url;
}

// The queue with the other kind of name may still hold messages, which nobody would take.
Task<void> warn_of_other_kind(Client& client, const Settings& settings, const QueueDeclaration& wanted) {
  const Result<Names> other = names_of(wanted.consumer.name, settings.prefix, !is_fifo(wanted));
  const Result<std::string> url = co_await url_of(client, other->main);
  if (!url) co_return;
  log::warn("queue {}: SQS also has {}, from a time when the queue was {}: its messages are not delivered",
            wanted.consumer.name, other->main, is_fifo(wanted) ? "without key and dedup" : "with a key or dedup");
}

Task<Result<PlacePtr>> place_of(Client& client, const Settings& settings, QueueDeclaration wanted, bool fifo,
                                std::string url) {
  auto place = std::make_shared<Place>();
  place->name = wanted.consumer.name;
  place->fifo = fifo;
  place->keyed = wanted.consumer.keyed;
  place->url = std::move(url);
  const Result<Names> names = names_of(place->name, settings.prefix, fifo);
  if (!names) co_return fail(names.error());
  const Attributes beside{{"MessageRetentionPeriod", in_seconds(longest_kept)},
                          {"MaximumMessageSize", std::to_string(settings.max_message)}};
  Result<std::string> dead = co_await ensure(client, names->dead, beside, {});
  if (!dead) co_return fail(std::move(dead).error());
  Result<std::string> later = co_await ensure(client, names->later, beside, {});
  if (!later) co_return fail(std::move(later).error());
  place->dead_url = std::move(*dead);
  place->later_url = std::move(*later);
  place->wanted = std::move(wanted);
  co_return place;
}

}  // namespace

PlacePtr Directory::find(const std::string& name) const {
  const std::lock_guard lock(lock_);
  const auto at = places_.find(name);
  return at == places_.end() ? nullptr : at->second;
}

void Directory::put(PlacePtr place) {
  const std::lock_guard lock(lock_);
  places_[place->name] = place;
}

std::map<std::string, std::string> Directory::names(const Settings& settings) const {
  const std::lock_guard lock(lock_);
  std::map<std::string, std::string> out;
  for (const auto& [name, place] : places_) {
    if (const Result<Names> names = names_of(name, settings.prefix, place->fifo)) out.emplace(names->main, name);
  }
  return out;
}

std::string refusal(const QueueDeclaration& wanted, const Settings& settings) {
  if (const Result<Names> names = names_of(wanted.consumer.name, settings.prefix, is_fifo(wanted)); !names)
    return names.error().message();
  if (wanted.dedup_window > dedup_window)
    return "dedup.window: SQS remembers messages for 5 minutes, and no longer; ask for 5m or less, or keep this queue "
           "elsewhere";
  if (wanted.ttl > longest_kept) return "ttl: SQS keeps messages for 14 days at most";
  if (wanted.consumer.lease > longest_hidden) return "lease: SQS gives a message away for 12 hours at most";
  if (wanted.consumer.retry.max > longest_hidden) return "retry.max: SQS puts a message off by 12 hours at most";
  return {};
}

Task<Result<PlacePtr>> create(Client& client, const Settings& settings, const QueueDeclaration& wanted) {
  const Result<Names> names = names_of(wanted.consumer.name, settings.prefix, is_fifo(wanted));
  if (!names) co_return fail(names.error());
  Result<std::string> url =
      co_await ensure(client, names->main, attributes_of(wanted, settings), fixed_attributes(wanted));
  if (!url) co_return fail(std::move(url).error());
  co_await warn_of_other_kind(client, settings, wanted);
  if (wanted.dedup_window > Duration::zero() && wanted.dedup_window < dedup_window)
    log::warn("queue {}: dedup.window is 5m on SQS, which has no other", wanted.consumer.name);
  co_return co_await place_of(client, settings, wanted, is_fifo(wanted), std::move(*url));
}

Task<Result<PlacePtr>> look_up(Client& client, const Settings& settings, const std::string& name) {
  for (const bool fifo : {false, true}) {
    const Result<Names> names = names_of(name, settings.prefix, fifo);
    if (!names) co_return fail(names.error());
    Result<std::string> url = co_await url_of(client, names->main);
    if (!url && url.error().code() == Code::not_found) continue;
    if (!url) co_return fail(std::move(url).error());
    QueueDeclaration wanted;
    wanted.consumer.name = name;
    wanted.consumer.keyed = fifo;
    co_return co_await place_of(client, settings, std::move(wanted), fifo, std::move(*url));
  }
  co_return fail(
      Error(Code::not_found, Blame::caller, fmt::format("SQS has no queue {}", name)).with_reason("no_such_queue"));
}

}  // namespace parley::queue::sqs
