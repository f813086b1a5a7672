// Reading topics, and the places of groups.
#include <algorithm>
#include <charconv>
#include <utility>

#include "queue/embedded/ops.h"

namespace parley::queue::embedded {
namespace {

Result<Channel*> find_topic(Model& model, std::string_view name) {
  Result<Channel*> channel = model.channel(name);
  if (channel && !(*channel)->log.options.topic) {
    return fail(Error(Code::failed_precondition, Blame::caller,
                      "\"" + std::string(name) + "\" is a queue: it is leased from, not read"));
  }
  return channel;
}

// The first message of the first frame that is not older: frames' times grow with their messages' numbers, but for a
// clock that was set back.
Result<Seq> first_since(WallTime time, Log& log, Model& model) {
  Seq low = log.begin;
  Seq high = log.next;
  while (low < high) {
    const Seq middle = low + (high - low) / 2;
    const Result<RunPtr> run = log.index.at_or_after(middle, model.view());
    if (!run) return fail(run.error());
    if (!*run || (*run)->frame >= model.journal().end()) {
      high = middle;
      continue;
    }
    const Result<WallTime> published = log.time_of(**run, model.journal(), model.options().number);
    if (!published) return fail(published.error());
    if (*published < time) {
      low = std::max(low + 1, (*run)->last() + 1);
    } else {
      high = std::min(middle, (*run)->first());
    }
  }
  return low;
}

}  // namespace

Result<Seq> seq_of(const Position& position) {
  if (position.empty()) return 0;
  Seq seq = 0;
  const char* const end = position.data() + position.size();
  const auto read = std::from_chars(position.data(), end, seq);
  if (read.ec != std::errc() || read.ptr != end) return invalid("\"" + position + "\" is no position here");
  return seq;
}

Result<Seq> start_of(const From& from, Log& log, Model& model) {
  switch (from.kind) {
    case From::Kind::earliest: return log.begin;
    case From::Kind::latest: return log.next;
    case From::Kind::time: return first_since(from.time, log, model);
    case From::Kind::after: break;
  }
  const Result<Seq> seq = seq_of(from.position);
  if (!seq) return seq;
  if (*seq >= log.next) {
    return fail(Error(Code::out_of_range, Blame::caller,
                      "position " + from.position + " of \"" + log.options.name + "\" has not been reached"));
  }
  return std::max(*seq + 1, log.begin);
}

Op::Step ReadOp::run(Model& model, store::Group&) {
  const Result<Channel*> found = find_topic(model, this->topic);
  Result<Seq> start = 0;
  if (found) {
    channel_ = *found;
    start = start_of(from, channel_->log, model);
  }
  if (!found || !start) {
    error = found ? start.error() : found.error();
    return Step::complete;
  }
  next = *start;
  if (fill(model) || !may_wait) return Step::complete;
  if (channel_->readers.size() >= model.options().waiters) {
    error = Error(Code::resource_exhausted, Blame::caller, "too many wait for messages of \"" + this->topic + "\"");
    return Step::complete;
  }
  channel_->readers.push_back(this);
  waits_in = channel_;
  return Step::waits;
}

bool ReadOp::fill(Model& model) {
  Log& log = channel_->log;
  std::size_t bytes = 0;
  HandOut hand_out;
  while (got.size() < max_messages && next < log.durable) {
    const auto look = log.look(next, model.frames(), model.view());
    if (!look) {
      error = look.error();
      return true;
    }
    if (!*look || (*look)->seq >= log.durable) break;
    bytes += (*look)->message.size();
    if (!got.empty() && bytes > max_bytes) break;
    got.push_back({(*look)->seq, hand_out(**look)});
    next = (*look)->seq + 1;
  }
  return !got.empty();
}

Result<GroupState*> make_group(Model& model, store::Group& group, Channel& channel, GroupOptions options, Seq cursor) {
  const std::string name = options.name;
  const GroupDeclared record{
      .group = model.next_group(), .log = channel.log.id, .cursor = cursor, .options = std::move(options)};
  if (auto added = model.add(group, record); !added) return fail(refused(added.error()));
  return channel.groups.at(name);
}

Op::Step CommitOp::run(Model& model, store::Group& group) {
  const auto did = [&]() -> Result<void> {
    const Result<Channel*> channel = find_topic(model, source.name);
    if (!channel) return fail(channel.error());
    if (source.group.empty()) return invalid("name the group whose place it is");
    const Result<Seq> cursor = start_of(to, (*channel)->log, model);
    if (!cursor) return fail(cursor.error());
    const auto at = (*channel)->groups.find(source.group);
    if (at == (*channel)->groups.end()) {
      // A group that no contract declares: Consumer's defaults.
      const Consumer usual;
      auto made = make_group(model, group, **channel,
                             {.name = source.group,
                              .keyed = (*channel)->log.options.keyed,
                              .in_flight = static_cast<std::uint32_t>(usual.in_flight),
                              .attempts = static_cast<std::uint32_t>(usual.retry.attempts)},
                             *cursor);
      return made ? Result<void>() : fail(made.error());
    }
    auto added = model.add(group, Seeked{.group = at->second->id(), .cursor = *cursor});
    return added ? Result<void>() : fail(refused(added.error()));
  }();
  if (!did) error = did.error();
  return Step::complete;
}

Op::Step CheckpointOp::run(Model& model, store::Group&) {
  const Result<Channel*> channel = find_topic(model, source.name);
  const Result<GroupState*> state = channel ? model.group(source) : fail(channel.error());
  if (state) {
    seq = (*state)->first_unsettled(model.view()) - 1;
  } else {
    error = state.error();
  }
  return Step::complete;
}

}  // namespace parley::queue::embedded
