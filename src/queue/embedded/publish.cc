#include <numeric>
#include <unordered_set>
#include <utility>

#include "queue/embedded/keys.h"
#include "queue/embedded/ops.h"

namespace parley::queue::embedded {

Error refused(const Error& why) {
  if (why.reason() != "disk_full") return why;
  return Error(Code::resource_exhausted, Blame::us,
               "the disk is full: nothing was stored; again once there is space, from messages that are handled or "
               "purged, "
               "or from other files")
      .with_reason("disk_full");
}

Op::Step PublishOp::run(Model& model, store::Group& group) {
  if (Channel* channel = check(model, group)) store(model, *channel, group);
  return Step::complete;
}

Channel* PublishOp::check(Model& model, store::Group& group) {
  const Result<Channel*> found = model.channel(to);
  if (!found) {
    error = found.error();
    return nullptr;
  }
  if (due != 0 && (*found)->log.options.topic) {
    error = Error(Code::invalid_argument, Blame::caller, "a topic's messages have no due time");
    return nullptr;
  }
  return find_duplicate(model, **found, group) ? nullptr : *found;
}

void PublishOp::store(Model& model, Channel& channel, store::Group& group) {
  Log& log = channel.log;
  const Millis now = millis(group.time());
  const Published record{.log = log.id,
                         .seq = log.next,
                         .line = line,
                         .due = due > now ? due : 0,
                         .expires = expires != 0           ? expires
                                    : log.options.ttl != 0 ? now + log.options.ttl
                                                           : 0,
                         .dedup = dedup,
                         .message = message.view()};
  if (auto added = model.add(group, record); !added) {
    error = refused(added.error());
    return;
  }
  seq = record.seq;
  channel_ = &channel;
  log.remember(model.recent(), seq, {line, record.due, record.expires, log.last_frame, message});
}

std::size_t PublishAllOp::bytes() const {
  return std::accumulate(parts.begin(), parts.end(), std::size_t{0},
                         [](std::size_t sum, const PublishOp& part) { return sum + part.bytes(); });
}

// Whatever can refuse one of them is asked before the first one is added.
Op::Step PublishAllOp::run(Model& model, store::Group& group) {
  std::vector<Channel*> channels;
  channels.reserve(parts.size());
  for (PublishOp& part : parts) {
    channels.push_back(part.check(model, group));
    if (!part.error) continue;
    error = part.error;
    return Step::complete;
  }
  if (auto room = group.room(parts.size() * 2, bytes()); !room) {
    error = refused(room.error());
    return Step::complete;
  }
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    PublishOp& part = parts[i];
    if (channels[i] == nullptr) continue;
    const bool again = !part.dedup.empty() && !seen.insert(part.dedup).second;
    if (again) channels[i] = part.check(model, group);  // the first one of the batch is there by now
    if (channels[i] != nullptr) part.store(model, *channels[i], group);
    if (part.error) error = part.error;
  }
  return Step::complete;
}

bool PublishOp::find_duplicate(Model& model, Channel& channel, store::Group& group) {
  if (dedup.empty() || channel.log.options.dedup_window == 0) return false;
  const auto value = model.view().get(keys::make(keys::dedup, {channel.log.id}, dedup));
  if (!value) {
    error = value.error();
    return true;
  }
  if (!*value) return false;
  Reader first(**value);
  const std::string_view first_id = first.text();
  const Seq first_seq = first.number();
  if (static_cast<Millis>(first.number()) <= millis(group.time())) return false;
  id = first_id;
  seq = first_seq;
  duplicate = true;
  // The first one may not be synced yet: this group is behind it, so it waits for that.
  if (seq >= channel.log.durable) {
    std::string nothing(1, static_cast<char>(RecordKind::nothing));
    if (auto added = group.add(model.options().number, nothing); !added) error = refused(added.error());
  }
  return true;
}

void PublishOp::synced(Model& model) {
  if (channel_ == nullptr) return;
  Log& log = channel_->log;
  if (log.durable <= seq) log.durable = seq + 1;
  if (!channel_->readers.empty()) model.read_ready(*channel_);
}

}  // namespace parley::queue::embedded
