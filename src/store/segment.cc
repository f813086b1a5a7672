#include "store/segment.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/crc32c.h"
#include "store/little_endian.h"

namespace parley::store {
namespace {

constexpr std::string_view segment_magic = "PARLEYJN";

// Offsets in the header page; the rest of it is zero.
constexpr std::size_t version_at = 8;
constexpr std::size_t crc_at = 12;
constexpr std::size_t journal_at = 16;
constexpr std::size_t base_at = 32;
constexpr std::size_t created_at = 40;

// Of the page with zeroes for the checksum itself.
std::uint32_t page_crc(std::string_view page) {
  constexpr std::string_view zeroes("\0\0\0\0", 4);
  return crc32c(crc32c(crc32c(0, page.substr(0, crc_at)), zeroes), page.substr(crc_at + zeroes.size()));
}

std::unexpected<Error> damaged(std::string message) {
  return fail(Error(Code::data_loss, Blame::us, std::move(message)).with_reason("journal_damaged"));
}

WallTime time_from(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string page(segment_header_bytes, '\0');
  std::ranges::copy(segment_magic, page.begin());
  put_number(&page[version_at], segment_version);
  std::ranges::copy(header.journal, page.begin() + journal_at);
  put_number(&page[base_at], header.base);
  put_number<std::int64_t>(&page[created_at], header.created.time_since_epoch().count());
  put_number(&page[crc_at], page_crc(page));
  return page;
}

Result<SegmentHeader> parse_segment_header(std::string_view page) {
  if (page.size() < segment_header_bytes) return damaged("the header is cut short");
  page = page.substr(0, segment_header_bytes);
  if (!page.starts_with(segment_magic)) return damaged("the header does not begin as a journal's does");
  const auto version = get_number<std::uint32_t>(&page[version_at]);
  if (get_number<std::uint32_t>(&page[crc_at]) != page_crc(page)) return damaged("the header's checksum is wrong");
  if (version != segment_version) {
    return fail(Error(Code::failed_precondition, Blame::us,
                      fmt::format("format version {} was written by another Parley; this one knows {}", version,
                                  segment_version))
                    .with_reason("store_version"));
  }
  SegmentHeader header;
  std::ranges::copy(page.substr(journal_at, header.journal.size()), header.journal.begin());
  header.base = get_number<std::uint64_t>(&page[base_at]);
  header.created = time_from(get_number<std::int64_t>(&page[created_at]));
  return header;
}

std::uint32_t head_seed(const SegmentHeader& header) {
  std::array<char, sizeof header.base> base{};
  put_number(base.data(), header.base);
  return crc32c(crc32c(0, {header.journal.data(), header.journal.size()}), {base.data(), base.size()});
}

std::array<char, frame_head_bytes> encode(const FrameHead& head, std::uint32_t seed) {
  std::array<char, frame_head_bytes> out{};
  std::ranges::copy(frame_magic, out.begin());
  put_number(&out[8], head.body_crc);
  put_number(&out[12], head.body_bytes);
  put_number(&out[16], head.at);
  put_number(&out[24], head.synced);
  put_number<std::int64_t>(&out[32], head.time.time_since_epoch().count());
  put_number(&out[4], crc32c(seed, {&out[8], frame_head_bytes - 8}));
  return out;
}

std::optional<FrameHead> parse_frame_head(std::string_view bytes, Address at, std::uint32_t seed) {
  if (bytes.size() < frame_head_bytes || !bytes.starts_with(frame_magic)) return std::nullopt;
  // The address first: what is left of an older use of the file fails here, before any checksum is made.
  if (get_number<std::uint64_t>(&bytes[16]) != at) return std::nullopt;
  if (get_number<std::uint32_t>(&bytes[4]) != crc32c(seed, bytes.substr(8, frame_head_bytes - 8))) return std::nullopt;
  FrameHead head;
  head.body_crc = get_number<std::uint32_t>(&bytes[8]);
  head.body_bytes = get_number<std::uint32_t>(&bytes[12]);
  head.at = at;
  head.synced = get_number<std::uint64_t>(&bytes[24]);
  head.time = time_from(get_number<std::int64_t>(&bytes[32]));
  return head.body_bytes <= max_frame_body ? std::optional(head) : std::nullopt;
}

bool body_is_whole(const FrameHead& head, std::string_view rest) {
  if (rest.size() != frame_bytes(head.body_bytes) - frame_head_bytes) return false;
  const std::string_view padding = rest.substr(head.body_bytes);
  return std::ranges::all_of(padding, [](char c) { return c == 0; }) &&
         crc32c(0, rest.substr(0, head.body_bytes)) == head.body_crc;
}

}  // namespace parley::store
