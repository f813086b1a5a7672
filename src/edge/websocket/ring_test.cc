// The ring of a stream's last messages: what it keeps, what a position finds, and that a frame is made once.
#include "edge/websocket/ring.h"

#include <gtest/gtest.h>

#include "contract/load.h"

namespace parley::edge::websocket {
namespace {

const contract::MessageTable& line() {
  static const contract::ContractPtr loaded =
      contract::load_texts({{"t.proto",
                             "syntax = \"proto3\"; package t; message Line { string text = 1; } "
                             "service S { rpc R(Line) returns (Line); }"}})
          .contract;
  return *loaded->find("/t.S/R")->output;
}

// A message of so many bytes.
Bytes of_size(std::size_t size) {
  std::string wire = "\x0a";
  wire += static_cast<char>(size - 2);
  return Bytes(wire + std::string(size - 2, 'x'));
}

struct Kept {
  std::string name;
  Ring::Bounds bounds;
  std::uint64_t first, next;  // after ten messages of 100 bytes
};

TEST(Ring, keeps_so_many_messages_and_so_many_bytes) {
  const Kept cases[] = {
      {"by bytes", {.messages = 0, .bytes = 350}, 8, 11},
      {"by messages", {.messages = 6, .bytes = 350}, 5, 11},
      {"all of them", {.messages = 0, .bytes = 1000}, 1, 11},
      {"one in any case", {.messages = 0, .bytes = 0}, 10, 11},
      {"never more than the most", {.messages = 10, .bytes = 0, .most = 250}, 9, 11},
  };
  for (const Kept& c : cases) {
    Ring ring(line(), c.bounds, "k");
    for (int i = 0; i < 10; ++i) ring.push(of_size(100));
    EXPECT_EQ(ring.first(), c.first) << c.name;
    EXPECT_EQ(ring.next(), c.next) << c.name;
  }
}

TEST(Ring, a_position_finds_the_message_after_it) {
  Ring ring(line(), {.messages = 0, .bytes = 350}, "k");
  for (int i = 0; i < 10; ++i) ring.push(of_size(100));  // 8, 9 and 10 are left
  const struct {
    std::string position;
    std::optional<std::uint64_t> next;
  } cases[] = {
      {"k-10", 11},
      {"k-9", 10},
      {"k-7", 8},
      {"k-6", std::nullopt},
      {"k-11", std::nullopt},
      {"j-9", std::nullopt},
      {"", std::nullopt},
      {"k-", std::nullopt},
      {"k-9x", std::nullopt},
      {"k9", std::nullopt},
      {"-9", std::nullopt},
      {"k--9", std::nullopt},
      {"k-99999999999999999999", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(ring.after(c.position), c.next) << c.position;
}

TEST(Ring, a_frame_is_made_once_a_format) {
  Ring ring(line(), {}, "k");
  ring.push(Bytes::literal("\x0a\x01z"));
  const Bytes text = ring.frame(1, Format::json).value();
  EXPECT_EQ(text.view(), "\x81\x29{\"message\":{\"text\":\"z\"},\"position\":\"k-1\"}");
  EXPECT_EQ(ring.frame(1, Format::json)->data(), text.data());
  EXPECT_EQ(ring.frame(1, Format::proto)->view(), "\x82\x0a\x12\x03\x0a\x01z\x32\x03k-1");
  ring.push(Bytes::literal("\x0a\x05"));
  EXPECT_EQ(ring.frame(2, Format::json).error().reason(), "bad_reply");
  Ring own(line(), {}, "");
  own.push(Bytes::literal("\x0a\x01z"));
  EXPECT_EQ(own.frame(1, Format::json)->view(), "\x81\x18{\"message\":{\"text\":\"z\"}}");
}

}  // namespace
}  // namespace parley::edge::websocket
