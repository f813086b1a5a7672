#include "wire/ndjson.h"

#include <vector>

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

using Framing = JsonSplitter::Framing;

// The texts, an error as "error: …" at the end; `step` bytes a feed.
std::vector<std::string> cut(Framing framing, std::string_view body, std::size_t step, std::size_t limit = 1000) {
  JsonSplitter splitter(framing, limit);
  std::vector<std::string> texts;
  for (std::size_t at = 0;; at += step) {
    const bool more = at < body.size();
    if (more) {
      splitter.feed(body.substr(at, step));
    } else {
      splitter.end();
    }
    for (;;) {
      auto text = splitter.next();
      if (!text) {
        texts.push_back("error: " + text.error().message());
        return texts;
      }
      if (!*text) break;
      texts.emplace_back(**text);
    }
    if (!more) return texts;
  }
}

struct Case {
  std::string_view name;
  Framing framing;
  std::string_view body;
  std::vector<std::string> texts;
};

const Case cases[] = {
    {"lines", Framing::lines, "{}\n[1]\n", {"{}", "[1]"}},
    {"lines: the last without its end", Framing::lines, "{}\n1", {"{}", "1"}},
    {"lines: empty ones and CRLF", Framing::lines, "\n \r\n{}\r\n\n", {"{}\r"}},
    {"lines: broken JSON is the reader's", Framing::lines, "{\n}\n", {"{", "}"}},
    {"lines: nothing", Framing::lines, "", {}},
    {"values",
     Framing::values,
     "{}{\"a\":[1,{}]} 12 \"x\" true\nnull",
     {"{}", "{\"a\":[1,{}]}", "12", "\"x\"", "true", "null"}},
    {"values: brackets and quotes in strings",
     Framing::values,
     R"({"a":"}]\"{["}{"b":"\\"})",
     {R"({"a":"}]\"{["})", R"({"b":"\\"})"}},
    {"values: over lines", Framing::values, "{\n}\n{\n}", {"{\n}", "{\n}"}},
    {"values: cut off is the reader's", Framing::values, "{\"a\":", {"{\"a\":"}},
    {"values: too many closings", Framing::values, "{}}", {"{}", "}"}},
    {"array", Framing::values, " [ {} , [1,2],\"a,]\" , 3 ] ", {"{}", "[1,2]", "\"a,]\"", "3"}},
    {"array: empty", Framing::values, " [ ] ", {}},
    {"array: trailing comma is the reader's",
     Framing::values,
     "[1,]",
     {"1", "]", "error: the body's JSON array has no end"}},
    {"array: no comma",
     Framing::values,
     "[{} {}]",
     {"{}", "error: an element of the body's JSON array is followed by neither ',' nor ']'"}},
    {"array: no end", Framing::values, "[{}", {"{}", "error: the body's JSON array has no end"}},
    {"array: only its start", Framing::values, "[", {"error: the body's JSON array has no end"}},
    {"array: text after it", Framing::values, "[{}]{}", {"{}", "error: text follows the body's JSON array"}},
    {"array: a second one", Framing::values, "[] []", {"error: text follows the body's JSON array"}},
};

TEST(JsonSplitter, TheSameInAnyChunking) {
  for (const Case& c : cases) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000}}) {
      EXPECT_EQ(cut(c.framing, c.body, step), c.texts) << c.name << " by " << step;
    }
  }
}

TEST(JsonSplitter, ATextIsThereAsSoonAsItsEndIs) {
  JsonSplitter values(Framing::values, 1000);
  values.feed("{}");
  EXPECT_EQ(**values.next(), "{}");
  JsonSplitter lines(Framing::lines, 1000);
  lines.feed("{}");
  EXPECT_EQ(*lines.next(), std::nullopt) << "the line may go on";
}

TEST(JsonSplitter, ALimitATextNotABody) {
  const std::string error = "error: a message of the body is larger than 10 bytes";
  for (const std::size_t step : {std::size_t{1}, std::size_t{100}}) {
    EXPECT_EQ(cut(Framing::lines, "1234567890\n1234567890\n", step, 10).size(), 2U);
    EXPECT_EQ(cut(Framing::lines, "12345678901\n", step, 10), std::vector<std::string>{error});
    EXPECT_EQ(cut(Framing::values, "\"12345678\"\"12345678\"", step, 10).size(), 2U);
    EXPECT_EQ(cut(Framing::values, "\"123456789\"", step, 10), std::vector<std::string>{error});
    EXPECT_EQ(cut(Framing::values, "[\"123456789", step, 9),
              std::vector<std::string>{"error: a message of the body is larger than 9 bytes"});
  }
}

}  // namespace
}  // namespace parley::wire
