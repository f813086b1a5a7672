#include "queue/rabbitmq/attempts.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace parley::queue::rabbitmq {

std::int64_t Attempts::finished(const std::string& id, const Envelope& message) const {
  const std::int64_t count = delivery_count(message);
  const std::lock_guard hold(lock_);
  const auto at = notes_.find(id);
  // A lower count than noted: published anew since (a retry, a redrive).
  if (at != notes_.end() && count >= at->second.at) return at->second.finished + count - at->second.at;
  return std::max<std::int64_t>(0, message.number(headers::attempts).value_or(0)) + count;
}

bool Attempts::knows(const std::string& id, std::int64_t count) const {
  const std::lock_guard hold(lock_);
  const auto at = notes_.find(id);
  return at != notes_.end() && at->second.at == count;
}

void Attempts::note(const std::string& id, AttemptNote note) {
  const std::lock_guard hold(lock_);
  if (notes_.insert_or_assign(id, note).second) order_.push_back(id);
  while (order_.size() > most_) {
    notes_.erase(order_.front());
    order_.pop_front();
  }
}

void Attempts::forget(const std::string& id) {
  const std::lock_guard hold(lock_);
  notes_.erase(id);  // its place in the order is dropped when its turn comes
}

void Attempts::write_record(const std::string& id, AttemptNote note, std::string& to) {
  if (id.find('\n') != std::string::npos) return;
  to += fmt::format("{} {} {}\n", note.at, note.finished, id);
}

Envelope Attempts::record(std::string lines) {
  Envelope out;
  out.content_type = "text/plain";
  out.body = Bytes(std::move(lines));
  return out;
}

void Attempts::read_records(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    AttemptNote found;
    const char* end = line.data() + line.size();
    const auto first = std::from_chars(line.data(), end, found.at);
    if (first.ec != std::errc() || first.ptr == end) continue;
    const auto second = std::from_chars(first.ptr + 1, end, found.finished);
    if (second.ec != std::errc() || second.ptr == end) continue;
    const std::string id(second.ptr + 1, end);
    {
      const std::lock_guard hold(lock_);
      const auto at = notes_.find(id);
      if (at != notes_.end() && std::pair(at->second.at, at->second.finished) >= std::pair(found.at, found.finished)) {
        continue;
      }
    }
    note(id, found);
  }
}

}  // namespace parley::queue::rabbitmq
