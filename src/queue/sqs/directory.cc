#include "queue/sqs/directory.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/sqs/fault.h"
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

using Texts = std::map<std::string, std::string>;

std::string in_seconds(Duration duration) {
  return std::to_string(std::max<std::int64_t>(1, std::chrono::ceil<seconds>(duration).count()));
}

bool is_fifo(const QueueDeclaration& wanted) { return wanted.consumer.keyed || wanted.dedup_window > Duration::zero(); }

// What a queue of SQS is to be.
struct Wanted {
  std::string sqs_name;
  Texts attributes;  // that may change
  Texts fixed;       // from its creation on
  Texts tags;        // from its creation on
};

Texts common_attributes(const Settings& settings) {
  return {{"MessageRetentionPeriod", in_seconds(longest_kept)},
          {"MaximumMessageSize", std::to_string(settings.max_message)}};
}

Texts fifo_attributes(bool with_dedup) {
  Texts out{{"FifoQueue", "true"}};
  if (!with_dedup) {  // high throughput; deduplication is then within a message group
    out.emplace("DeduplicationScope", "messageGroup");
    out.emplace("FifoThroughputLimit", "perMessageGroupId");
  }
  return out;
}

void put(JsonWriter& json, std::string_view name, const Texts& texts) {
  if (texts.empty()) return;
  json.begin(name);
  for (const auto& [key, value] : texts) json.text(key, value);
  json.end();
}

Task<Result<void>> take_over(Client& client, const std::string& url, const Texts& wanted) {
  const Result<std::string> answer = co_await client.call(
      "GetQueueAttributes",
      JsonWriter().begin().text("QueueUrl", url).begin_list("AttributeNames").text("All").end_list().end().take());
  if (!answer) co_return fail(answer.error());
  const auto have = read_texts(*answer, "Attributes");
  if (!have) co_return fail(have.error());
  Texts changed;
  for (const auto& [name, value] : wanted) {
    const auto at = have->find(name);
    if (at == have->end() || at->second != value) changed.emplace(name, value);
  }
  if (changed.empty()) co_return {};
  JsonWriter json;
  json.begin().text("QueueUrl", url);
  put(json, "Attributes", changed);
  const Result<std::string> set = co_await client.call("SetQueueAttributes", json.end().take());
  if (!set) co_return fail(set.error());
  co_return {};
}

Task<Result<std::string>> ensure(Client& client, Wanted wanted) {
  Result<std::string> url = co_await url_of(client, wanted.sqs_name);
  if (!url && url.error().code() == Code::not_found) {
    JsonWriter json;
    json.begin().text("QueueName", wanted.sqs_name);
    Texts all = wanted.attributes;
    all.insert(wanted.fixed.begin(), wanted.fixed.end());
    put(json, "Attributes", all);
    put(json, "tags", wanted.tags);
    const Result<std::string> made = co_await client.call("CreateQueue", json.end().take());
    if (made) co_return read_text(*made, "QueueUrl");
    if (made.error().code() != Code::already_exists) co_return fail(made.error());
    url = co_await url_of(client, wanted.sqs_name);  // somebody else was faster
  }
  if (!url) co_return fail(url.error());
  if (const Result<void> set = co_await take_over(client, *url, wanted.attributes); !set) co_return fail(set.error());
  co_return url;
}

// The queue with the other kind of name may still hold messages, which nobody would take.
Task<void> warn_of_other_kind(Client& client, const Settings& settings, const Place& place) {
  const Result<Names> other = names_of(place.source, settings.prefix, !place.fifo);
  const Result<std::string> url = co_await url_of(client, other->main);
  if (!url) co_return;
  log::warn("queue {}: SQS also has {}, from a time when the queue was {}: its messages are not delivered", place.label,
            other->main, place.fifo ? "without key and dedup" : "with a key or dedup");
}

Task<Result<std::string>> ensure_beside(Client& client, const Settings& settings, std::string sqs_name) {
  return ensure(client,
                {.sqs_name = std::move(sqs_name), .attributes = common_attributes(settings), .fixed = {}, .tags = {}});
}

std::shared_ptr<Place> place_of(QueueDeclaration wanted, bool fifo) {
  auto place = std::make_shared<Place>();
  place->source = {.name = wanted.consumer.name, .group = wanted.consumer.group};
  place->label = label_of(place->source);
  place->fifo = fifo;
  place->keyed = wanted.consumer.keyed;
  place->wanted = std::move(wanted);
  return place;
}

