// A group of a topic goes: its queues. The dead letters' last: by them, too, it is found until all of it is gone.
#include <fmt/format.h>

#include "queue/group_errors.h"
#include "queue/sqs/json_writer.h"
#include "queue/sqs/sqs_broker.h"

namespace parley::queue::sqs {

Task<Result<std::vector<std::string>>> SqsBroker::urls_of(std::vector<std::string> sqs_names) {
  std::vector<std::string> urls;
  for (const std::string& name : sqs_names) {
    Result<std::string> url = co_await url_of(client_, name);
    if (!url && url.error().code() == Code::not_found) continue;
    if (!url) co_return fail(std::move(url).error());
    urls.push_back(std::move(*url));
  }
  co_return urls;
}

// SQS knows no consumers, but what it has hidden for them.
Task<Result<void>> SqsBroker::check_unused(Source group, std::vector<std::string> urls) {
  const std::string label = label_of(group);
  if (common_->ledger.is_waited_for(label))
    co_return fail(group_in_use(group, "a consumer of this node waits for its messages"));
  if (const std::size_t leased = common_->ledger.leased(label, shard_.now()); leased > 0)
    co_return fail(group_in_use(group, fmt::format("{} of its messages are leased by this node", leased)));
  for (const std::string& url : urls) {
    Part part(bench_, url, false);
    const Result<Part::Depth> depth = co_await part.depth();
    if (!depth && depth.error().code() == Code::not_found) continue;
    if (!depth) co_return fail(depth.error());
    if (depth->hidden == 0) continue;
    co_return fail(group_in_use(group, fmt::format("SQS hides {} of its messages, which are in somebody's hands or "
                                                   "between two attempts",
                                                   depth->hidden)));
  }
  co_return {};
}

Task<Result<void>> SqsBroker::delete_group(Source group) {
  const Result<Channel*> topic = co_await channel_of({.name = group.name, .group = ""});
  if (!topic) co_return fail(topic.error());
  if (!(*topic)->place().topic) co_return fail(no_such_group(group));
  const Result<Names> plain = names_of(group, common_->settings.prefix, false);
  if (!plain) co_return fail(plain.error());
  const Result<Names> fifo = names_of(group, common_->settings.prefix, true);
  if (!fifo) co_return fail(fifo.error());
  Result<std::vector<std::string>> urls = co_await urls_of({plain->main, fifo->main});
  if (!urls) co_return fail(std::move(urls).error());
  const Result<std::vector<std::string>> dead = co_await urls_of({plain->dead});
  if (!dead) co_return fail(dead.error());
  if (urls->empty() && dead->empty()) co_return fail(no_such_group(group));
  if (const Result<void> unused = co_await check_unused(group, *urls); !unused) co_return fail(unused.error());
  urls->insert(urls->end(), dead->begin(), dead->end());
  common_->directory.remove(group);
  for (const std::string& url : *urls) {
    const Result<std::string> gone =
        co_await client_.call("DeleteQueue", JsonWriter().begin().text("QueueUrl", url).end().take());
    if (!gone && gone.error().code() != Code::not_found) co_return fail(gone.error());
  }
  common_->ledger.forget_queue(label_of(group));
  co_return {};
}

}  // namespace parley::queue::sqs
