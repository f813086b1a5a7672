// WebSocket frames: what a server makes of a client's bytes, in every chunking. The tables follow the categories of the
// Autobahn test suite: 1 framing, 2 pings, 3 reserved bits, 4 opcodes, 5 fragments, 6 UTF-8, 7 closing, 9 and 10 sizes;
// permessage_deflate_test.cc has 12 and 13.
#include "wire/websocket.h"

#include <vector>

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

using namespace std::string_literals;

constexpr std::size_t limit = 70'000;
constexpr std::uint32_t mask = 0x3d21fa37;  // RFC 6455 section 5.7

// A client's frame with any first byte.
std::string frame(unsigned first, std::string_view payload) {
  std::string out;
  append_masked_ws_frame(out, WsOpcode::text, payload, mask);
  out[0] = static_cast<char>(first);
  return out;
}
std::string fin(unsigned opcode, std::string_view payload) { return frame(0x80 | opcode, payload); }
std::string part(unsigned opcode, std::string_view payload) { return frame(opcode, payload); }
std::string close_frame(std::uint16_t code, std::string_view reason = "") {
  return fin(8, std::string{static_cast<char>(code >> 8U), static_cast<char>(code)} + std::string(reason));
}

std::string shown(std::string_view payload) {
  return payload.size() <= 40 ? std::string(payload) : std::to_string(payload.size()) + " bytes";
}

// "text:hello; ping:; 1002": the events, then the close code of a failure, or "…" where something is unfinished.
std::string read(std::string_view bytes, std::size_t chunk,
                 WebSocketDecoder::Peer sender = WebSocketDecoder::Peer::client) {
  using Event = WebSocketDecoder::Event;
  WebSocketDecoder decoder(sender, {.message_bytes = limit});
  std::string seen;
  bool closed = false;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    std::string_view in = bytes.substr(at, chunk);
    for (;;) {
      const auto event = decoder.next(in);
      if (!event) return seen + std::to_string(static_cast<int>(event.error().code));
      if (*event == Event::need_more) break;
      static constexpr std::array names = {"", "text", "binary", "ping", "pong", "close"};
      seen += names.at(static_cast<std::size_t>(*event));
      if (*event == Event::close) seen += " " + std::to_string(decoder.close_code()), closed = true;
      seen += ":" + shown(decoder.payload()) + "; ";
    }
    decoder.shrink();
  }
  return seen + (closed || decoder.between_messages() ? "" : "…");
}

struct Case {
  std::string name, bytes, seen;
};

void expect(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    for (const std::size_t chunk : {1, 2, 3, 7, 64, 1'000'000}) {
      EXPECT_EQ(read(c.bytes, chunk), c.seen) << c.name << ", in chunks of " << chunk;
    }
  }
}

TEST(WebSocket, messages_of_every_length_form) {  // 1.1, 1.2
  std::vector<Case> cases = {
      {"RFC 6455 section 5.7: a masked text", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s, "text:Hello; "},
      {"nothing", "", ""},
      {"an empty text", fin(1, ""), "text:; "},
      {"an empty binary", fin(2, ""), "binary:; "},
      {"a binary with every byte", fin(2, "\0\xff\x80\x7f"s), "binary:\0\xff\x80\x7f; "s},
      {"two messages", fin(1, "a") + fin(2, "b"), "text:a; binary:b; "},
      {"cut off in the head", fin(1, "abc").substr(0, 1), "…"},
      {"cut off in the mask", fin(1, "abc").substr(0, 4), "…"},
      {"cut off in the payload", fin(1, "abc").substr(0, 7), "…"},
  };
  for (const std::size_t size : {125, 126, 127, 128, 65535, 65536, 65537, 70000}) {
    const std::string text(size, '*');
    cases.push_back({"a text of " + std::to_string(size), fin(1, text), "text:" + std::to_string(size) + " bytes; "});
    cases.push_back(
        {"a binary of " + std::to_string(size), fin(2, text), "binary:" + std::to_string(size) + " bytes; "});
  }
  expect(cases);
}

TEST(WebSocket, control_frames) {  // 2
  expect({
      {"a ping without data", fin(9, ""), "ping:; "},
      {"a ping with data", fin(9, "\0\xff\xfe"s), "ping:\0\xff\xfe; "s},
      {"a ping of 125 bytes", fin(9, std::string(125, 'p')), "ping:125 bytes; "},
      {"a ping of 126 bytes", fin(9, std::string(126, 'p')), "1002"},
      {"an unasked pong", fin(10, "x"), "pong:x; "},
      {"ten pings", fin(9, "1") + fin(9, "2") + fin(10, "3"), "ping:1; ping:2; pong:3; "},
      {"a fragmented ping", part(9, "x"), "1002"},
  });
}

