#include "queue/kafka/progress.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "contract/wire_format.h"

namespace parley::queue::kafka {
namespace {

constexpr std::string_view version = "p1";
constexpr std::int64_t most_bits = 4096;

class Writer {
 public:
  void varint(std::uint64_t value) {
    char buffer[contract::max_varint_size];
    bytes_.append(buffer, contract::put_varint(buffer, value));
  }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  std::int64_t varint() {
    std::uint64_t value = 0;
    if (at_ != nullptr) at_ = contract::read_varint(at_, end_, value);
    return at_ == nullptr ? 0 : static_cast<std::int64_t>(value & (~std::uint64_t{0} >> 1U));
  }
  std::string_view take(std::size_t count) {
    if (at_ == nullptr || static_cast<std::size_t>(end_ - at_) < count) {
      at_ = nullptr;
      return {};
    }
    return {std::exchange(at_, at_ + count), count};
  }
  bool good() const { return at_ != nullptr; }

 private:
  const char* at_;
  const char* end_;
};

// The bits of [watermark, watermark + size).
std::string bitmap(const Progress& progress, std::int64_t size) {
  std::string bits(static_cast<std::size_t>((size + 7) / 8), '\0');
  for (const OffsetRange& range : progress.settled) {
    for (std::int64_t o = range.from; o < range.to && o - progress.watermark < size; ++o) {
      const auto bit = static_cast<std::size_t>(o - progress.watermark);
      bits[bit / 8] = static_cast<char>(bits[bit / 8] | 1 << bit % 8);
    }
  }
  return bits;
}

std::string encode(const Progress& progress, std::int64_t bits, std::size_t open) {
  Writer out;
  std::int64_t base = 0;
  for (std::size_t i = 0; i < open; ++i) {
    const auto& due = progress.open[i].due;
    if (due && (base == 0 || due->time_since_epoch().count() < base)) base = due->time_since_epoch().count();
  }
  out.varint(static_cast<std::uint64_t>(base));
  out.varint(static_cast<std::uint64_t>(bits));
  out.bytes() += bitmap(progress, bits);
  // A long settled range at the end (a purge) is one number.
  const std::int64_t end_of_bits = progress.watermark + bits;
  const bool has_tail = !progress.settled.empty() && progress.settled.back().from <= end_of_bits &&
                        progress.settled.back().to > end_of_bits;
  out.varint(has_tail ? static_cast<std::uint64_t>(progress.settled.back().to - end_of_bits) : 0);
  out.varint(open);
  std::int64_t before = progress.watermark;
  for (std::size_t i = 0; i < open; ++i) {
    const OpenMessage& message = progress.open[i];
    out.varint(static_cast<std::uint64_t>(message.offset - before));
    out.varint(static_cast<std::uint64_t>(message.attempts));
    out.varint(message.due ? static_cast<std::uint64_t>(message.due->time_since_epoch().count() - base + 1) : 0);
    before = message.offset;
  }
  std::string text(version);
  base64_encode(out.bytes(), text, Base64::url, false);
  return text;
}

void read_bits(std::string_view bits, std::int64_t count, Progress& progress) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bit = static_cast<std::size_t>(i);
    if ((bits[bit / 8] >> bit % 8 & 1) == 0) continue;
    const std::int64_t offset = progress.watermark + i;
    if (!progress.settled.empty() && progress.settled.back().to == offset) {
      ++progress.settled.back().to;
    } else {
      progress.settled.push_back({offset, offset + 1});
    }
  }
}

void read_open(Reader& in, std::int64_t base, Progress& progress) {
  std::int64_t offset = progress.watermark;
  for (std::int64_t left = in.varint(); left > 0 && in.good(); --left) {
    offset += in.varint();
    OpenMessage message{.offset = offset, .attempts = static_cast<int>(in.varint()), .due = {}};
    if (const std::int64_t due = in.varint(); due > 0)
      message.due = WallTime(std::chrono::milliseconds(base + due - 1));
    progress.open.push_back(message);
  }
}

}  // namespace

bool Progress::is_settled(std::int64_t offset) const {
  if (offset < watermark) return true;
  const auto after = std::ranges::upper_bound(settled, offset, {}, &OffsetRange::from);
  return after != settled.begin() && std::prev(after)->to > offset;
}

void Progress::settle(std::int64_t offset) {
  if (is_settled(offset)) return;
  auto after = std::ranges::upper_bound(settled, offset, {}, &OffsetRange::from);
  after = settled.insert(after, {offset, offset + 1});
  if (const auto next = std::next(after); next != settled.end() && next->from == after->to) {
    after->to = next->to;
    settled.erase(next);
  }
  if (after != settled.begin() && std::prev(after)->to == after->from) {
    std::prev(after)->to = after->to;
    settled.erase(after);
  }
  if (!settled.empty() && settled.front().from <= watermark) {
    watermark = settled.front().to;
    settled.erase(settled.begin());
  }
}

void Progress::forget_before(std::int64_t offset) {
  if (offset <= watermark) return;
  watermark = offset;
  for (OffsetRange& range : settled) {
    if (range.from <= watermark) watermark = std::max(watermark, range.to);
  }
  std::erase_if(settled, [this](const OffsetRange& range) { return range.to <= watermark; });
  std::erase_if(open, [this](const OpenMessage& message) { return message.offset < watermark; });
}

std::int64_t Progress::horizon() const {
  std::int64_t end = watermark;
  if (!settled.empty()) end = std::max(end, settled.back().to);
  if (!open.empty()) end = std::max(end, open.back().offset + 1);
  return end;
}

std::string encode_progress(const Progress& progress, std::size_t limit) {
  if (progress.settled.empty() && progress.open.empty()) return "";
  // The last range needs no bits if it is a tail behind them.
  std::int64_t bits = 0;
  if (!progress.settled.empty()) bits = progress.settled.back().from - progress.watermark;
  if (limit == metadata_limit) bits = std::min(bits, most_bits);
  std::size_t open = progress.open.size();
  std::string text = encode(progress, bits, open);
  while (text.size() > limit && open > 0) text = encode(progress, bits, open = open * 3 / 4);
  while (text.size() > limit) text = encode(progress, bits /= 2, 0);
  return text;
}

Progress decode_progress(std::int64_t watermark, std::string_view text) {
  Progress progress;
  progress.watermark = watermark;
  std::string bytes;
  if (!text.starts_with(version) || !base64_decode(text.substr(version.size()), bytes)) return progress;
  Reader in(bytes);
  const std::int64_t base = in.varint();
  const std::int64_t bits = in.varint();
  const std::string_view map = in.take(static_cast<std::size_t>(bits) / 8 + (bits % 8 != 0 ? 1 : 0));
  if (in.good()) read_bits(map, bits, progress);
  const std::int64_t tail = in.varint();
  if (tail > 0 && in.good()) {
    const std::int64_t from = watermark + bits;
    if (!progress.settled.empty() && progress.settled.back().to == from) {
      progress.settled.back().to += tail;
    } else {
      progress.settled.push_back({from, from + tail});
    }
  }
  read_open(in, base, progress);
  if (in.good()) return progress;
  progress.settled.clear();
  progress.open.clear();
  return progress;
}

}  // namespace parley::queue::kafka
