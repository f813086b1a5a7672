#include "wire/media_type.h"

#include <gtest/gtest.h>

#include "wire/sse.h"

namespace parley::wire {
namespace {

TEST(MediaType, Parsing) {
  struct Case {
    std::string_view text;
    std::string_view essence;  // "" for malformed
    std::string_view charset;
    bool json;
  };
  const Case cases[] = {
      {"application/json", "application/json", "", true},
      {" Application/JSON ; Charset=UTF-8", "application/json", "UTF-8", true},
      {"application/merge-patch+json", "application/merge-patch+json", "", true},
      {"text/plain;charset=\"a;\\\"b\"", "text/plain", "a;\"b", false},
      {"text/plain;;charset=x;", "text/plain", "x", false},
      {"text", "", "", false},
      {"text/", "", "", false},
      {"text/a b", "", "", false},
      {"text/plain; charset", "", "", false},
      {"text/plain; charset=\"x", "", "", false},
      {"text/plain; charset=\"x\"y", "", "", false},
      {"", "", "", false},
  };
  for (const Case& c : cases) {
    const auto type = parse_media_type(c.text);
    EXPECT_EQ(type.has_value(), !c.essence.empty()) << c.text;
    if (!type) continue;
    EXPECT_EQ(type->essence, c.essence) << c.text;
    EXPECT_EQ(type->is_json(), c.json) << c.text;
    const std::string* charset = type->find("charset");
    EXPECT_EQ(charset == nullptr ? "" : *charset, c.charset) << c.text;
  }
}

TEST(Accept, Weights) {
  struct Case {
    std::string_view accept;
    std::string_view type;
    int quality;
    bool named;
  };
  const Case cases[] = {
      {"", "a/b", 1000, false},
      {" , ", "a/b", 1000, false},
      {"*/*", "a/b", 1000, false},
      {"a/b", "a/b", 1000, true},
      {"A/B;q=0.25", "a/b", 250, true},
      {"a/*;q=0.5, */*;q=0.1", "a/b", 500, false},
      {"a/*;q=0.5, */*;q=0.1", "c/d", 100, false},
      {"a/b;q=0, a/*", "a/b", 0, true},
      {"a/b;level=1;q=0.4, a/b;q=0.6", "a/b", 600, true},
      {"c/d", "a/b", 0, false},
      {"a/b;q=0.001", "a/b", 1, true},
      {"a/b;q=1.000", "a/b", 1000, true},
      {"a/b;q=often", "a/b", 1000, true},
      {"nonsense, a/b", "a/b", 1000, true},
      {"nonsense", "a/b", 0, false},
      {"a/b;x=\"1,2\";q=0.3", "a/b", 300, true},
  };
  for (const Case& c : cases) {
    const Accept::Weight weight = Accept(c.accept).weigh(c.type);
    EXPECT_EQ(weight.quality, c.quality) << c.accept;
    EXPECT_EQ(weight.named, c.named) << c.accept;
  }
  EXPECT_EQ(Accept("application/vnd.x+json;q=0.7").weigh_json_suffix().quality, 700);
  EXPECT_EQ(Accept("application/json").weigh_json_suffix().quality, 0);
}

TEST(Sse, EventsAndComments) {
  const auto event = [](const SseEvent& e) {
    std::string out;
    put_sse(e, out);
    return out;
  };
  EXPECT_EQ(event({.type = {}, .data = "x"}), "data: x\n\n");
  EXPECT_EQ(event({.type = "end", .data = "x", .id = 12}), "event: end\nid: 12\ndata: x\n\n");
  EXPECT_EQ(event({.type = {}, .data = "a\nb\r\nc\rd"}), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(event({.type = {}, .data = "a\n"}), "data: a\ndata: \n\n");
  EXPECT_EQ(event({.type = {}, .data = ""}), "data: \n\n");
  std::string comment;
  put_sse_comment("still here", comment);
  EXPECT_EQ(comment, ": still here\n\n");
}

}  // namespace
}  // namespace parley::wire
