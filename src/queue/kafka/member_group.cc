// Member's life in its group: joining, partitions that come and go, and commits.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/kafka/admin.h"
#include "queue/kafka/error.h"
#include "queue/kafka/member.h"

namespace parley::queue::kafka {
namespace {

constexpr Duration arrive_again = std::chrono::milliseconds(300);
constexpr Duration save_again = std::chrono::milliseconds(200);
constexpr Duration idle = std::chrono::seconds(60);
constexpr Duration trim_every = std::chrono::seconds(60);
constexpr Duration seek_timeout = std::chrono::seconds(5);
constexpr int ask_ms = 5000;
constexpr Duration shortest_beat = std::chrono::milliseconds(100);
// By its answers we hear of a rebalance: a long session shall not make others wait for their share.
constexpr Duration longest_beat = std::chrono::seconds(3);

std::vector<ClientOption> options(const Settings& settings, const std::string& group) {
  return {
      {"group.id", group},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "earliest"},
      {"partition.assignment.strategy", "cooperative-sticky"},
      {"session.timeout.ms", fmt::format("{}", to_ms(settings.session))},
      {"heartbeat.interval.ms",
       fmt::format("{}", to_ms(std::clamp(settings.session / 4, shortest_beat, longest_beat)))},
      {"queued.max.messages.kbytes", "8192"},
      {"queued.min.messages", "1000"},
      {"fetch.error.backoff.ms", "100"},
      {"topic.metadata.refresh.interval.ms", "30000"},
  };
}

void ignore(rd_kafka_error_t* error, std::string_view doing) {
  if (error == nullptr) return;
  log::warn("kafka: {}: {}", doing, rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
}

}  // namespace

Result<void> Member::start() {
  auto client = make_client(RD_KAFKA_CONSUMER, context_, options(context_.cluster->settings, options_.names.group),
                            {.rebalance = on_rebalance, .committed = on_committed});
  if (!client) return fail(client.error());
  client_ = *std::move(client);
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  inbox_->wakes(queue_.get());
  return {};
}

LogPartition Member::where(const rd_kafka_topic_partition_t& one) const {
  return {.log = options_.names.log == one.topic ? 0 : 1, .partition = one.partition};
}

void Member::join() {
  if (subscribed_) return;
  const Partitions topics = make_partitions();
  for (const std::string& log : options_.names.logs()) {
    rd_kafka_topic_partition_list_add(topics.get(), log.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const auto error = rd_kafka_subscribe(client_.get(), topics.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail_waiting(context_.cluster->explain(error, "joining group " + options_.names.group));
  }
  subscribed_ = true;
  joined_once_ = true;
}

// Nobody has asked for a while: others of the group shall have the partitions.
void Member::leave_if_idle() {
  if (!subscribed_ || leaving_ || arriving_ || !waiting_.empty() || !leases_.empty() ||
      Clock::now() - last_asked_ < idle)
    return;
  rd_kafka_unsubscribe(client_.get());
  subscribed_ = false;
}

void Member::on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* list,
                          void* opaque) {
  Member& self = *static_cast<Context*>(static_cast<ClientContext*>(opaque))->member;
  rd_kafka_yield(client);
  switch (error) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
      self.assigned_once_ = true;
      if (self.closing_) return ignore(rd_kafka_incremental_assign(client, list), "taking partitions");
      self.arriving_.reset(rd_kafka_topic_partition_list_copy(list));
      self.arrive();
      return;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS: return self.revoke(list);
    default:
      log::warn("kafka: group {}: {}", self.options_.names.group, rd_kafka_err2str(error));
      ignore(rd_kafka_incremental_unassign(client, list), "giving up partitions");
  }
}

// Where the group is in a partition that it has no commit in, or one that retention has overtaken: at its beginning,
// but for what was settled there.
Result<Progress> Member::progress_of(const rd_kafka_topic_partition_t& one, std::int64_t& end) {
  const Partitions list = make_partitions(1);
  const rd_kafka_topic_partition_t& asked = *rd_kafka_topic_partition_list_add(list.get(), one.topic, one.partition);
  auto error = ask_offsets(client_.get(), *list, RD_KAFKA_OFFSET_BEGINNING, ask_ms);
  const std::int64_t low = asked.offset;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = ask_offsets(client_.get(), *list, RD_KAFKA_OFFSET_END, ask_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(to_error(error, "asking for offsets"));
  const std::int64_t high = end = asked.offset;
  if (one.offset > high) {
    log::warn("kafka: group {} was at {} of {} [{}], which ends at {}: it begins again", options_.names.group,
              one.offset, one.topic, one.partition, high);
  }
  if (one.offset > high) return Progress{.watermark = low, .settled = {}, .open = {}};
  Progress progress = decode_progress(one.offset, {static_cast<const char*>(one.metadata), one.metadata_size});
  progress.forget_before(low);
  return progress;
}

void Member::arrive() {
  arrive_at_ = Clock::now() + arrive_again;
  const auto error = rd_kafka_committed(client_.get(), arriving_.get(), ask_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return;  // again in a moment
  std::vector<Progress> all;
  std::vector<std::int64_t> ends(static_cast<std::size_t>(arriving_->cnt));
  for (int i = 0; i < arriving_->cnt; ++i) {
    // A partition may fail alone; what it says then is no place to begin at.
    if (arriving_->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    auto progress = progress_of(arriving_->elems[i], ends[static_cast<std::size_t>(i)]);
    if (!progress) return;
    all.push_back(*std::move(progress));
  }
  static std::atomic<std::uint64_t> last_generation{0};
  for (int i = 0; i < arriving_->cnt; ++i) {
    rd_kafka_topic_partition_t& one = arriving_->elems[i];
    const Progress& progress = all[static_cast<std::size_t>(i)];
    one.offset = progress.watermark;
    held_.erase(where(one));
    const std::int64_t reach = progress.watermark + 2 * Window::Limits().offsets;
    held_.emplace(where(one), Held{.window = Window(progress, options_.consumer.keyed, {}),
                                   .generation = ++last_generation,
                                   .trimmed = progress.watermark,
                                   .suspect_until = std::min(ends[static_cast<std::size_t>(i)], reach)});
  }
  ignore(rd_kafka_incremental_assign(client_.get(), arriving_.get()), "taking partitions");
  arriving_.reset();
}

// librdkafka waits for our answer to what it asked, in its destructor too, and for ever: whoever closes has no time to
// look up where to begin, nor handlers that may end first.
void Member::settle_rebalance() {
  if (arriving_) ignore(rd_kafka_incremental_assign(client_.get(), arriving_.get()), "taking partitions");
  arriving_.reset();
  if (leaving_) finish_leaving();
}

void Member::revoke(const rd_kafka_topic_partition_list_t* list) {
  leaving_ = Leaving{.list = Partitions(rd_kafka_topic_partition_list_copy(list)),
                     .deadline = Clock::now() + context_.cluster->settings.drain};
  for (int i = 0; i < list->cnt; ++i) {
    if (const auto held = held_.find(where(list->elems[i])); held != held_.end()) held->second.leaving = true;
  }
  if (closing_ || rd_kafka_assignment_lost(client_.get()) != 0) finish_leaving();
}

void Member::leave_when_drained() {
  if (!leaving_) return;
  keep_session();
  bool busy = committing_ || !unsaved_.empty();
  for (const auto& [where, held] : held_) {
    if (!held.leaving) continue;
    busy = busy || held.window.count(Window::State::leased) > 0 || held.window.count(Window::State::dying) > 0;
  }
  const bool lost = rd_kafka_assignment_lost(client_.get()) != 0;
  if (busy && !lost && Clock::now() < leaving_->deadline) return;
  finish_leaving();
}

// librdkafka sends no heartbeats while it waits for us to give partitions up; to the coordinator a commit is as good.
void Member::keep_session() {
  if (Clock::now() < next_sign_of_life_) return;
  next_sign_of_life_ = Clock::now() + context_.cluster->settings.session / 5;
  if (!held_.empty()) held_.begin()->second.dirty = true;
}

void Member::finish_leaving() {
  for (int i = 0; i < leaving_->list->cnt; ++i) forget(where(leaving_->list->elems[i]));
  ignore(rd_kafka_incremental_unassign(client_.get(), leaving_->list.get()), "giving up partitions");
  leaving_.reset();
}

void Member::forget(LogPartition where) {
  held_.erase(where);
  std::erase_if(leases_, [&](const auto& lease) { return lease.second.where == where; });
  std::erase_if(unsaved_, [&](const Unsaved& u) {
    if (u.where != where) return false;
    u.report(fail(lease_lost("its partition moved to another node before this was saved")));
    return true;
  });
}

Partitions Member::unsaved_progress() {
  Partitions list = make_partitions();
  for (auto& [where, held] : held_) {
    if (!held.dirty) continue;
    held.dirty = false;
    add_progress(*list, log_name(where.log), where.partition, held.window.progress());
  }
  return list;
}

void Member::save() {
  if (committing_ || Clock::now() < save_at_) return;
  const Partitions list = unsaved_progress();
  if (list->cnt == 0) return;
  saving_ = std::exchange(unsaved_, {});
  committing_ = true;
  const auto error = rd_kafka_commit(client_.get(), list.get(), 1);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) saved(error, list.get());
}

void Member::on_committed(rd_kafka_t* client, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* list,
                          void* opaque) {
  Member& self = *static_cast<Context*>(static_cast<ClientContext*>(opaque))->member;
  if (self.committing_) self.saved(error, list);
  rd_kafka_yield(client);  // back to `tick`: more may wait to be saved
}

void Member::saved(rd_kafka_resp_err_t error, const rd_kafka_topic_partition_list_t* list) {
  committing_ = false;
  std::map<LogPartition, rd_kafka_resp_err_t> errors;
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    const auto wrong = error != RD_KAFKA_RESP_ERR_NO_ERROR ? error : one.err;
    const auto held = held_.find(where(one));
    if (wrong == RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (held != held_.end()) trim(held->second, one.offset);
      continue;
    }
    errors[where(one)] = wrong;
    if (held != held_.end()) held->second.dirty = true;
  }
  if (!errors.empty()) save_at_ = Clock::now() + save_again;
  answer_saved(std::exchange(saving_, {}), errors);
}

void Member::answer_saved(std::vector<Unsaved> reports, const std::map<LogPartition, rd_kafka_resp_err_t>& errors) {
  const Instant too_old = Clock::now() - context_.cluster->settings.timeout;
  for (Unsaved& u : reports) {
    const auto wrong = errors.find(u.where);
    if (wrong == errors.end()) {
      u.report({});
    } else if ((is_passing(wrong->second) || is_fenced(wrong->second)) && u.since > too_old &&
               held_.contains(u.where)) {
      // With the next commit. A generation that is over may have been so for the commit only: it overtook a rebalance
      // that left us the partition. If it did not, `revoke` says so soon.
      unsaved_.push_back(std::move(u));
    } else {
      u.report(fail(context_.cluster->explain(wrong->second, "saving the progress of " + options_.names.group)));
    }
  }
}

void Member::trim(const Held& held, std::int64_t watermark) {
  if (!options_.trim || watermark <= held.trimmed || Clock::now() < next_trim_) return;
  next_trim_ = Clock::now() + trim_every;
  for (auto& [each, h] : held_) {
    // A topic stays for its other groups. Up to where the watermark was a while ago: whoever looks with Kafka's own
    // tools finds the recent ones.
    const bool own = each.log == 1 || options_.names.retry.empty();
    if (own && h.trimmed > 0) options_.trim(log_name(each.log), each.partition, h.trimmed);
    h.trimmed = h.window.watermark();
  }
}

void Member::regulate(LogPartition where, Held& held) {
  if (!held.fetch_paused && held.window.is_full()) set_fetch(where, held, false);
  if (held.fetch_paused && held.window.has_room()) set_fetch(where, held, true);
}

void Member::set_fetch(LogPartition where, Held& held, bool on) {
  held.fetch_paused = !on;
  const Partitions list = make_partitions(1);
  rd_kafka_topic_partition_list_add(list.get(), log_name(where.log).c_str(), where.partition);
  if (on) {
    rd_kafka_resume_partitions(client_.get(), list.get());
  } else {
    rd_kafka_pause_partitions(client_.get(), list.get());
  }
}

void Member::move(std::map<LogPartition, std::int64_t> to, Report<void> report) {
  put([this, to = std::move(to), report = std::move(report)] {
    for (const auto& [where, offset] : to) {
      if (!held_.contains(where)) {
        return report(fail(Error(Code::failed_precondition, Blame::caller,
                                 fmt::format("partition {} is another node's now", where.partition))
                               .with_reason("group_in_use")));
      }
    }
    const Partitions list = make_partitions(static_cast<int>(to.size()));
    for (const auto& [where, offset] : to) {
      const auto generation = held_.at(where).generation;
      forget(where);
      held_.emplace(where, Held{.window = Window(Progress{.watermark = offset, .settled = {}, .open = {}},
                                                 options_.consumer.keyed, {}),
                                .generation = generation + 1,
                                .dirty = true});
      rd_kafka_topic_partition_list_add(list.get(), log_name(where.log).c_str(), where.partition)->offset = offset;
    }
    rd_kafka_resume_partitions(client_.get(), list.get());
    ignore(rd_kafka_seek_partitions(client_.get(), list.get(), to_ms(seek_timeout)), "seeking");
    if (to.empty()) return report({});
    unsaved_.push_back({.where = to.begin()->first, .report = report, .since = Clock::now()});
  });
}

void Member::purge(Shelf shelf, std::map<LogPartition, std::int64_t> ends, Report<std::uint64_t> report) {
  put([this, shelf, ends = std::move(ends), report = std::move(report)] {
    for (const auto& [where, end] : ends) {
      if (!held_.contains(where)) {
        return report(fail(Error(Code::failed_precondition, Blame::caller,
                                 fmt::format("partition {} is another node's now: purge there", where.partition))
                               .with_reason("group_in_use")));
      }
    }
    std::uint64_t gone = 0;
    const Partitions list = make_partitions();
    for (const auto& [where, end] : ends) {
      Held& held = held_.at(where);
      gone += held.window.purge(shelf == Shelf::delayed ? Window::State::delayed : Window::State::waiting);
      held.dirty = true;
      if (shelf == Shelf::delayed) continue;
      gone += held.window.skip_to(end);
      rd_kafka_topic_partition_list_add(list.get(), log_name(where.log).c_str(), where.partition)->offset = end;
    }
    if (list->cnt > 0) {
      ignore(rd_kafka_seek_partitions(client_.get(), list.get(), to_ms(seek_timeout)), "seeking");
    }
    if (ends.empty()) return report(gone);
    touched(ends.begin()->first, [report, gone](const Result<void>& saved) {
      if (!saved) return report(fail(saved.error()));
      report(gone);
    });
  });
}

}  // namespace parley::queue::kafka
