#include "store/segment_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/fail_point.h"
#include "base/log.h"
#include "store/little_endian.h"

namespace parley::store {
namespace {

constexpr std::uint64_t page_bytes = 4096;

constexpr std::size_t sequential_bytes = 256 << 10;  // read ahead when the last read ended where this one begins
constexpr std::size_t random_bytes = 16 << 10;
constexpr std::size_t scan_bytes = 1 << 20;
constexpr std::string_view suffix = ".journal";
constexpr std::size_t digits = 16;

// Whether somebody began to write a frame for `at` there, as far as its first bytes tell: an older use of the file left
// other addresses.
bool begins_frame(std::string_view bytes, Address at) {
  constexpr std::size_t address_at = 16;
  return bytes.starts_with(frame_magic) && bytes.size() >= address_at + sizeof(std::uint32_t) &&
         get_number<std::uint32_t>(bytes.data() + address_at) == static_cast<std::uint32_t>(at);
}

}  // namespace

std::string segment_name(Address base) { return fmt::format("{:016x}{}", base, suffix); }

std::optional<Address> segment_base(std::string_view name) {
  if (name.size() != digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  Address base = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + digits, base, 16);
  if (error != std::errc() || end != name.data() + digits || segment_name(base) != name) return std::nullopt;
  return base;
}

SegmentFile::SegmentFile(std::filesystem::path path, std::unique_ptr<File> file, SegmentHeader header,
                         std::uint64_t allocated)
    : path_(std::move(path)),
      file_(std::move(file)),
      header_(header),
      seed_(head_seed(header)),
      end_(header.base),
      allocated_(allocated) {}

Result<std::unique_ptr<SegmentFile>> SegmentFile::begin(Files& files, const std::filesystem::path& from,
                                                        const std::filesystem::path& folder, PreparedFile prepared,
                                                        const SegmentHeader& header) {
  // Synced before it has its name: a file of that name without a header never exists, so one that does is damaged.
  const std::string page = encode(header);
  if (auto done = prepared.file->write_at(0, page); !done) return fail(std::move(done).error());
  if (auto done = prepared.file->sync(); !done) return fail(std::move(done).error());
  fail_point("segment_begin");
  std::filesystem::path path = folder / segment_name(header.base);
  if (auto done = files.rename(from, path); !done) return fail(std::move(done).error());
  // Opened again, so that its errors have its name.
  auto file = files.open(path, Files::Mode::open);
  if (!file) return fail(std::move(file).error());
  prepared.file = *std::move(file);
  return std::unique_ptr<SegmentFile>(
      new SegmentFile(std::move(path), std::move(prepared.file), header, prepared.allocated));
}

Result<std::unique_ptr<SegmentFile>> SegmentFile::open(Files& files, const std::filesystem::path& folder,
                                                       Address base) {
  const std::filesystem::path path = folder / segment_name(base);
  auto file = files.open(path, Files::Mode::open);
  if (!file) return fail(std::move(file).error());
  auto size = (*file)->size();
  if (!size) return fail(std::move(size).error());
  auto page = (*file)->read_at(0, segment_header_bytes);
  if (!page) return fail(std::move(page).error());
  auto header = parse_segment_header(*page);
  if (!header) return fail(std::move(header).error().during(path.string() + " at offset 0"));
  std::unique_ptr<SegmentFile> segment(new SegmentFile(path, *std::move(file), *header, *size));
  if (header->base != base) return segment->damaged(header->base, "the header names another address");
  return segment;
}

std::unexpected<Error> SegmentFile::damaged(Address at, std::string_view why) const {
  return fail(Error(Code::data_loss, Blame::us,
                    fmt::format("{} is damaged at offset {}: {}", path_.string(), offset_of(at), why))
                  .with_reason("journal_damaged"));
}

Result<void> SegmentFile::ends_at(Address next_base) {
  if (offset_of(next_base) > allocated_)
    return damaged(header_.base + allocated_ - segment_header_bytes, "it ends before the next segment begins");
  end_ = next_base;
  return {};
}

Result<void> SegmentFile::find_end(Address known_synced) {
  Address on_disk = std::max(known_synced, header_.base);
  for (;;) {
    auto frame = frame_at(end_, allocated_);
    if (!frame) return fail(std::move(frame).error());
    if (!*frame) break;
    auto head = head_at(end_, allocated_);
    if (!head) return fail(std::move(head).error());
    if (*head) on_disk = std::max(on_disk, (*head)->synced);
    end_ = (*frame)->next;
  }
  if (end_ < known_synced) return damaged(end_, "a frame that had been synced is damaged or missing");
  auto proof = proof_of_damage(end_);
  if (!proof) return fail(std::move(proof).error());
  if (*proof) {
    return damaged(end_, fmt::format("the frame there had been synced before the one at offset {} was written",
                                     offset_of(**proof)));
  }
  if (auto done = write_again(on_disk); !done) return done;
  return erase_tail();
}

// Where a sync failed, the system has what was written in memory and takes it for synced: only what is written again
// gets to the disk.
Result<void> SegmentFile::write_again(Address from) {
  for (std::uint64_t offset = offset_of(from); offset < offset_of(end_); offset += scan_bytes) {
    auto bytes = file_->read_at(offset, std::min<std::uint64_t>(scan_bytes, offset_of(end_) - offset));
    if (!bytes) return fail(std::move(bytes).error());
    if (auto done = file_->write_at(offset, *bytes); !done) return done;
  }
  return {};
}

Result<std::optional<Address>> SegmentFile::proof_of_damage(Address at) {
  for (std::uint64_t offset = offset_of(at) + frame_alignment; offset + frame_head_bytes <= allocated_;) {
    auto chunk = file_->read_at(offset, scan_bytes);
    if (!chunk) return fail(std::move(chunk).error());
    const std::string_view here(*chunk);
    if (here.size() < frame_head_bytes) break;
    std::size_t i = 0;
    for (; i + frame_head_bytes <= here.size(); i += frame_alignment) {
      if (!here.substr(i).starts_with(frame_magic)) continue;
      const Address there = header_.base + (offset + i - segment_header_bytes);
      const auto head = parse_frame_head(here.substr(i), there, seed_);
      if (head && head->synced > at) return there;
    }
    offset += i;
  }
  return std::nullopt;
}

Result<void> SegmentFile::allocate(std::uint64_t size, Fill fill) {
  if (size <= allocated_) return {};
  if (auto done = file_->allocate(size); !done) return done;
  const std::atomic<bool> never = false;
  if (fill == Fill::yes) {
    if (auto done = fill_file(*file_, allocated_, size, never); !done) return done;
    if (auto done = file_->sync(); !done) return done;
  }
  allocated_ = size;
  return {};
}

Result<void> SegmentFile::give_room_back() {
  if (room() == 0) return {};
  if (auto done = file_->truncate(offset_of(end_)); !done) return done;
  allocated_ = offset_of(end_);
  return {};
}

// Whole frames may stand behind the torn one, written in the same breath; left there, one of them could look like the
// successor of what is appended now.
Result<void> SegmentFile::erase_tail() {
  const std::uint64_t used = offset_of(end_);
  auto behind = file_->read_at(used, frame_head_bytes);
  if (!behind) return fail(std::move(behind).error());
  if (begins_frame(*behind, end_)) {
    log::warn("{} is cut off at offset {}: the last frame is incomplete, nobody was told that it was durable",
              path_.string(), used);
  }
  buffer_.clear();
  if (auto done = file_->truncate(used); !done) return done;
  allocated_ = used;
  return file_->sync();
}

// To the end of the page, where space is: a page that is written in part, and that memory does not hold, would have to
// be read first.
Result<void> SegmentFile::append(const FrameHead& head, std::string_view body) {
  static constexpr std::array<char, page_bytes + frame_alignment> zeroes{};
  const auto encoded = encode(head, seed_);
  const std::uint64_t size = frame_bytes(body.size());
  const std::uint64_t offset = offset_of(end_);
  const std::uint64_t end = offset + size;
  const std::uint64_t page_end = (end + page_bytes - 1) / page_bytes * page_bytes;
  const std::uint64_t padding = size - frame_head_bytes - body.size() + (page_end <= allocated_ ? page_end - end : 0);
  const std::array<std::string_view, 3> parts = {std::string_view(encoded.data(), encoded.size()), body,
                                                 std::string_view(zeroes.data(), padding)};
  if (auto done = file_->write_at(offset, parts); !done) return done;
  end_ += size;
  allocated_ = std::max(allocated_, end);
  return {};
}

Result<Frame> SegmentFile::read(Address at) {
  auto frame = frame_at(at, offset_of(end_));
  if (!frame) return fail(std::move(frame).error());
  if (!*frame) return damaged(at, "no whole frame is there");
  return **std::move(frame);
}

Result<std::optional<FrameHead>> SegmentFile::head_at(Address at, std::uint64_t limit) {
  auto bytes = bytes_at(offset_of(at), frame_head_bytes, limit);
  if (!bytes) return fail(std::move(bytes).error());
  return parse_frame_head(*bytes, at, seed_);
}

Result<std::optional<Frame>> SegmentFile::frame_at(Address at, std::uint64_t limit) {
  auto head = head_at(at, limit);
  if (!head) return fail(std::move(head).error());
  if (!*head) return std::nullopt;
  const std::uint64_t size = frame_bytes((*head)->body_bytes);
  if (offset_of(at) + size > limit) return std::nullopt;
  auto rest = bytes_at(offset_of(at) + frame_head_bytes, size - frame_head_bytes, limit);
  if (!rest) return fail(std::move(rest).error());
  if (!body_is_whole(**head, *rest)) return std::nullopt;
  last_frame_ = size;
  rest->resize((*head)->body_bytes);
  return Frame{.at = at, .next = at + size, .time = (*head)->time, .body = Bytes(*std::move(rest))};
}

Result<std::string> SegmentFile::bytes_at(std::uint64_t offset, std::size_t size, std::uint64_t limit) {
  size = std::min<std::uint64_t>(size, limit - std::min(limit, offset));
  std::string out;
  if (offset >= buffer_from_ && offset < buffer_from_ + buffer_.size()) {
    out.reserve(size);
    out.append(buffer_, offset - buffer_from_, size);
  }
  const std::size_t missing = size - out.size();
  if (missing == 0) return out;
  if (missing >= random_bytes) {
    if (auto done = file_->read_onto(out, offset + out.size(), missing); !done) return fail(std::move(done).error());
    // So that the head behind it counts as read in sequence.
    buffer_.clear();
    buffer_from_ = offset + size;
    return out;
  }
  if (auto done = fill(offset + out.size(), missing, limit); !done) return fail(std::move(done).error());
  return std::move(out.append(buffer_, 0, missing));
}

Result<void> SegmentFile::fill(std::uint64_t offset, std::size_t least, std::uint64_t limit) {
  const bool in_sequence = offset == buffer_from_ + buffer_.size();
  // Behind a large frame comes a large one: its body is read to where it belongs.
  const std::size_t wanted = !in_sequence ? random_bytes : last_frame_ < random_bytes ? sequential_bytes : page_bytes;
  // Never beyond `limit`: what is not written yet must not be remembered.
  const std::uint64_t size = std::min<std::uint64_t>(std::max(wanted, least), limit - offset);
  auto bytes = file_->read_at(offset, size);
  if (!bytes) return fail(std::move(bytes).error());
  buffer_ = *std::move(bytes);
  buffer_from_ = offset;
  return {};
}

}  // namespace parley::store
