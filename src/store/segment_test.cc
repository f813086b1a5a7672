#include "store/segment.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/crc32c.h"
#include "store/records.h"

namespace parley::store {
namespace {

SegmentHeader example_header() {
  SegmentHeader header{
      .journal = {}, .base = first_address, .created = WallTime(std::chrono::milliseconds(1795370400000))};
  for (std::size_t i = 0; i < header.journal.size(); ++i) header.journal[i] = static_cast<char>(i + 1);
  return header;
}

std::string example_body() {
  std::string body;
  append_record(body, 0, "hello");
  append_record(body, 1, "world!");
  return body;
}

FrameHead example_head(std::string_view body) {
  return {.body_crc = crc32c(0, body),
          .body_bytes = static_cast<std::uint32_t>(body.size()),
          .at = first_address,
          .synced = first_address,
          .time = WallTime(std::chrono::milliseconds(1795370401234))};
}

std::vector<std::string> hex_lines(std::string_view bytes, std::size_t from) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    std::string line = fmt::format("{:08x} ", from + at);
    for (const char c : bytes.substr(at, 16)) line += fmt::format(" {:02x}", static_cast<unsigned char>(c));
    lines.push_back(std::move(line));
  }
  return lines;
}

TEST(Segment, TheDocumentShowsWhatIsWritten) {
  std::ifstream file(std::string(PARLEY_SOURCE_DIR) + "/docs/formats/store.md");
  std::stringstream document;
  document << file.rdbuf();
  const std::string body = example_body();
  const auto head = encode(example_head(body), head_seed(example_header()));
  std::string frame(head.data(), head.size());
  frame.append(body).resize(frame_bytes(body.size()));
  auto lines = hex_lines(std::string_view(encode(example_header())).substr(0, 48), 0);
  for (auto& line : hex_lines(frame, segment_header_bytes)) lines.push_back(std::move(line));
  for (const std::string& line : lines) {
    EXPECT_NE(document.str().find(line), std::string::npos) << "docs/formats/store.md lacks this line:\n" << line;
  }
}

TEST(Segment, HeadersAreReadBackAndRefusedWithAReason) {
  const SegmentHeader header = example_header();
  EXPECT_EQ(parse_segment_header(encode(header)).value(), header);
  struct Case {
    std::string_view what;
    std::size_t at;
    char value;
    std::string_view reason;
  };
  const Case cases[] = {
      {"another kind of file", 0, 'X', "does not begin"},
      {"a flipped base", 33, '\x7f', "checksum"},
      {"something behind the fields", 4000, '\x01', "checksum"},
      {"another version without its checksum", 8, '\x02', "checksum"},
  };
  for (const Case& c : cases) {
    std::string page = encode(header);
    page[c.at] = c.value;
    const auto parsed = parse_segment_header(page);
    ASSERT_FALSE(parsed.has_value()) << c.what;
    EXPECT_EQ(parsed.error().code(), Code::data_loss) << c.what;
    EXPECT_NE(parsed.error().message().find(c.reason), std::string::npos) << c.what << ": " << parsed.error().text();
  }
  EXPECT_EQ(parse_segment_header(encode(header).substr(0, 100)).error().code(), Code::data_loss);
}

TEST(Segment, AFramesHeadHoldsForItsPlaceOnly) {
  const FrameHead head = example_head(example_body());
  const std::uint32_t seed = head_seed(example_header());
  const auto bytes = encode(head, seed);
  const std::string_view encoded(bytes.data(), bytes.size());
  EXPECT_EQ(parse_frame_head(encoded, head.at, seed), head);
  EXPECT_FALSE(parse_frame_head(encoded, head.at + 8, seed)) << "elsewhere";
  EXPECT_FALSE(parse_frame_head(encoded, head.at, seed + 1)) << "in another segment or journal";
  EXPECT_FALSE(parse_frame_head(encoded.substr(0, 39), head.at, seed)) << "cut short";
  for (std::size_t i = 0; i < encoded.size() * 8; ++i) {
    std::string flipped(encoded);
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1U << (i % 8)));
    EXPECT_FALSE(parse_frame_head(flipped, head.at, seed)) << "bit " << i;
  }
}

TEST(Segment, ABodyIsWholeOrNot) {
  const std::string body = example_body();
  const FrameHead head = example_head(body);
  std::string rest = body;
  rest.resize(frame_bytes(body.size()) - frame_head_bytes);
  EXPECT_TRUE(body_is_whole(head, rest));
  EXPECT_FALSE(body_is_whole(head, rest.substr(1)));
  for (std::size_t i = 0; i < rest.size(); ++i) {
    std::string flipped = rest;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(body_is_whole(head, flipped)) << "byte " << i << ", which may be padding";
  }
}

}  // namespace
}  // namespace parley::store