TEST(WebSocket, reserved_bits_and_opcodes) {  // 3, 4, and 5.2 to 5.8 of the RFC
  std::vector<Case> cases = {
      {"RSV1 without an extension", frame(0xc1, "x"), "1002"},
      {"RSV2", frame(0xa1, "x"), "1002"},
      {"RSV3", frame(0x91, "x"), "1002"},
      {"all of them, after a good message", fin(1, "a") + frame(0xf1, "x"), "text:a; 1002"},
      {"RSV1 on a ping", frame(0xc9, ""), "1002"},
      {"RSV2 on a close", frame(0xa8, ""), "1002"},
      {"an unmasked frame", "\x81\x02hi", "1002"},
      {"a length of 125 in two bytes", "\x82\xfe\0\x7d"s + std::string(129, 'x'), "1002"},
      {"a length of 65535 in eight bytes", "\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0"s, "1002"},
      {"a length with the highest bit", "\x82\xff\x80\0\0\0\0\x01\0\0\0\0\0\0"s, "1002"},
  };
  for (const unsigned opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    cases.push_back({"opcode " + std::to_string(opcode), fin(opcode, ""), "1002"});
    cases.push_back(
        {"opcode " + std::to_string(opcode) + " with data", fin(1, "a") + fin(opcode, "x"), "text:a; 1002"});
  }
  expect(cases);
}

TEST(WebSocket, fragments) {  // 5
  expect({
      {"two", part(1, "frag") + fin(0, "ment"), "text:fragment; "},
      {"many, empty ones too", part(1, "") + part(0, "a") + part(0, "") + part(0, "b") + fin(0, ""), "text:ab; "},
      {"all empty", part(2, "") + part(0, "") + fin(0, ""), "binary:; "},
      {"a ping between", part(1, "a") + fin(9, "p") + fin(0, "b"), "ping:p; text:ab; "},
      {"pings between each", part(2, "a") + fin(9, "1") + part(0, "b") + fin(10, "2") + fin(0, "c"),
       "ping:1; pong:2; binary:abc; "},
      {"a continuation of nothing", fin(0, "x"), "1002"},
      {"an open continuation of nothing", part(0, "x"), "1002"},
      {"a continuation after a whole message", fin(1, "a") + fin(0, "b"), "text:a; 1002"},
      {"a message within a message", part(1, "a") + fin(1, "b"), "1002"},
      {"a binary within a text", part(1, "a") + part(2, "b"), "1002"},
      {"a ping, then a continuation of nothing", fin(9, "") + part(0, ""), "ping:; 1002"},
      {"a close between", part(1, "a") + close_frame(1000), "close 1000:; "},
      {"unfinished", part(1, "a"), "…"},
  });
}

TEST(WebSocket, text_is_utf8) {  // 6
  std::vector<Case> cases = {
      {"some of each length", fin(1, "κόσμε €🎉"), "text:κόσμε €🎉; "},
      {"cut between the fragments", part(1, "\xce") + part(0, "\xba\xe2"s) + fin(0, "\x82\xac"), "text:κ€; "},
      {"cut off at the end", fin(1, "a\xe2\x82"), "1007"},
      {"cut off by the last fragment", part(1, "a\xe2") + fin(0, "\x82"), "1007"},
      {"bad in the first of three fragments: not waited for", part(1, "\xce\xce") + part(0, "x"), "1007"},
      {"the rest of the frame is not waited for", fin(1, "\xf4\x90 and more").substr(0, 8), "1007"},
      {"in a binary nothing is looked at", fin(2, "\xff"), "binary:\xff; "},
      {"the last valid code point", fin(1, "\xf4\x8f\xbf\xbf"), "text:\xf4\x8f\xbf\xbf; "},
      {"before and after the surrogates", fin(1, "\xed\x9f\xbf\xee\x80\x80"), "text:\xed\x9f\xbf\xee\x80\x80; "},
      {"noncharacters are valid", fin(1, "\xef\xbf\xbe\xef\xbf\xbf\xef\xb7\x90"),
       "text:\xef\xbf\xbe\xef\xbf\xbf\xef\xb7\x90; "},
      {"a ping does not end a character", part(1, "\xe2") + fin(9, "\xff") + fin(0, "\x82\xac"), "ping:\xff; text:€; "},
      {"the next message begins afresh", fin(1, "€") + fin(1, "€"), "text:€; text:€; "},
  };
  for (const char* bad : {"\x80",
                          "\xbf",
                          "\xc0\x80",
                          "\xc1\xbf",
                          "\xe0\x80\x80",
                          "\xe0\x9f\xbf",
                          "\xed\xa0\x80",
                          "\xed\xbf\xbf",
                          "\xf0\x80\x80\x80",
                          "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80",
                          "\xf8\x88\x80\x80\x80",
                          "\xfe",
                          "\xff",
                          "\xc2",
                          "\xc2 ",
                          "\xe2\x82",
                          "\xf0\x9f\x8e",
                          "\xe2\x82\xe2\x82\xac",
                          "\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80"}) {
    cases.push_back({"bad", fin(1, "0123456789abcdef"s + bad), "1007"});
    cases.push_back({"bad at the beginning", fin(1, std::string(bad) + "0123456789abcdef"), "1007"});
  }
  expect(cases);
}