// The queues beside it.
Task<Result<void>> complete(Client& client, const Settings& settings, Place& place) {
  const Result<Names> names = names_of(place.source, settings.prefix, place.fifo);
  if (!names) co_return fail(names.error());
  Result<std::string> dead = co_await ensure_beside(client, settings, names->dead);
  if (!dead) co_return fail(std::move(dead).error());
  place.dead_url = std::move(*dead);
  if (!place.source.group.empty()) co_return {};
  Result<std::string> later = co_await ensure_beside(client, settings, names->later);
  if (!later) co_return fail(std::move(later).error());
  place.later_url = std::move(*later);
  co_return {};
}

// A queue or a group.
Task<Result<PlacePtr>> create_one(Client& client, const Settings& settings, QueueDeclaration wanted, Texts tags) {
  const bool fifo = is_fifo(wanted);
  const std::shared_ptr<Place> place = place_of(std::move(wanted), fifo);
  const QueueDeclaration& is = place->wanted;
  const Result<Names> names = names_of(place->source, settings.prefix, place->fifo);
  if (!names) co_return fail(names.error());
  Wanted main{.sqs_name = names->main, .attributes = common_attributes(settings), .fixed = {}, .tags = std::move(tags)};
  main.attributes["VisibilityTimeout"] = in_seconds(is.consumer.lease);
  if (place->fifo) main.fixed = fifo_attributes(is.dedup_window > Duration::zero());
  Result<std::string> url = co_await ensure(client, std::move(main));
  if (!url) co_return fail(std::move(url).error());
  place->url = std::move(*url);
  co_await warn_of_other_kind(client, settings, *place);
  if (const Result<void> done = co_await complete(client, settings, *place); !done) co_return fail(done.error());
  co_return place;
}

std::string refusal(const Consumer& consumer, const Settings& settings) {
  const Source source{.name = consumer.name, .group = consumer.group};
  if (const Result<Names> names = names_of(source, settings.prefix, false); !names) return names.error().message();
  if (consumer.lease > longest_hidden) return "lease: SQS gives a message away for 12 hours at most";
  if (consumer.retry.max > longest_hidden) return "retry.max: SQS puts a message off by 12 hours at most";
  if (consumer.retry.followers_wait)
    return "retry.followers: SQS has no way to hold a message group whose message was taken out of it";
  return {};
}

// A topic whose groups took events already has none of those any more.
Task<Result<void>> check_beginnings(Client& client, const Settings& settings, const TopicDeclaration& wanted) {
  const auto names = co_await list_names(client, groups_prefix(wanted.name, settings.prefix));
  if (!names) co_return fail(names.error());
  const auto exists = [&](const Consumer& group) {
    const Result<Names> name = names_of({.name = wanted.name, .group = group.group}, settings.prefix, wanted.keyed);
    return name && std::ranges::find(*names, name->main) != names->end();
  };
  for (const Consumer& group : wanted.groups) {
    if (names->empty() || !group.from_earliest || exists(group)) continue;
    co_return fail(Error(Code::failed_precondition, Blame::us,
                         fmt::format("group {} would begin at the earliest event, and SQS has none of those that other "
                                     "groups took; begin at the latest (start: LATEST)",
                                     group.group))
                       .with_reason("not_by_this_backend"));
  }
  co_return {};
}

}  // namespace

PlacePtr Directory::find(const Source& source) const {
  const std::lock_guard lock(lock_);
  const auto at = places_.find(label_of(source));
  return at == places_.end() ? nullptr : at->second;
}

void Directory::put(const PlacePtr& place) {
  const std::lock_guard lock(lock_);
  places_[place->label] = place;
}

void Directory::remove(const Source& source) {
  const std::lock_guard lock(lock_);
  places_.erase(label_of(source));
}

std::map<std::string, Source> Directory::names(const Settings& settings) const {
  const std::lock_guard lock(lock_);
  std::map<std::string, Source> out;
  for (const auto& [label, place] : places_) {
    if (place->topic) continue;
    if (const Result<Names> names = names_of(place->source, settings.prefix, place->fifo))
      out.emplace(names->main, place->source);
  }
  return out;
}

std::string refusal(const QueueDeclaration& wanted, const Settings& settings) {
  if (std::string why = refusal(wanted.consumer, settings); !why.empty()) return why;
  if (wanted.dedup_window > dedup_window)
    return "dedup.window: SQS remembers messages for 5 minutes, and no longer; ask for 5m or less, or keep this queue "
           "elsewhere";
  if (wanted.ttl > longest_kept) return "ttl: SQS keeps messages for 14 days at most";
  return {};
}

