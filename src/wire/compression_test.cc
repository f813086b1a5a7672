#include "wire/compression.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

constexpr Encoding all[] = {Encoding::identity, Encoding::gzip, Encoding::deflate, Encoding::br, Encoding::zstd};

std::string text_of(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "order " + std::to_string(text.size() * 7919) + "; ";
  text.resize(size);
  return text;
}

std::string compressed(Encoding encoding, std::string_view text) {
  std::string out;
  compress(encoding, text, out);
  return out;
}

TEST(Compression, reads_what_it_writes) {
  for (const Encoding encoding : all) {
    for (const std::size_t size : {0, 1, 100, 16 * 1024, 1000 * 1000}) {
      const std::string text = text_of(size);
      std::string back = "before ";
      ASSERT_TRUE(decompress(encoding, compressed(encoding, text), {}, back)) << name(encoding) << " " << size;
      EXPECT_EQ(back, "before " + text);
    }
  }
}

TEST(Compression, the_same_bytes_in_any_chunking_give_the_same_text) {
  const std::string text = text_of(50 * 1000);
  for (const Encoding encoding : all) {
    const std::string packed = compressed(encoding, text);
    for (const std::size_t chunk : {1, 7, 1000}) {
      const auto decompressor = Decompressor::make(encoding, {});
      std::string back;
      for (std::size_t at = 0; at < packed.size(); at += chunk) {
        ASSERT_TRUE(decompressor->write(std::string_view(packed).substr(at, chunk), back));
      }
      EXPECT_TRUE(decompressor->finish());
      EXPECT_EQ(back, text) << name(encoding) << " in chunks of " << chunk;
    }
  }
}

TEST(Compression, what_is_flushed_can_be_read_before_the_end) {
  for (const Encoding encoding : all) {
    const auto compressor = Compressor::make(encoding);
    const auto decompressor = Decompressor::make(encoding, {});
    for (const std::string_view message : {"first\n", "second\n", "third\n"}) {
      std::string packed;
      std::string back;
      compressor->write(message, packed);
      compressor->flush(packed);
      ASSERT_TRUE(decompressor->write(packed, back));
      EXPECT_EQ(back, message) << name(encoding);
    }
    std::string end;
    std::string back;
    compressor->finish(end);
    EXPECT_TRUE(decompressor->write(end, back));
    EXPECT_TRUE(decompressor->finish());
  }
}

TEST(Compression, bombs_meet_a_limit) {
  const std::string zeros(8 << 20, '\0');
  const struct {
    std::string_view name;
    DecompressLimits limits;
  } cases[] = {
      {"by size", {.max_bytes = 1 << 20, .max_ratio = 0}},
      {"by ratio", {.max_bytes = 64 << 20, .max_ratio = 100, .ratio_from = 64 << 10}},
  };
  for (const auto& c : cases) {
    for (const Encoding encoding : all) {
      if (encoding == Encoding::identity && c.limits.max_ratio != 0) continue;
      std::string back;
      const auto done = decompress(encoding, compressed(encoding, zeros), c.limits, back);
      ASSERT_FALSE(done) << c.name << " " << name(encoding);
      EXPECT_EQ(done.error().code(), Code::resource_exhausted);
      EXPECT_LT(back.size(), zeros.size() / 2);
    }
  }
}

TEST(Compression, at_the_limit_is_fine) {
  for (const Encoding encoding : all) {
    std::string back;
    EXPECT_TRUE(decompress(encoding, compressed(encoding, text_of(1000)), {.max_bytes = 1000}, back)) << name(encoding);
    EXPECT_FALSE(decompress(encoding, compressed(encoding, text_of(1001)), {.max_bytes = 1000}, back))
        << name(encoding);
  }
}

