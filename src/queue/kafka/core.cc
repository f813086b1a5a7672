#include "queue/kafka/core.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/kafka/error.h"
#include "queue/kafka/pending.h"
#include "queue/kafka/topic_reader.h"

namespace parley::queue::kafka {
namespace {

constexpr Duration apply_soon = std::chrono::milliseconds(100);
constexpr Duration apply_again = std::chrono::seconds(1);
constexpr const char* forever = "-1";
// A dead letter is its message and some headers more.
constexpr const char* dead_letter_bytes = "67108864";

std::string retention(Duration keep) {
  if (keep == Duration::zero()) return forever;
  return fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(keep).count());
}

std::pair<std::string, std::string> key_of(const Source& source) { return {source.name, source.group}; }

Source source_of(const Consumer& consumer) { return {.name = consumer.name, .group = consumer.group}; }

// Queues have no retention: what is settled is deleted by their consumers (Member::trim).
void add_queue(const Names& names, int partitions, std::vector<NewTopic>& topics) {
  topics.push_back({.name = names.log, .partitions = partitions, .config = {{"retention.ms", forever}}});
  topics.push_back({.name = names.dead,
                    .partitions = 1,
                    .config = {{"retention.ms", forever}, {"max.message.bytes", dead_letter_bytes}}});
}

void add_group(const Names& names, int partitions, std::vector<NewTopic>& topics) {
  topics.push_back({.name = names.retry, .partitions = partitions, .config = {{"retention.ms", forever}}});
  topics.push_back({.name = names.dead,
                    .partitions = 1,
                    .config = {{"retention.ms", forever}, {"max.message.bytes", dead_letter_bytes}}});
}

bool is_group_note(std::string_view kind) { return kind == "group"; }

}  // namespace

std::string note_name(const Source& source) {
  return source.group.empty() ? source.name : source.name + " " + source.group;
}

Core::Core(Settings settings, const WallClock& clock)
    : cluster_(std::move(settings)),
      reach_(cluster_.settings.text()),
      clock_(clock),
      producer_(cluster_),
      admin_(cluster_, producer_),
      notes_(cluster_, producer_, admin_, [this](const std::string& key) { changed(key); }),
      topic_readers_(std::make_unique<TopicReaders>()) {}

std::vector<std::shared_ptr<Member>> Core::members() {
  const std::lock_guard lock(lock_);
  std::vector<std::shared_ptr<Member>> out;
  for (const auto& [key, member] : members_) out.push_back(member);
  return out;
}

void Core::read(ReadRequest request, std::shared_ptr<ReadStop> stop, std::function<void(Result<Events>)> report) {
  readers_.run([this, request = std::move(request), stop = std::move(stop), report = std::move(report)] {
    report(topic_readers_->read(*this, request, *stop));
  });
}

Core::~Core() {
  cluster_.closing = true;
  reach_.stop();
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Member>> members;
  {
    const std::lock_guard lock(lock_);
    members.swap(members_);
  }
  for (const auto& [key, member] : members) member->stop();
  members.clear();
}

Result<void> Core::declare(const Declarations& wanted) {
  std::string refused;
  for (const QueueDeclaration& queue : wanted.queues) {
    if (queue.dedup_window == Duration::zero() || cluster_.settings.dedup_in_process) continue;
    refused += fmt::format(
        "{}: dedup: Kafka has no window over messages of several producers; with dedup=process in the address each "
        "node "
        "keeps one in its memory\n",
        queue.consumer.name);
  }
  const auto refuse_waiting = [&](const Consumer& consumer) {
    if (!consumer.retry.followers_wait) return;
    refused += fmt::format(
        "{}: retry.followers: Kafka's groups go on behind a dead letter; what would wait behind it would hold up its "
        "partition\n",
        consumer.group.empty() ? consumer.name : consumer.name + " (group " + consumer.group + ")");
  };
  for (const QueueDeclaration& queue : wanted.queues) refuse_waiting(queue.consumer);
  for (const TopicDeclaration& topic : wanted.topics) std::ranges::for_each(topic.groups, refuse_waiting);
  if (!refused.empty()) {
    refused.pop_back();
    return fail(Error(Code::failed_precondition, Blame::caller, refused).with_reason("not_by_this_backend"));
  }
  if (auto legal = check_names(cluster_.settings.prefix, wanted); !legal) return legal;
  remember(wanted);
  reach_.begin(wanted);
  const Instant until = Clock::now() + cluster_.settings.timeout;
  auto applied = apply(wanted);
  // Leaders and coordinators of what is new take a moment to be chosen, and then each server of a cluster learns of it
  // at its own time.
  const auto passes = [](const Error& why) { return why.code() == Code::unavailable || why.code() == Code::not_found; };
  while (!applied && passes(applied.error()) && Clock::now() < until && reach_.sleep(apply_soon)) {
    applied = apply(wanted);
  }
  if (applied) {
    reach_.reached();
    return {};
  }
  if (applied.error().code() != Code::unavailable) return applied;
  reach_.missed(applied.error());
  log::warn("{}: {}; trying on", cluster_.settings.text(), applied.error().message());
  const std::lock_guard lock(lock_);
  if (!std::exchange(retrying_, true)) workers_.run([this] { retry_apply(); });
  return {};
}

