// permessage-deflate: what is agreed on, and messages both ways (Autobahn's categories 12 and 13).
#include "wire/permessage_deflate.h"

#include <random>

#include <gtest/gtest.h>

#include "wire/websocket.h"

namespace parley::wire {
namespace {

using namespace std::string_literals;

constexpr std::size_t limit = 1'000'000;

std::string agreed(std::string_view offers, DeflateMode mode) {
  const auto terms = agree_on_deflate(offers, mode);
  return terms ? deflate_answer(*terms) : "none";
}

TEST(PermessageDeflate, negotiation) {
  const std::string plain = "permessage-deflate";
  const std::string none_kept = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  const struct {
    std::string name, offers, by_context, by_message;
  } cases[] = {
      {"nothing", "", "none", "none"},
      {"another extension", "x-webkit-deflate-frame", "none", "none"},
      {"plain", "permessage-deflate", plain, none_kept},
      {"as browsers offer it", "permessage-deflate; client_max_window_bits", plain, none_kept},
      {"the server is to keep nothing", "permessage-deflate; server_no_context_takeover",
       plain + "; server_no_context_takeover", none_kept},
      {"the client keeps nothing", "permessage-deflate; client_no_context_takeover",
       plain + "; client_no_context_takeover", none_kept},
      {"a smaller window of ours", "permessage-deflate; server_max_window_bits=10",
       plain + "; server_max_window_bits=10", none_kept + "; server_max_window_bits=10"},
      {"in quotes", "permessage-deflate; server_max_window_bits=\"10\"", plain + "; server_max_window_bits=10",
       none_kept + "; server_max_window_bits=10"},
      {"a smaller window of theirs", "permessage-deflate; client_max_window_bits=9",
       plain + "; client_max_window_bits=9", none_kept + "; client_max_window_bits=9"},
      {"a window that zlib has not: the next offer counts",
       "permessage-deflate; server_max_window_bits=8, permessage-deflate", plain, none_kept},
      {"unknown parameter: the next offer counts",
       "permessage-deflate; x=1, foo; bar, permessage-deflate;client_no_context_takeover",
       plain + "; client_no_context_takeover", none_kept},
      {"a window of 16", "permessage-deflate; server_max_window_bits=16", "none", "none"},
      {"a window of 7", "permessage-deflate; client_max_window_bits=7", "none", "none"},
      {"a leading zero", "permessage-deflate; client_max_window_bits=010", "none", "none"},
      {"no number", "permessage-deflate; server_max_window_bits=big", "none", "none"},
      {"a value that is missing", "permessage-deflate; server_max_window_bits", "none", "none"},
      {"a value that is none", "permessage-deflate; client_no_context_takeover=1", "none", "none"},
      {"twice the same", "permessage-deflate; client_max_window_bits; client_max_window_bits=9", "none", "none"},
      {"a longer name", "permessage-deflate2", "none", "none"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(agreed(c.offers, DeflateMode::context), c.by_context) << c.name;
    EXPECT_EQ(agreed(c.offers, DeflateMode::message), c.by_message) << c.name;
    EXPECT_EQ(agreed(c.offers, DeflateMode::off), "none") << c.name;
  }
}

// Of every kind: runs, text, noise, nothing.
std::vector<std::string> messages() {
  std::mt19937 random(7);
  std::vector<std::string> all = {"", "a", "Hello", std::string(100'000, 'x')};
  for (const std::size_t size : {16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072}) {
    std::string words;
    while (words.size() < size) words += "order " + std::to_string(random() % 1000) + " is paid; ";
    all.push_back(words.substr(0, size));
    std::string noise(size, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    all.push_back(noise);
  }
  return all;
}

TEST(PermessageDeflate, messages_come_out_as_they_went_in) {
  const DeflateTerms cases[] = {
      {},
      {.server_no_context_takeover = true, .client_no_context_takeover = true},
      {.server_no_context_takeover = true},
      {.client_no_context_takeover = false, .server_max_window_bits = 9},
      {.server_no_context_takeover = true, .client_no_context_takeover = true, .server_max_window_bits = 9},
      {.server_max_window_bits = 12, .client_max_window_bits = 10},
  };
  for (const DeflateTerms& terms : cases) {
    MessageDeflater ours(terms);
    DeflateTerms as_peer = terms;  // what we compress as the server, the client decompresses by the server's terms
    as_peer.client_no_context_takeover = terms.server_no_context_takeover;
    MessageInflater theirs(as_peer);
    for (const std::string& message : messages()) {
      std::string small;
      std::string out;
      ours.deflate(message, small);
      ASSERT_EQ(theirs.inflate(small, limit, out), InflateResult::ok) << deflate_answer(terms) << " " << message.size();
      ASSERT_EQ(out, message) << deflate_answer(terms);
    }
  }
}

TEST(PermessageDeflate, context_takeover_makes_repeated_messages_small) {
  std::string noise(1000, '\0');
  std::mt19937 random(1);
  for (char& c : noise) c = static_cast<char>(random());
  std::string first;
  std::string second;
  MessageDeflater keeps({});
  keeps.deflate(noise, first);
  keeps.deflate(noise, second);
  EXPECT_LT(second.size(), 100U);
  MessageDeflater forgets({.server_no_context_takeover = true});
  second.clear();
  forgets.deflate(noise, second);
  EXPECT_EQ(second, first);
}

TEST(PermessageDeflate, the_rfcs_messages) {  // RFC 7692 section 7.2.3
  const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
  const struct {
    std::string name, bytes;
  } cases[] = {
      {"one block", hello},
      {"no compression", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s},
      {"a final block", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s},
      {"two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s},
  };
  for (const auto& c : cases) {
    MessageInflater inflater({});
    std::string out;
    EXPECT_EQ(inflater.inflate(c.bytes, limit, out), InflateResult::ok) << c.name;
    EXPECT_EQ(out, "Hello") << c.name;
    EXPECT_EQ(inflater.inflate("\xf2\x00\x11\x00\x00"s, limit, out), InflateResult::ok)
        << c.name << ": the window goes on";
    EXPECT_EQ(out, "Hello") << c.name;
  }
}

TEST(PermessageDeflate, bounds) {
  std::string bomb;
  MessageDeflater({}).deflate(std::string(5'000'000, 'x'), bomb);
  MessageInflater inflater({});
  std::string out;
  EXPECT_EQ(inflater.inflate(bomb, limit, out), InflateResult::too_large);
  EXPECT_LE(out.size(), limit + 16 * 1024);
  for (const std::string& bad : {"\x07\xff"s, "\xff\xff\xff"s, "\x00\x05\x00\xfa\xfe\x48"s}) {
    MessageInflater fresh({.client_no_context_takeover = true});
    EXPECT_EQ(fresh.inflate(bad, limit, out), InflateResult::malformed);
    EXPECT_EQ(fresh.inflate("\xf2\x48\xcd\xc9\xc9\x07\x00"s, limit, out), InflateResult::ok) << "after a bad one";
  }
}

std::string masked(unsigned first, std::string_view payload) {
  std::string out;
  append_masked_ws_frame(out, WsOpcode::text, payload, 0x01020304);
  out[0] = static_cast<char>(first);
  return out;
}

TEST(PermessageDeflate, frames) {
  const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
  std::string not_utf8;
  MessageDeflater({.server_no_context_takeover = true}).deflate("abc\xff", not_utf8);
  const struct {
    std::string name, bytes, seen;
  } cases[] = {
      {"compressed", masked(0xc1, hello), "Hello;"},
      {"in fragments: the bit is on the first", masked(0x41, hello.substr(0, 3)) + masked(0x80, hello.substr(3)),
       "Hello;"},
      {"a ping between", masked(0x41, hello.substr(0, 3)) + masked(0x89, "p") + masked(0x80, hello.substr(3)),
       "p;Hello;"},
      {"not compressed", masked(0x81, "plain"), "plain;"},
      {"the bit on a continuation", masked(0x41, hello.substr(0, 3)) + masked(0xc0, hello.substr(3)), "1002"},
      {"the bit on a ping", masked(0xc9, "p"), "1002"},
      {"rubbish", masked(0xc1, "\x07\xff"), "1007"},
      {"text that is not UTF-8", masked(0xc1, not_utf8), "1007"},
      {"the same as binary", masked(0xc2, not_utf8), "abc\xff;"},
  };
  for (const auto& c : cases) {
    for (const std::size_t chunk : {1, 2, 5, 1000}) {
      MessageInflater inflater({});
      WebSocketDecoder decoder(WebSocketDecoder::Peer::client, {.message_bytes = limit}, &inflater);
      std::string seen;
      for (std::size_t at = 0; at < c.bytes.size(); at += chunk) {
        std::string_view in = std::string_view(c.bytes).substr(at, chunk);
        for (;;) {
          const auto event = decoder.next(in);
          if (!event) seen += std::to_string(static_cast<int>(event.error().code));
          if (!event || *event == WebSocketDecoder::Event::need_more) break;
          seen.append(decoder.payload()).append(";");
        }
        if (!seen.empty() && seen.back() != ';') break;
      }
      EXPECT_EQ(seen, c.seen) << c.name << " in chunks of " << chunk;
    }
  }
}

}  // namespace
}  // namespace parley::wire
