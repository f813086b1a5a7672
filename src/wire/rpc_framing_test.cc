// gRPC framing, base64, percent-encoding and time-outs: tables of named behaviours.
#include <gtest/gtest.h>

#include "wire/base64.h"
#include "wire/grpc_frame.h"
#include "wire/percent.h"
#include "wire/timeout.h"

namespace parley::wire {
namespace {

using namespace std::string_literals;

constexpr std::size_t limit = 100;

std::string framed(std::uint8_t flags, std::string_view payload) {
  return std::string(grpc_frame(flags, payload).view());
}

// The frames of `body` given in chunks of `chunk` bytes, as "flags:payload;…", then the error's code if there is one.
std::string frames_of(std::string_view body, std::size_t chunk) {
  GrpcFrameDecoder decoder(limit);
  std::string seen;
  for (std::size_t at = 0; at < body.size(); at += chunk) {
    decoder.feed(Bytes::copy_of(body.substr(at, chunk)));
    for (;;) {
      auto frame = decoder.next();
      if (!frame) return seen + std::string(lower_name(frame.error().code()));
      if (!*frame) break;
      seen += std::to_string((*frame)->flags) + ":" + std::string((*frame)->payload.view()) + ";";
    }
  }
  return seen + (decoder.is_between_frames() ? "" : "cut off");
}

TEST(GrpcFrame, the_same_bytes_in_any_chunking_give_the_same_frames) {
  const struct {
    std::string name, body, expected;
  } cases[] = {
      {"nothing", "", ""},
      {"one message", framed(0, "hello"), "0:hello;"},
      {"an empty message", framed(0, ""), "0:;"},
      {"two and an empty one between", framed(0, "a") + framed(1, "") + framed(0x80, "b"), "0:a;1:;128:b;"},
      {"at the limit", framed(2, std::string(limit, 'x')), "2:" + std::string(limit, 'x') + ";"},
      {"above the limit", framed(0, "ok") + framed(0, std::string(limit + 1, 'x')), "0:ok;resource_exhausted"},
      {"a length of 4 GiB", "\0\xff\xff\xff\xff"s, "resource_exhausted"},
      {"cut off in the prefix", framed(0, "a") + "\0\0"s, "0:a;cut off"},
      {"cut off in the payload", framed(0, "abc").substr(0, 7), "cut off"},
      {"cut off before the payload", framed(0, "abc").substr(0, 5), "cut off"},
  };
  for (const auto& c : cases) {
    for (const std::size_t chunk : {1, 2, 3, 5, 6, 7, 1000}) {
      EXPECT_EQ(frames_of(c.body, chunk), c.expected) << c.name << " in chunks of " << chunk;
    }
  }
}

TEST(GrpcFrame, a_payload_within_one_chunk_is_not_copied) {
  const Bytes chunk(framed(0, "first") + framed(0, "second"));
  GrpcFrameDecoder decoder(limit);
  decoder.feed(chunk);
  for (const std::size_t at : {5, 15}) {
    const auto frame = decoder.next();
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->payload.data(), chunk.data() + at);
  }
}

TEST(GrpcFrame, a_payload_that_starts_a_chunk_is_not_copied) {
  const std::string body = framed(0, "payload");
  const Bytes second = Bytes::copy_of(std::string_view(body).substr(5));
  GrpcFrameDecoder decoder(limit);
  decoder.feed(Bytes::copy_of(std::string_view(body).substr(0, 5)));
  ASSERT_FALSE(*decoder.next());
  decoder.feed(second);
  const auto frame = decoder.next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->payload.data(), second.data());
}

TEST(GrpcFrame, an_error_is_final) {
  GrpcFrameDecoder decoder(limit);
  decoder.feed(Bytes(framed(0, std::string(limit + 1, 'x'))));
  EXPECT_FALSE(decoder.next());
  decoder.feed(Bytes(framed(0, "fine")));
  EXPECT_FALSE(decoder.next());
}