TEST(Compression, malformed_input_is_the_callers_fault) {
  for (const Encoding encoding : all) {
    if (encoding == Encoding::identity) continue;
    const std::string good = compressed(encoding, text_of(1000));
    const struct {
      std::string_view name;
      std::string input;
    } cases[] = {
        {"rubbish", std::string(40, '\xff')},
        {"cut off", good.substr(0, good.size() / 2)},
        {"cut off by a byte", good.substr(0, good.size() - 1)},
        {"goes on", good + "\xff\xff\xff\xff"},
    };
    for (const auto& c : cases) {
      std::string back;
      const auto done = decompress(encoding, c.input, {}, back);
      ASSERT_FALSE(done) << name(encoding) << " " << c.name;
      EXPECT_EQ(done.error().code(), Code::invalid_argument) << name(encoding) << " " << c.name;
      EXPECT_EQ(done.error().blame(), Blame::caller);
    }
  }
}

TEST(Compression, an_error_is_final) {
  const auto decompressor = Decompressor::make(Encoding::gzip, {});
  std::string out;
  EXPECT_FALSE(decompressor->write("rubbish", out));
  EXPECT_FALSE(decompressor->write(compressed(Encoding::gzip, "fine"), out));
  EXPECT_FALSE(decompressor->finish());
  EXPECT_EQ(out, "");
}

TEST(Compression, empty_input_is_never_decompressed) {
  for (const Encoding encoding : all) {
    std::string out;
    EXPECT_TRUE(decompress(encoding, "", {}, out)) << name(encoding);
    EXPECT_TRUE(Decompressor::make(encoding, {})->finish()) << name(encoding);
    EXPECT_EQ(out, "");
  }
}

TEST(Compression, gzip_of_several_members_is_one_text) {
  std::string out;
  ASSERT_TRUE(
      decompress(Encoding::gzip, compressed(Encoding::gzip, "one ") + compressed(Encoding::gzip, "two"), {}, out));
  EXPECT_EQ(out, "one two");
}

TEST(Compression, deflate_without_its_zlib_frame_is_read) {
  const std::string framed = compressed(Encoding::deflate, "raw deflate");
  std::string out;
  ASSERT_TRUE(decompress(Encoding::deflate, framed.substr(2, framed.size() - 6), {}, out));
  EXPECT_EQ(out, "raw deflate");
}

TEST(Compression, names) {
  const struct {
    std::string_view text;
    std::optional<Encoding> encoding;
  } cases[] = {
      {"gzip", Encoding::gzip},
      {"GZip", Encoding::gzip},
      {"x-gzip", Encoding::gzip},
      {"deflate", Encoding::deflate},
      {"br", Encoding::br},
      {"zstd", Encoding::zstd},
      {"identity", Encoding::identity},
      {"", Encoding::identity},
      {"snappy", std::nullopt},
      {"gzi", std::nullopt},
      {"gzip ", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(encoding_from_name(c.text), c.encoding) << c.text;
}

TEST(Compression, negotiation) {
  const Encoding offered[] = {Encoding::zstd, Encoding::br, Encoding::gzip};
  const struct {
    std::string_view header;
    Encoding chosen;
  } cases[] = {
      {"", Encoding::identity},
      {"gzip", Encoding::gzip},
      {"gzip, deflate, br, zstd", Encoding::zstd},
      {"gzip, br", Encoding::br},
      {"gzip;q=1.0, br;q=0.9", Encoding::gzip},
      {"gzip;q=0", Encoding::identity},
      {"*", Encoding::zstd},
      {"*;q=0.5, zstd;q=0", Encoding::br},
      {"*;q=0", Encoding::identity},
      {"identity, gzip;q=0.5", Encoding::identity},
      {"identity;q=0.5, gzip;q=0.5", Encoding::gzip},
      {"identity;q=0, snappy", Encoding::identity},
      {"deflate", Encoding::identity},
      {"GZIP ; q=0.3", Encoding::gzip},
      {"gzip;q=x", Encoding::identity},
      {",,gzip,", Encoding::gzip},
      {"br;q=0.001,gzip;q=0.002", Encoding::gzip},
  };
  for (const auto& c : cases) EXPECT_EQ(negotiate(c.header, offered), c.chosen) << c.header;
}

}  // namespace
}  // namespace parley::wire