std::string refusal(const TopicDeclaration& wanted, const Settings& settings) {
  if (const Result<std::string> name = topic_name(wanted.name, settings.prefix, wanted.keyed); !name)
    return name.error().message();
  for (const Consumer& group : wanted.groups) {
    if (std::string why = refusal(group, settings); !why.empty()) return fmt::format("group {}: {}", group.group, why);
  }
  return {};
}

Task<Result<std::string>> url_of(Client& client, std::string sqs_name) {
  const Result<std::string> answer =
      co_await client.call("GetQueueUrl", JsonWriter().begin().text("QueueName", sqs_name).end().take());
  if (!answer) co_return fail(answer.error());
  co_return read_text(*answer, "QueueUrl");
}

Task<Result<std::vector<std::string>>> list_names(Client& client, std::string prefix) {
  std::vector<std::string> out;
  std::string token;
  do {
    JsonWriter json;
    json.begin().number("MaxResults", 1000);
    if (!prefix.empty()) json.text("QueueNamePrefix", prefix);
    if (!token.empty()) json.text("NextToken", token);
    const Result<std::string> answer = co_await client.call("ListQueues", json.end().take());
    if (!answer) co_return fail(answer.error());
    const auto urls = read_list(*answer, "QueueUrls");
    const auto next = read_text(*answer, "NextToken");
    if (!urls || !next) co_return fail(urls ? next.error() : urls.error());
    for (const std::string& url : *urls) out.push_back(url.substr(url.rfind('/') + 1));
    token = *next;
  } while (!token.empty());
  co_return out;
}

Task<Result<PlacePtr>> create(Client& client, const Settings& settings, const QueueDeclaration& wanted) {
  if (wanted.dedup_window > Duration::zero() && wanted.dedup_window < dedup_window)
    log::warn("queue {}: dedup.window is 5m on SQS, which has no other", wanted.consumer.name);
  return create_one(client, settings, wanted, {});
}

Task<Result<std::vector<PlacePtr>>> create(Client& client, const Settings& settings, const TopicDeclaration& wanted) {
  if (const Result<void> checked = co_await check_beginnings(client, settings, wanted); !checked)
    co_return fail(checked.error());
  std::vector<PlacePtr> out;
  for (const Consumer& group : wanted.groups) {
    Texts tags;
    if (group.from_earliest) tags.emplace(earliest_tag, "true");
    Result<PlacePtr> place = co_await create_one(client, settings, {.consumer = group}, std::move(tags));
    if (!place) co_return fail(std::move(place).error());
    out.push_back(std::move(*place));
  }
  QueueDeclaration itself;
  itself.consumer.name = wanted.name;
  itself.consumer.keyed = wanted.keyed;
  itself.dedup_window = std::min(wanted.dedup_window, dedup_window);
  const bool fifo = is_fifo(itself);
  const Result<std::string> name = topic_name(wanted.name, settings.prefix, fifo);
  if (!name) co_return fail(name.error());
  Wanted topic{.sqs_name = *name, .attributes = common_attributes(settings), .fixed = {}, .tags = {}};
  if (fifo) topic.fixed = fifo_attributes(itself.dedup_window > Duration::zero());
  Result<std::string> url = co_await ensure(client, std::move(topic));
  if (!url) co_return fail(std::move(url).error());
  const std::shared_ptr<Place> place = place_of(std::move(itself), fifo);
  place->topic = true;
  place->url = std::move(*url);
  out.push_back(place);
  co_return out;
}

Task<Result<PlacePtr>> look_up(Client& client, const Settings& settings, Source source) {
  for (const bool topic : {false, true}) {
    for (const bool fifo : {false, true}) {
      if (topic && !source.group.empty()) continue;
      const Result<Names> names = names_of(source, settings.prefix, fifo);
      if (!names) co_return fail(names.error());
      const Result<std::string> name = topic ? topic_name(source.name, settings.prefix, fifo) : names->main;
      if (!name) continue;
      Result<std::string> url = co_await url_of(client, *name);
      if (!url && url.error().code() == Code::not_found) continue;
      if (!url) co_return fail(std::move(url).error());
      QueueDeclaration wanted;
      wanted.consumer.name = source.name;
      wanted.consumer.group = source.group;
      wanted.consumer.keyed = fifo;
      const std::shared_ptr<Place> place = place_of(std::move(wanted), fifo);
      place->topic = topic;
      place->url = std::move(*url);
      if (topic) co_return place;
      if (const Result<void> done = co_await complete(client, settings, *place); !done) co_return fail(done.error());
      co_return place;
    }
  }
  co_return fail(Error(Code::not_found, Blame::caller, fmt::format("SQS has no queue for {}", label_of(source)))
                     .with_reason("no_such_queue"));
}

}  // namespace parley::queue::sqs