void Core::retry_apply() {
  while (reach_.sleep(apply_again)) {
    Declarations wanted;
    {
      const std::lock_guard lock(lock_);
      wanted = wanted_;
    }
    auto applied = apply(wanted);
    const std::lock_guard lock(lock_);
    if (!applied && applied.error().code() != Code::unavailable) log::error("{}", applied.error().text());
    if (!applied) reach_.missed(applied.error());
    if (!applied || wanted_ != wanted) continue;
    reach_.reached();
    log::info("{}: reached", cluster_.settings.text());
    retrying_ = false;
    return;
  }
}

void Core::remember(const Declarations& wanted) {
  std::vector<std::pair<std::shared_ptr<Member>, Known>> changed;
  const std::lock_guard lock(lock_);
  wanted_ = wanted;
  known_.clear();
  for (const QueueDeclaration& q : wanted.queues) {
    known_[key_of(source_of(q.consumer))] = {.consumer = q.consumer, .ttl = q.ttl, .dedup = q.dedup_window};
  }
  for (const TopicDeclaration& topic : wanted.topics) {
    for (const Consumer& group : topic.groups) known_[key_of(source_of(group))] = {.consumer = group};
    known_[{topic.name, ""}].dedup = topic.dedup_window;
  }
  for (const auto& [key, member] : members_) {
    if (const auto found = known_.find(key); found != known_.end()) {
      member->change(found->second.consumer, found->second.ttl);
    }
  }
}

Result<void> Core::apply(const Declarations& wanted) {
  if (auto opened = notes_.open(); !opened) return opened;
  const int partitions = cluster_.settings.partitions;
  std::vector<NewTopic> topics;
  for (const QueueDeclaration& queue : wanted.queues) add_queue(names(source_of(queue.consumer)), partitions, topics);
  for (const TopicDeclaration& topic : wanted.topics) {
    topics.push_back({.name = topic_name(cluster_.settings.prefix, topic.name),
                      .partitions = partitions,
                      .config = {{"retention.ms", retention(topic.keep)}}});
    for (const Consumer& group : topic.groups) add_group(names(source_of(group)), partitions, topics);
  }
  if (auto created = admin_.create(topics); !created) return created;
  // The producer learns where they are now, and not by the first message. A server knows of a new topic a little after
  // it was made.
  const Instant until = Clock::now() + cluster_.settings.timeout;
  for (const NewTopic& topic : topics) {
    auto count = admin_.partitions(topic.name);
    while (!count && count.error().code() == Code::not_found && Clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      count = admin_.partitions(topic.name);
    }
  }
  for (const QueueDeclaration& queue : wanted.queues) {
    if (auto noted = note(queue.consumer.name, "queue"); !noted) return noted;
  }
  for (const TopicDeclaration& topic : wanted.topics) {
    if (auto noted = note(topic.name, "topic"); !noted) return noted;
    for (const Consumer& group : topic.groups) {
      if (auto anchored = anchor(group); !anchored) return anchored;
      if (auto noted = note(note_name(source_of(group)), "group"); !noted) return noted;
    }
  }
  const std::lock_guard lock(lock_);
  for (const QueueDeclaration& queue : wanted.queues) topics_[queue.consumer.name] = true;
  for (const TopicDeclaration& topic : wanted.topics) topics_[topic.name] = true;
  return {};
}

Result<void> Core::note(const std::string& name, const char* kind) {
  const std::string key = "source " + name;
  if (notes_.get(key) == kind) return {};
  return notes_.put(key, kind);
}

// A new group's place is written down now: what is published between this and its first lease must not be missed.
Result<void> Core::anchor(const Consumer& group) {
  if (group.from_earliest) return {};
  const Names n = names(source_of(group));
  auto progress = admin_.progress(n.group, n.log);
  if (!progress) return fail(progress.error());
  if (!progress->empty()) return {};
  auto ends = admin_.places_of(n.log, true);
  if (!ends) return fail(ends.error());
  std::map<std::int32_t, Progress> to;
  for (const auto& [partition, end] : *ends) to[partition].watermark = end;
  auto moved = admin_.move(n.group, n.log, to);
  if (!moved && moved.error().reason() != "group_in_use") return moved;
  return {};
}