TEST(WebSocket, closing) {  // 7
  std::vector<Case> cases = {
      {"without a code", fin(8, ""), "close 1005:; "},
      {"with a reason", close_frame(1000, "bye €"), "close 1000:bye €; "},
      {"with the longest reason", close_frame(1000, std::string(123, '*')), "close 1000:123 bytes; "},
      {"too long", close_frame(1000, std::string(124, '*')), "1002"},
      {"half a code", fin(8, "\x03"), "1002"},
      {"a reason that is not UTF-8", close_frame(1000, "\xff"), "1007"},
      {"a reason that is cut off", close_frame(1000, "a\xe2\x82"), "1007"},
      {"what follows is not looked at", close_frame(1000) + fin(1, "late") + fin(9, "") + "\xff\xff", "close 1000:; "},
      {"a fragmented close", part(8, ""), "1002"},
  };
  for (const std::uint16_t code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999})
    cases.push_back({"a valid code", close_frame(code), "close " + std::to_string(code) + ":; "});
  for (const std::uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    cases.push_back({"a code that is never sent: " + std::to_string(code), close_frame(code), "1002"});
  expect(cases);
}

TEST(WebSocket, a_message_has_a_limit_before_it_comes) {  // 9, 10
  expect({
      {"above it, known from the head", fin(2, std::string(limit + 1, 'x')).substr(0, 14), "1009"},
      {"above it with the second fragment", part(2, std::string(limit, 'x')) + fin(0, "y").substr(0, 6), "1009"},
      {"at it, in fragments", part(2, std::string(limit - 1, 'x')) + fin(0, "y"), "binary:70000 bytes; "},
      {"2^62 bytes", "\x82\xff\x40\0\0\0\0\0\0\0\0\0\0\0"s, "1009"},
  });
  std::string bits;
  for (int i = 0; i < 64; ++i) bits += part(i == 0 ? 2 : 0, std::string(1024, 'x'));
  expect({{"64 KiB in fragments of 1 KiB", bits + fin(0, ""), "binary:65536 bytes; "}});
}

TEST(WebSocket, what_a_server_sends) {
  const struct {
    std::string name, bytes, seen;
  } cases[] = {
      {"RFC 6455 section 5.7: an unmasked text", "\x81\x05Hello", "text:Hello; "},
      {"a masked frame", fin(1, "a"), "1002"},
      {"a ping", "\x89\x05Hello", "ping:Hello; "},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.bytes, 3, WebSocketDecoder::Peer::server), c.seen) << c.name;
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536}) {
    std::string out = "before";
    append_ws_frame(out, WsOpcode::binary, std::string(size, 'x'));
    const std::string expected = size <= 40 ? std::string(size, 'x') : std::to_string(size) + " bytes";
    EXPECT_EQ(read(out.substr(6), 5, WebSocketDecoder::Peer::server), "binary:" + expected + "; ") << size;
  }
}

TEST(WebSocket, masking_at_every_offset) {
  for (std::size_t size = 0; size < 40; ++size) {
    for (std::size_t cut = 0; cut <= size; ++cut) {
      const std::string plain(size, 'a');
      std::string out(size, '\0');
      const std::uint32_t next = ws_mask(out.data(), std::string_view(plain).substr(0, cut), mask);
      ws_mask(out.data() + cut, std::string_view(plain).substr(cut), next);
      for (std::size_t i = 0; i < size; ++i)
        ASSERT_EQ(out[i], static_cast<char>('a' ^ (mask >> (8 * (i % 4))))) << size << " cut at " << cut;
    }
  }
}

TEST(WebSocket, a_close_reason_is_cut_between_characters) {
  EXPECT_EQ(ws_close_payload(1000, "bye"),
            "\x03\xe8"s
            "bye");
  const std::string euros = "a€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€";
  EXPECT_EQ(ws_close_payload(4005, euros), "\x0f\xa5"s + euros.substr(0, 1 + 40 * 3));
}

TEST(WebSocket, large_messages_leave_no_memory_behind) {
  WebSocketDecoder decoder(WebSocketDecoder::Peer::client, {.message_bytes = limit});
  const std::string bytes = fin(2, std::string(limit, 'x')) + fin(1, "small");
  std::string_view in = bytes;
  ASSERT_EQ(decoder.next(in), WebSocketDecoder::Event::binary);
  EXPECT_EQ(decoder.payload().size(), limit);
  ASSERT_EQ(decoder.next(in), WebSocketDecoder::Event::text);
  EXPECT_EQ(decoder.payload(), "small");
  decoder.shrink();
  EXPECT_EQ(decoder.payload(), "");
  EXPECT_TRUE(decoder.between_messages());
}

}  // namespace
}  // namespace parley::wire