TEST(Base64, takes_both_alphabets_padded_or_not) {
  const struct {
    std::string_view text;
    std::string bytes;
    bool good = true;
  } cases[] = {
      {"", ""},
      {"YQ==", "a"},
      {"YQ", "a"},
      {"YWI=", "ab"},
      {"YWI", "ab"},
      {"YWJj", "abc"},
      {"+/+/", "\xfb\xff\xbf"},
      {"-_-_", "\xfb\xff\xbf"},
      {"AAE", "\0\1"s},
      {"YR", "a"},  // bits after the last byte
      {"Y", "", false},
      {"YQ=", "", false},
      {"YQ===", "", false},
      {"YW=j", "", false},
      {"YWJj=", "", false},
      {"====", "", false},
      {"YW J", "", false},
      {"YWJ\xc3", "", false},
  };
  for (const auto& c : cases) {
    std::string out = "before";
    EXPECT_EQ(base64_decode(c.text, out), c.good) << c.text;
    EXPECT_EQ(out, "before" + c.bytes) << c.text;
  }
}

TEST(Base64, writes_what_it_reads) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + size);
    for (const Base64 alphabet : {Base64::standard, Base64::url}) {
      for (const bool padded : {true, false}) {
        std::string text;
        std::string back;
        base64_encode(bytes, text, alphabet, padded);
        EXPECT_EQ(text.find('=') != std::string::npos, padded && size % 3 != 0);
        EXPECT_TRUE(base64_decode(text, back));
        EXPECT_EQ(back, bytes);
      }
    }
  }
}

TEST(Base64, bin_metadata) {
  const struct {
    std::string_view name, text, items;  // items joined by '|'
    bool good = true;
  } cases[] = {
      {"one, unpadded", "YQ", "a"},         {"one, padded", "YQ==", "a"},
      {"a comma list", "YQ==,YWI", "a|ab"}, {"a comma list with spaces", "YQ , YWI", "a|ab"},
      {"an empty value", "", ""},           {"rubbish", "%%", "", false},
  };
  for (const auto& c : cases) {
    Fields fields;
    EXPECT_EQ(add_bin_decoded(fields, "key-bin", c.text), c.good) << c.name;
    std::string items;
    for (const auto value : fields.all("key-bin")) items += (items.empty() ? "" : "|") + std::string(value);
    EXPECT_EQ(items, c.items) << c.name;
  }
  Fields out;
  add_bin_encoded(out, "key-bin", "a");
  EXPECT_EQ(out.get("key-bin"), "YQ");
}

TEST(Base64, a_text_body_may_be_padded_in_mid_stream) {
  const struct {
    std::string_view name, text, bytes;
    bool good = true, complete = true;
  } cases[] = {
      {"one part", "YWJj", "abc"},
      {"padding between parts", "YQ==YWI=YWJj", "aababc"},
      {"unfinished", "YWJjYQ", "abc", true, false},
      {"padding at a group's start", "=YWJ", "", false},
      {"rubbish", "YW?j", "", false},
  };
  for (const auto& c : cases) {
    for (const std::size_t chunk : {1, 2, 3, 5, 100}) {
      Base64StreamDecoder decoder;
      std::string out;
      bool good = true;
      for (std::size_t at = 0; good && at < c.text.size(); at += chunk)
        good = decoder.write(c.text.substr(at, chunk), out).has_value();
      EXPECT_EQ(good, c.good) << c.name;
      if (!c.good) continue;
      EXPECT_EQ(out, c.bytes) << c.name << " in chunks of " << chunk;
      EXPECT_EQ(decoder.is_complete(), c.complete) << c.name;
    }
  }
}