Result<std::vector<Source>> Core::list() {
  if (auto opened = notes_.open(); !opened) return fail(opened.error());
  std::vector<Source> out;
  for (const auto& [key, kind] : notes_.all("source ")) {
    std::string name = key.substr(key.find(' ') + 1);
    std::string group;
    if (is_group_note(kind)) {
      const std::size_t blank = name.rfind(' ');
      group = name.substr(blank + 1);
      name.resize(blank);
    }
    if (auto there = check_topic(name); !there) {
      if (there.error().code() != Code::not_found) return fail(there.error());
      continue;
    }
    out.push_back({.name = std::move(name), .group = std::move(group)});
  }
  return out;
}

bool Core::is_known(const std::string& name) {
  const std::lock_guard lock(lock_);
  return topics_.contains(name);
}

Result<void> Core::check_topic(const std::string& name) {
  // Whoever asks would wait, and hold up others and the node's end.
  if (auto away = reach_.unreached()) return fail((*std::move(away)).safe_to_retry());
  auto count = admin_.partitions(topic_name(cluster_.settings.prefix, name));
  if (!count) {
    if (count.error().code() != Code::not_found) return fail(count.error());
    return fail(Error(Code::not_found, Blame::caller, fmt::format("no queue or topic {} in Kafka", name))
                    .with_reason("no_such_topic"));
  }
  const std::lock_guard lock(lock_);
  topics_[name] = true;
  return {};
}

Duration Core::dedup_window(const std::string& name) {
  const std::lock_guard lock(lock_);
  const auto found = known_.find({name, ""});
  return found == known_.end() ? Duration::zero() : found->second.dedup;
}

Core::Known Core::known(const Source& source) {
  const std::lock_guard lock(lock_);
  if (const auto found = known_.find(key_of(source)); found != known_.end()) return found->second;
  // Nobody declared it here: the safe choice.
  Known unknown;
  unknown.consumer.name = source.name;
  unknown.consumer.group = source.group;
  unknown.consumer.keyed = true;
  unknown.consumer.from_earliest = true;
  return unknown;
}

std::shared_ptr<Member> Core::find_member(const Source& source) {
  const std::lock_guard lock(lock_);
  const auto found = members_.find(key_of(source));
  return found == members_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<Member>> Core::make_member(const Source& source, const std::atomic<bool>& given_up) {
  const std::lock_guard making(making_);
  if (auto member = find_member(source)) return member;
  if (given_up) return fail(closing_error());
  if (auto there = check_topic(source.name); !there) return fail(there.error());
  if (auto opened = notes_.open(); !opened) return fail(opened.error());
  const Known k = known(source);
  const Names n = names(source);
  if (!source.group.empty() && !notes_.get("source " + note_name(source))) {
    std::vector<NewTopic> topics;
    add_group(n, cluster_.settings.partitions, topics);
    if (auto created = admin_.create(topics); !created) return fail(created.error());
    if (auto noted = note(note_name(source), "group"); !noted) return fail(noted.error());
  }
  Member::Options options;
  options.source = source;
  options.names = n;
  options.consumer = k.consumer;
  options.ttl = k.ttl;
  options.paused = notes_.get("paused " + note_name(source)).has_value();
  options.trim = [this](const std::string& topic, std::int32_t partition, std::int64_t before) {
    workers_.run([this, topic, partition, before] {
      auto done = admin_.delete_before(topic, partition, before);
      if (!done) log::warn("{}", done.error().text());
    });
  };
  auto member = std::make_shared<Member>(cluster_, producer_, clock_, std::move(options));
  const std::lock_guard lock(lock_);
  members_[key_of(source)] = member;
  // `changed` may have looked for it in between.
  member->pause(notes_.get("paused " + note_name(source)).has_value());
  return member;
}

void Core::changed(const std::string& note) {
  constexpr std::string_view paused = "paused ";
  if (!note.starts_with(paused)) return;
  const std::lock_guard lock(lock_);
  // Looked up under the lock: of two changes at once, whoever comes last says what holds.
  const bool is_paused = notes_.get(note).has_value();
  for (const auto& [key, member] : members_) {
    if (note.substr(paused.size()) == note_name({.name = key.first, .group = key.second})) member->pause(is_paused);
  }
}

}  // namespace parley::queue::kafka
