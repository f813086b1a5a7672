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
  const auto stop = [&](Error why) {
    error = std::move(why);
    return Step::complete;
  };
  const Result<Channel*> found = model.channel(to);
  if (!found) return stop(found.error());
  Channel& channel = **found;
  Log& log = channel.log;
  const Millis now = millis(group.time());
  if (due != 0 && log.options.topic)
    return stop(Error(Code::invalid_argument, Blame::caller, "a topic's messages have no due time"));
  if (find_duplicate(model, channel, group)) return Step::complete;

  const Published record{.log = log.id,
                         .seq = log.next,
                         .line = line,
                         .due = due > now ? due : 0,
                         .expires = expires != 0           ? expires
                                    : log.options.ttl != 0 ? now + log.options.ttl
                                                           : 0,
                         .dedup = dedup,
                         .message = message.view()};
  if (auto added = model.add(group, record); !added) return stop(refused(added.error()));
  seq = record.seq;
  channel_ = &channel;
  model.recent().add(log.recent, seq, {line, record.due, record.expires, log.last_frame, message});
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
