// Admin, the part that brings into being what a contract declares.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/rabbitmq/admin.h"
#include "queue/rabbitmq/names.h"

namespace parley::queue::rabbitmq {
namespace {

constexpr int channel = 1;
constexpr std::size_t longest_name = 230;  // AMQP's 255, less our suffixes
constexpr std::int64_t day = 24LL * 3600 * 1000;
constexpr std::int64_t week = 7 * day;

const Arguments quorum = {{"x-queue-type", std::string("quorum")}};

Arguments with(Arguments base, Arguments more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

// Longer than the longest delay.
const Arguments sink = {{"x-queue-type", std::string("classic")}, {"x-max-length", 0L}, {"x-expires", 4 * day}};

Arguments main_arguments(const queue::Consumer& consumer, const Source& source) {
  // At least once, which asks for reject-publish: what expires is in the dead letters before it leaves the queue.
  Arguments out = with(quorum, {{"x-dead-letter-exchange", std::string()},
                                {"x-dead-letter-routing-key", names::dead(source)},
                                {"x-dead-letter-strategy", std::string("at-least-once")},
                                {"x-overflow", std::string("reject-publish")}});
  if (consumer.keyed) out.emplace_back("x-single-active-consumer", true);
  return out;
}

std::string refuse_name(const std::string& name) {
  if (name.size() > longest_name) return fmt::format("{}: RabbitMQ's names end at {} bytes\n", name, longest_name);
  if (name.starts_with("amq.")) return fmt::format("{}: RabbitMQ keeps names with amq. to itself\n", name);
  return "";
}

std::string refuse_consumer(const queue::Consumer& c, Duration consumer_timeout) {
  const std::string name = names::queue({c.name, c.group});
  std::string out = refuse_name(name);
  if (c.lease >= consumer_timeout) {
    out +=
        fmt::format("{}: a lease must be shorter than RabbitMQ's consumer_timeout ({} s; ?consumer_timeout= says it)\n",
                    name, std::chrono::duration_cast<std::chrono::seconds>(consumer_timeout).count());
  }
  if (c.retry.followers_wait)
    out += fmt::format("{}: retry.followers: RabbitMQ has no way to hold messages of one key in a queue\n", name);
  return out;
}

Error named(const Error& error, const std::string& name) {
  if (error.reason() != "rabbitmq_precondition_failed") return Error(error).during(name);
  return Error(Code::failed_precondition, Blame::us,
               fmt::format("{}: exists in RabbitMQ with other arguments, which cannot be changed; drain and delete it, "
                           "or give this one another name ({})",
                           name, error.message()))
      .with_reason("rabbitmq_other_arguments");
}

std::string line_of(const Known& k) {
  switch (k.kind) {
    case Known::Kind::queue: return "queue\n" + k.name;
    case Known::Kind::topic: return "topic\n" + k.name;
    case Known::Kind::group: break;
  }
  return "group\n" + k.name + "\n" + k.group;
}

std::optional<Known> known_of(std::string_view text) {
  const std::size_t first = text.find('\n');
  if (first == std::string_view::npos) return std::nullopt;
  const std::string_view kind = text.substr(0, first);
  const std::string_view rest = text.substr(first + 1);
  const std::size_t second = rest.find('\n');
  Known out;
  out.name = rest.substr(0, second);
  if (second != std::string_view::npos) out.group = rest.substr(second + 1);
  out.kind = kind == "queue" ? Known::Kind::queue : kind == "topic" ? Known::Kind::topic : Known::Kind::group;
  return out;
}

}  // namespace

std::string refusals(const Declarations& wanted, const Address& address) {
  const Duration consumer_timeout = address.consumer_timeout;
  std::string out;
  for (const QueueDeclaration& q : wanted.queues) {
    out += refuse_consumer(q.consumer, consumer_timeout);
    if (q.dedup_window > Duration() && !address.dedup_in_process) {
      out += fmt::format(
          "{}: RabbitMQ has no deduplication: take `dedup` out, or say ?dedup=process if it is enough that "
          "one node remembers what it published since it started\n",
          q.consumer.name);
    }
  }
  for (const TopicDeclaration& t : wanted.topics) {
    out += refuse_name(t.name);
    for (const queue::Consumer& g : t.groups) out += refuse_consumer(g, consumer_timeout);
  }
  return out;
}

Result<void> Admin::declare(const Declarations& wanted) {
  auto c = connected();
  if (!c) return fail(c.error());
  if (auto made = declare_delays(**c); !made) return made;
  if (auto made = (*c)->declare_queue(channel, names::catalogue, quorum); !made) {
    return fail(named(made.error(), names::catalogue));
  }
  auto known = list();
  if (!known) return fail(known.error());
  for (const QueueDeclaration& q : wanted.queues) {
    if (auto made = declare_source(**c, q.consumer); !made) return made;
    const Source source{q.consumer.name, ""};
    if (auto made = (*c)->declare_queue(channel, names::paused(source), with(quorum, {{"x-max-length", 1L}})); !made) {
      return fail(named(made.error(), names::paused(source)));
    }
    if (auto noted = note(**c, *known, {Known::Kind::queue, q.consumer.name, ""}); !noted) return noted;
    others_.consumer.declare(q.consumer, q.ttl);
  }
  for (const TopicDeclaration& t : wanted.topics) {
    if (auto made = declare_topic(**c, t); !made) return made;
    if (auto noted = note(**c, *known, {Known::Kind::topic, t.name, ""}); !noted) return noted;
    for (const queue::Consumer& g : t.groups) {
      if (auto noted = note(**c, *known, {Known::Kind::group, g.name, g.group}); !noted) return noted;
    }
  }
  return {};
}

Result<void> Admin::declare_delays(Connection& c) {
  std::int64_t milliseconds = 1000;
  for (int rung = 0; rung < names::delays; ++rung, milliseconds *= 4) {
    const std::string name = names::delay(rung);
    // Back to the queue that is its routing key, by the default exchange.
    auto made = c.declare_queue(channel, name,
                                with(quorum, {{"x-message-ttl", milliseconds},
                                              {"x-dead-letter-exchange", std::string()},
                                              {"x-dead-letter-strategy", std::string("at-least-once")},
                                              {"x-overflow", std::string("reject-publish")}}));
    if (!made) return fail(named(made.error(), name));
    if (auto done = c.declare_exchange(channel, name, "fanout"); !done) return fail(named(done.error(), name));
    if (auto done = c.bind(channel, name, name, ""); !done) return fail(named(done.error(), name));
  }
  return {};
}

Result<void> Admin::declare_source(Connection& c, const queue::Consumer& consumer) {
  const Source source{consumer.name, consumer.group};
  const std::pair<std::string, Arguments> queues[] = {
      {names::dead(source), quorum},
      {names::returned(source), with(quorum, {{"x-max-length", 1000L}, {"x-message-ttl", week}})},
      {names::queue(source), main_arguments(consumer, source)}};
  for (const auto& [name, arguments] : queues) {
    if (auto made = c.declare_queue(channel, name, arguments); !made) return fail(named(made.error(), name));
  }
  return {};
}

Result<void> Admin::declare_topic(Connection& c, const TopicDeclaration& t) {
  if (auto made = c.declare_exchange(channel, t.name, "topic"); !made) return fail(named(made.error(), t.name));
  const std::string log = names::log(t.name);
  Arguments arguments = {{"x-queue-type", std::string("stream")},
                         // Whole segments are dropped: small ones keep nearer to `keep`.
                         {"x-stream-max-segment-size-bytes", std::int64_t{64} << 20}};
  if (t.keep > Duration()) {
    arguments.emplace_back("x-max-age", fmt::format("{}s", std::chrono::ceil<std::chrono::seconds>(t.keep).count()));
  }
  if (auto made = c.declare_queue(channel, log, arguments); !made) return fail(named(made.error(), log));
  if (auto bound = c.bind(channel, log, t.name, "#"); !bound) return fail(named(bound.error(), log));
  for (const queue::Consumer& g : t.groups) {
    if (auto made = declare_group(c, g); !made) return made;
    others_.consumer.declare(g, {});
  }
  return {};
}

Result<void> Admin::declare_group(Connection& c, const queue::Consumer& g) {
  const Source source{g.name, g.group};
  // Made last: with it, the group is complete.
  auto complete = exists(c, names::paused(source));
  if (!complete) return fail(complete.error());
  if (!*complete) {
    if (auto removed = remove_sink(c, source); !removed) return removed;
  }
  if (auto made = declare_source(c, g); !made) return made;
  if (!*complete && g.from_earliest) {
    if (auto filled = fill(c, source, {From::Kind::earliest, {}, {}}); !filled) return filled;
  }
  if (auto bound = c.bind(channel, names::queue(source), g.name, "#"); !bound) {
    return fail(named(bound.error(), names::queue(source)));
  }
  auto made = c.declare_queue(channel, names::paused(source), with(quorum, {{"x-max-length", 1L}}));
  if (!made) return fail(named(made.error(), names::paused(source)));
  return {};
}

Result<void> Admin::note(Connection&, std::vector<Known>& known, const Known& entry) {
  if (std::ranges::find(known, entry) != known.end()) return {};
  known.push_back(entry);
  Envelope line;
  line.content_type = "text/plain";
  line.body = Bytes(line_of(entry));
  return others_.publisher.publish_and_wait("", names::catalogue, std::move(line));
}

Result<std::vector<Known>> Admin::list() {
  auto c = connected();
  if (!c) return fail(c.error());
  std::vector<Known> out;
  std::uint64_t last = 0;
  for (;;) {
    auto got = (*c)->get(channel, names::catalogue);
    if (!got && got.error().code() == Code::not_found) return out;
    if (!got) return fail(got.error());
    if (!*got) break;
    last = (*got)->tag;
    if (auto known = known_of((*got)->envelope.body.view())) out.push_back(*std::move(known));
  }
  if (last != 0) {
    if (auto back = (*c)->requeue(channel, last, true); !back) return fail(back.error());
  }
  return out;
}

Result<void> Admin::forget(Connection& c, const Known& entry) {
  std::uint64_t last = 0;  // of the others
  for (;;) {
    auto got = c.get(channel, names::catalogue);
    if (!got) return fail(got.error());
    if (!*got) break;
    if (known_of((*got)->envelope.body.view()) != entry) {
      last = (*got)->tag;
    } else if (auto acked = c.ack(channel, (*got)->tag); !acked) {
      return acked;
    }
  }
  if (last != 0) {
    if (auto back = c.requeue(channel, last, true); !back) return back;
  }
  // What was written before is read before what is asked for now.
  auto answered = c.count(channel, names::catalogue);
  return answered ? Result<void>() : fail(answered.error());
}

Result<void> Admin::put_sink(Connection& c, const Source& group) {
  for (int rung = 0; rung < names::delays; ++rung) {
    auto waiting = c.count(channel, names::delay(rung));
    if (!waiting) return fail(waiting.error());
    if (*waiting == 0) continue;
    auto made = c.declare_queue(channel, names::queue(group), sink);
    return made ? Result<void>() : fail(made.error());
  }
  return {};
}

// It is told by its arguments: declared again, any other queue is refused.
Result<void> Admin::remove_sink(Connection& c, const Source& group) {
  auto there = exists(c, names::queue(group));
  if (!there) return fail(there.error());
  if (!*there) return {};
  if (auto is_sink = c.declare_queue(channel, names::queue(group), sink); !is_sink) {
    return is_sink.error().reason() == "rabbitmq_precondition_failed" ? Result<void>() : fail(is_sink.error());
  }
  return c.delete_queue(channel, names::queue(group));
}

Result<bool> Admin::exists(Connection& c, const std::string& queue) {
  auto counted = c.count(channel, queue);
  if (counted) return true;
  if (counted.error().code() == Code::not_found) return false;
  return fail(counted.error());
}

// ---- filling a group's queue from the log

Result<std::string> Admin::put_fence(const std::string& topic) {
  Envelope fence;
  fence.message_id = fmt::format("parley-fence-{}-{}", run_, ++fences_);
  fence.type = "parley.fence";
  fence.set(headers::fence, true);
  std::string id = fence.message_id;
  if (auto put = others_.publisher.publish_and_wait("", names::log(topic), std::move(fence)); !put) {
    return fail(put.error());
  }
  return id;
}

Result<Position> Admin::copy(const Source& group, From from, const std::string& fence) {
  for (;;) {
    ReadRequest request;
    request.topic = group.name;
    request.from = from;
    request.max_messages = 200;
    request.wait = Deadline::after(Clock::now(), std::chrono::seconds(30));
    auto events = read(request);
    if (!events) return fail(events.error());
    if (events->events.empty()) {
      return fail(Error(Code::unavailable, Blame::upstream, "RabbitMQ: the log does not give what was written to it"));
    }
    std::vector<std::future<Result<void>>> published;
    for (Event& e : events->events) {
      if (e.message.id == fence) {
        for (auto& p : published) {
          if (auto r = p.get(); !r) return fail(r.error());
        }
        return e.position;
      }
      if (e.message.type == headers::fence) continue;
      published.push_back(publish_later(names::queue(group), envelope_of(e.message)));
    }
    for (auto& p : published) {
      if (auto r = p.get(); !r) return fail(r.error());
    }
    from = {From::Kind::after, {}, events->next};
  }
}

Result<void> Admin::fill(Connection& c, const Source& group, const From& from) {
  const std::string queue = names::queue(group);
  unbound_.emplace(group.name, group.group);  // even if the connection breaks before the answer
  if (auto done = c.unbind(channel, queue, group.name, "#"); !done) return done;
  if (auto done = c.purge(channel, queue); !done) return fail(done.error());
  others_.consumer.purge(group);  // before there is anything new in the queue
  auto done = refill(c, group, from);
  if (done) {
    unbound_.erase({group.name, group.group});
    return done;
  }
  return fail(std::move(done).error().during("filling group " + group.group + " of topic " + group.name +
                                             ", which has a part of the events only, and new ones: seek again"));
}

// Runs after `fill`, and after each new connection.
Instant Admin::turn(Instant) {
  Connection* c = connection();
  while (c != nullptr && !unbound_.empty()) {
    const auto [topic, group] = *unbound_.begin();
    const auto bound = c->bind(channel, names::queue({topic, group}), topic, "#");
    if (c->is_dead()) break;
    if (!bound) log::warn("group {} of topic {} gets no events: {}", group, topic, bound.error().text());
    unbound_.erase(unbound_.begin());
  }
  return Instant::max();
}

Result<void> Admin::refill(Connection& c, const Source& group, const From& from) {
  const std::string queue = names::queue(group);
  if (from.kind == From::Kind::latest) return c.bind(channel, queue, group.name, "#");
  // All that is there, unbound; then bound; then what came meanwhile. What is published in the moment of binding can be
  // there twice.
  auto fence = put_fence(group.name);
  if (!fence) return fail(fence.error());
  auto at = copy(group, from, *fence);
  if (!at) return fail(at.error());
  if (auto bound = c.bind(channel, queue, group.name, "#"); !bound) return bound;
  fence = put_fence(group.name);
  if (!fence) return fail(fence.error());
  at = copy(group, {From::Kind::after, {}, *at}, *fence);
  if (!at) return fail(at.error());
  log::info("group {} of topic {} was filled from the topic's log, up to {}", group.group, group.name, *at);
  return {};
}

}  // namespace parley::queue::rabbitmq