TEST(Percent, grpc_message) {
  const struct {
    std::string message, text;
  } cases[] = {
      {"", ""},
      {"no order 7", "no order 7"},
      {"100%", "100%25"},
      {"line\nbreak\t", "line%0Abreak%09"},
      {"größe ☃", "gr%C3%B6%C3%9Fe %E2%98%83"},
      {"\x7f~", "%7F~"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(encode_grpc_message(c.message), c.text);
    EXPECT_EQ(decode_grpc_message(c.text), c.message);
  }
}

TEST(Percent, a_malformed_grpc_message_is_read_all_the_same) {
  const struct {
    std::string_view text, message;
  } cases[] = {
      {"100%", "100%"},           {"%4", "%4"},
      {"%zz%41", "%zzA"},         {"%%41", "%A"},
      {"%e2%98%83", "☃"},         {"%ff!", "\uFFFD!"},
      {"%E2%98", "\uFFFD\uFFFD"}, {"%ED%A0%80", "\uFFFD\uFFFD\uFFFD"},
      {"gr\xf6", "gr\uFFFD"},     {"%C0%AF", "\uFFFD\uFFFD"},
  };
  for (const auto& c : cases) EXPECT_EQ(decode_grpc_message(c.text), c.message) << c.text;
}

TEST(Percent, query_components) {
  const struct {
    std::string_view text;
    bool plus_is_space, good;
    std::string_view decoded;
  } cases[] = {{"a+b%20c", true, true, "a b c"},
               {"a+b", false, true, "a+b"},
               {"%2B%2f", true, true, "+/"},
               {"%", true, false, ""},
               {"%4g", true, false, ""}};
  for (const auto& c : cases) {
    std::string out;
    EXPECT_EQ(decode_query_component(c.text, out, c.plus_is_space), c.good) << c.text;
    if (c.good) EXPECT_EQ(out, c.decoded);
  }
  EXPECT_EQ(encode_query_component("a b/ü~"), "a%20b%2F%C3%BC~");
}

TEST(Timeout, grpc) {
  using namespace std::chrono;
  const struct {
    std::string_view text;
    std::optional<Duration> value;
  } cases[] = {
      {"1H", hours(1)},
      {"2M", minutes(2)},
      {"3S", seconds(3)},
      {"4m", milliseconds(4)},
      {"5u", microseconds(5)},
      {"6n", nanoseconds(6)},
      {"0S", seconds(0)},
      {"99999999S", seconds(99999999)},
      {"99999999H", Duration::max()},
      {"", std::nullopt},
      {"S", std::nullopt},
      {"1", std::nullopt},
      {"100000000n", std::nullopt},
      {"-1S", std::nullopt},
      {"1s", std::nullopt},
      {" 1S", std::nullopt},
      {"1.5S", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_grpc_timeout(c.text), c.value) << c.text;
}

TEST(Timeout, grpc_is_written_in_the_finest_unit_that_fits) {
  using namespace std::chrono;
  const struct {
    Duration value;
    std::string_view text;
  } cases[] = {
      {nanoseconds(0), "0n"},
      {nanoseconds(-5), "0n"},
      {nanoseconds(99999999), "99999999n"},
      {nanoseconds(100000001), "100001u"},
      {seconds(10), "10000000u"},
      {seconds(100), "100000m"},
      {hours(24 * 365), "31536000S"},
      {Duration::max(), "2562048H"},
  };
  for (const auto& c : cases) EXPECT_EQ(format_grpc_timeout(c.value), c.text);
}

TEST(Timeout, connect) {
  using namespace std::chrono;
  const struct {
    std::string_view text;
    std::optional<Duration> value;
  } cases[] = {
      {"0", seconds(0)},
      {"1500", milliseconds(1500)},
      {"9999999999", milliseconds(9999999999)},
      {"10000000000", std::nullopt},
      {"", std::nullopt},
      {"1s", std::nullopt},
      {"-1", std::nullopt},
      {"+1", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_connect_timeout(c.text), c.value) << c.text;
  EXPECT_EQ(format_connect_timeout(microseconds(1001)), "2");
  EXPECT_EQ(format_connect_timeout(Duration::max()), "9999999999");
  EXPECT_EQ(format_connect_timeout(seconds(-1)), "0");
}

}  // namespace
}  // namespace parley::wire
