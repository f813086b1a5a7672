#include "queue/sqs/relay.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/sqs/fault.h"
#include "queue/sqs/json_writer.h"
#include "queue/sqs/reply.h"

namespace parley::queue::sqs {
namespace {

using std::chrono::seconds;

constexpr Duration look_every = seconds(10);  // for groups that others made
constexpr Duration worked_for = seconds(60);
constexpr std::size_t most_remembered = 10'000;  // events that some groups have

}  // namespace

Relay::Relay(Workbench& bench, PlacePtr topic)
    : bench_(bench), topic_(std::move(topic)), events_(bench, topic_->url, topic_->fifo) {}

Task<void> Relay::rest() {
  for (int i = 0; i < 40 && !bench_.draining; ++i) co_await bench_.shard.sleep(std::chrono::milliseconds(50));
}

Task<void> Relay::run() {
  while (!bench_.draining) {
    Result<void> found = co_await find_groups();
    Result<std::vector<Received>> events = std::vector<Received>{};
    if (found && !groups_.empty())
      events = co_await events_.receive({.most = 10, .wait = bench_.settings.poll, .hidden = worked_for});
    if (!found || !events) {
      if (bench_.draining) co_return;
      log::warn("topic {}: events cannot be handed on for now: {}", topic_->label,
                found ? events.error().text() : found.error().text());
    }
    if (!found || !events || groups_.empty()) {
      co_await rest();
      continue;
    }
    std::map<std::string, std::vector<Received>> by_key;
    for (Received& each : *events) {
      const auto group = each.system.find("MessageGroupId");
      const std::string key = group == each.system.end() ? each.message_id : group->second;
      by_key[key].push_back(std::move(each));
    }
    TaskGroup work;
    for (auto& [key, each] : by_key) work.spawn(hand_on(std::move(each)));
    co_await work.join();
  }
}

// In order; where one fails, those behind it wait as well.
Task<void> Relay::hand_on(std::vector<Received> of_a_key) {
  std::optional<Error> failed;
  for (const Received& event : of_a_key) {
    Result<void> done;
    if (!failed) {
      done = co_await copy(event);
      if (done) done = co_await events_.remove(event.receipt);
      if (done) have_.erase(event.message_id);
      if (done) continue;
      failed = done.error();
      log::warn("topic {}: event {} could not be handed on: {}", topic_->label, event.message_id, failed->text());
    }
    (void)co_await events_.hide(event.receipt, seconds(2));
  }
}

Task<Result<void>> Relay::copy(const Received& event) {
  std::optional<Error> failed;
  TaskGroup work;
  if (have_.size() > most_remembered) have_.clear();
  for (auto& [name, group] : groups_) {
    if (!group.gone && sent_at(event) >= group.begins && !have_[event.message_id].contains(name))
      work.spawn(copy_to(name, group, event, failed));
  }
  co_await work.join();
  if (failed) co_return fail(*failed);
  co_return {};
}

// Named after the event, so that a FIFO queue takes it once, however often it is handed on within five minutes.
Task<void> Relay::copy_to(const std::string& name, Group& group, const Received& event, std::optional<Error>& failed) {
  const Envelope envelope = decode(event).envelope;
  const Result<std::string> sent = co_await group.part->send(
      envelope, {.delay = {}, .group = group_id(envelope.message.key, envelope.message.id), .dedup = event.message_id});
  if (sent) {
    have_[event.message_id].insert(name);
    co_return;
  }
  if (sent.error().code() == Code::not_found) {
    group.gone = true;  // no reason to hand the event to the others once more
  } else {
    failed = sent.error();
  }
}

Task<Result<void>> Relay::find_groups() {
  const Instant now = bench_.shard.now();
  if (looked_ != Instant{} && now < looked_ + look_every) co_return {};
  const std::string prefix = groups_prefix(topic_->source.name, bench_.settings.prefix);
  const auto names = co_await list_names(bench_.client, prefix);
  if (!names) co_return fail(names.error());
  std::erase_if(groups_, [&](const auto& each) {
    return each.second.gone || std::ranges::find(*names, each.first) == names->end();
  });
  for (const std::string& name : *names) {
    if (groups_.contains(name) || !source_of(name, bench_.settings.prefix)) continue;
    Result<Group> group = co_await look_at(name);
    if (!group && group.error().code() == Code::not_found) continue;
    if (!group) co_return fail(std::move(group).error());
    groups_.emplace(name, std::move(*group));
  }
  looked_ = now;
  co_return {};
}

Task<Result<Relay::Group>> Relay::look_at(std::string sqs_name) {
  const Result<std::string> url = co_await url_of(bench_.client, sqs_name);
  if (!url) co_return fail(url.error());
  const Result<std::string> tags =
      co_await bench_.client.call("ListQueueTags", JsonWriter().begin().text("QueueUrl", *url).end().take());
  if (!tags) co_return fail(tags.error());
  const Result<std::string> attributes =
      co_await bench_.client.call("GetQueueAttributes", JsonWriter()
                                                            .begin()
                                                            .text("QueueUrl", *url)
                                                            .begin_list("AttributeNames")
                                                            .text("CreatedTimestamp")
                                                            .end_list()
                                                            .end()
                                                            .take());
  if (!attributes) co_return fail(attributes.error());
  Group out{.part = std::make_unique<Part>(bench_, *url, sqs_name.ends_with(".fifo"))};
  const auto tagged = read_texts(*tags, "Tags");
  const auto created = read_texts(*attributes, "Attributes");
  if (!tagged || !created) co_return fail(tagged ? created.error() : tagged.error());
  const auto at = created->find("CreatedTimestamp");
  if (!tagged->contains(std::string(earliest_tag)) && at != created->end()) {
    std::from_chars(at->second.data(), at->second.data() + at->second.size(), out.begins);
    out.begins *= 1000;
  }
  co_return out;
}

}  // namespace parley::queue::sqs
