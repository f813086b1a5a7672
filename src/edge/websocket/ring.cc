#include "edge/websocket/ring.h"

#include <charconv>

#include "net/websocket.h"

namespace parley::edge::websocket {

void Ring::push(Entry entry) {
  bytes_ += entry.message.size();
  entry.bytes_so_far = bytes_so_far_ += entry.message.size();
  entries_.push_back(std::move(entry));
  const auto is_over = [this] {
    return bytes_ > bounds_.most || (entries_.size() > bounds_.messages && bytes_ > bounds_.bytes);
  };
  while (entries_.size() > 1 && is_over()) {
    bytes_ -= entries_.front().message.size();
    entries_.pop_front();
    ++first_;
  }
}

void Ring::skip_to(std::uint64_t number) {
  entries_.clear();
  bytes_ = 0;
  first_ = number;
}

Result<Bytes> Ring::frame(std::uint64_t number, Format format) {
  Entry& entry = entries_[number - first_];
  Bytes& frame = entry.frames.at(static_cast<std::size_t>(format));
  if (!frame.empty()) return frame;
  std::string text(net::WebSocket::frame_room, '\0');
  if (auto put = put_message(format, reply_, entry.message.view(), position_of(number), text); !put)
    return fail(std::move(put).error());
  frame = net::WebSocket::seal_plain(format == Format::json ? wire::WsOpcode::text : wire::WsOpcode::binary, text);
  return frame;
}

std::string Ring::position_of(std::uint64_t number) const {
  return epoch_.empty() ? std::string() : epoch_ + "-" + std::to_string(number);
}

std::optional<std::uint64_t> Ring::after(std::string_view position) const {
  const std::size_t dash = position.find('-');
  if (dash == std::string_view::npos || position.substr(0, dash) != epoch_) return std::nullopt;
  const std::string_view digits = position.substr(dash + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (number >= next() || number + 1 < first_) return std::nullopt;
  return number + 1;
}

}  // namespace parley::edge::websocket
