#include "queue/rabbitmq/attempts.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace parley::queue::rabbitmq {
namespace {

// Beyond, an `parley-attempts` of another's hand is no count, and arithmetic with it none either.
constexpr std::int64_t most_attempts = 1'000'000'000;

// Records are lines.
std::string in_one_line(const std::string& id) {
  std::string out;
  for (const char c : id) c == '\n' ? out.append("%0A") : out.append(1, c);
  return out;
}

// A number and the blank behind it are taken off the line.
std::optional<std::int64_t> take_number(std::string_view& line) {
  std::int64_t out = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), out);
  if (read.ec != std::errc() || read.ptr == line.data() + line.size() || *read.ptr != ' ') return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(read.ptr - line.data()) + 1);
  return out;
}

}  // namespace

AttemptKey::AttemptKey(std::string_view queue, const std::string& id, const Envelope& message)
    : text(fmt::format("{}\n{} {}", queue, message.number(headers::due).value_or(0), in_one_line(id))),
      queue_size(queue.size()) {}

Attempts::Known Attempts::known(const AttemptKey& key, const Envelope& message, bool exact) const {
  const std::int64_t count = delivery_count(message);
  const std::lock_guard hold(lock_);
  // Behind the note's delivery it was in nobody's hands, or there would be another note.
  if (const auto at = notes_.find(key.text); at != notes_.end() && count >= at->second.note.at) {
    return {.finished = at->second.note.finished, .held = at->second.note.held};
  }
  const std::int64_t before = std::clamp<std::int64_t>(message.number(headers::attempts).value_or(0), 0, most_attempts);
  const bool perhaps = !exact && before == 0 && count > 0;
  return {.finished = before + (perhaps ? 1 : 0), .held = false};
}

bool Attempts::knows(const AttemptKey& key, std::int64_t count) const {
  const std::lock_guard hold(lock_);
  const auto at = notes_.find(key.text);
  return at != notes_.end() && at->second.note.at == count;
}

void Attempts::put(const AttemptKey& key, const Stamped& stamped) {
  const std::lock_guard hold(lock_);
  if (notes_.insert_or_assign(key.text, stamped).second) order_.push_back(key.text);
  while (order_.size() > most_) {
    notes_.erase(order_.front());
    order_.pop_front();
  }
}

void Attempts::note(const AttemptKey& key, AttemptNote note) { put(key, {.note = note, .stamp = ++last_stamp_}); }

void Attempts::forget(const AttemptKey& key) {
  const std::lock_guard hold(lock_);
  notes_.erase(key.text);  // its place in the order is dropped when its turn comes
}

void Attempts::forget_all(std::string_view queue) {
  const std::string prefix = AttemptKey(queue, "").text;
  const std::lock_guard hold(lock_);
  std::erase_if(notes_, [&](const auto& each) { return each.first.starts_with(prefix); });
}

void Attempts::write_record(const AttemptKey& key, AttemptNote note, std::string& to) {
  const Stamped stamped{.note = note, .stamp = ++last_stamp_};
  put(key, stamped);
  to += fmt::format("{} {} {} {} {}\n", note.at, note.finished, note.held ? 1 : 0, stamped.stamp, key.rest());
}

Envelope Attempts::record(std::string lines) {
  Envelope out;
  out.content_type = "text/plain";
  out.body = Bytes(std::move(lines));
  return out;
}

void Attempts::read_records(std::string_view queue, std::string_view text) {
  for (std::string_view line : split(text, '\n')) {
    const auto at = take_number(line);
    const auto finished = at ? take_number(line) : at;
    const auto held = finished ? take_number(line) : finished;
    const auto stamp = held ? take_number(line) : held;
    if (!stamp) continue;
    const Stamped found{.note = {.at = *at, .finished = *finished, .held = *held != 0}, .stamp = *stamp};
    const AttemptKey key(queue, line);
    {
      const std::lock_guard hold(lock_);
      const auto known = notes_.find(key.text);
      if (known != notes_.end() &&
          std::pair(known->second.note.at, known->second.stamp) >= std::pair(found.note.at, found.stamp)) {
        continue;
      }
    }
    put(key, found);
  }
}

}  // namespace parley::queue::rabbitmq
