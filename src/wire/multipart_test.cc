#include "wire/multipart.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

// "<name|filename|type>data</>…" or "error: …"; `step` bytes a feed.
std::string read(std::string_view body, std::size_t step, std::string_view boundary = "b",
                 MultipartParser::Limits limits = {}) {
  MultipartParser parser(boundary, limits);
  std::string out;
  for (std::size_t at = 0;; at += step) {
    const bool more = at < body.size();
    if (more) parser.feed(body.substr(at, step));
    for (;;) {
      const auto event = parser.next();
      if (!event) return out + "error: " + event.error().message();
      if (event->kind == MultipartParser::Kind::begin) {
        out +=
            "<" + event->head->name + "|" + event->head->filename.value_or("-") + "|" + event->head->content_type + ">";
      }
      if (event->kind == MultipartParser::Kind::data) out += event->data;
      if (event->kind == MultipartParser::Kind::end) out += "</>";
      if (event->kind == MultipartParser::Kind::need_more || event->kind == MultipartParser::Kind::done) break;
    }
    if (!more) break;
  }
  const auto whole = parser.finish();
  return whole ? out : out + "error: " + whole.error().message();
}

struct Case {
  std::string_view name;
  std::string body;
  std::string events;
};

const std::string disposition = "--b\r\nContent-Disposition: form-data; name=\"f\"";

const Case cases[] = {
    {"one part", disposition + "\r\n\r\nhi\r\n--b--\r\n", "<f|-|>hi</>"},
    {"file with a type", disposition + "; filename=\"a b.txt\"\r\nCONTENT-TYPE: text/csv\r\n\r\n1,2\r\n--b--",
     "<f|a b.txt|text/csv>1,2</>"},
    {"two parts, the first empty", disposition + "\r\n\r\n\r\n" + disposition + "\r\n\r\nx\r\n--b--",
     "<f|-|></><f|-|>x</>"},
    {"a part without content or its line break", disposition + "\r\n\r\n--b--", "<f|-|></>"},
    {"a part without headers", "--b\r\n\r\nx\r\n--b--", "<|-|>x</>"},
    {"preamble and epilogue", "hello\r\n" + disposition + "\r\n\r\nx\r\n--b--\r\n--b\r\nnot a part", "<f|-|>x</>"},
    {"spaces after the boundary", "--b \t\r\n\r\nx\r\n--b--", "<|-|>x</>"},
    {"line breaks and dashes in the content", disposition + "\r\n\r\n\r\n\r\r\n-\r\n--\r\n--a\r\n--b--",
     "<f|-|>\r\n\r\r\n-\r\n--\r\n--a</>"},
    {"a boundary's text within a line", disposition + "\r\n\r\nx--b\r\n--b--", "<f|-|>x--b</>"},
    {"names as browsers write them", "--b\r\ncontent-disposition: form-data; name=\"a%22b%0D%0A%41\"\r\n\r\n\r\n--b--",
     "<a\"b\r\n%41|-|></>"},
    {"extended file name", disposition + "; filename=\"x\"; filename*=UTF-8''%e2%82%ac\r\n\r\n\r\n--b--",
     "<f|\xe2\x82\xac|></>"},
    {"extended file name of another charset", disposition + "; filename=\"x\"; filename*=latin1''%e4\r\n\r\n\r\n--b--",
     "<f|x|></>"},
    {"no boundary", "hello", "error: multipart body: the boundary of its content-type never appears"},
    {"cut off in the content", disposition + "\r\n\r\nhi",
     "<f|-|>hierror: multipart body: it ends before its closing boundary"},
    {"cut off in a head", disposition, "error: multipart body: it ends before its closing boundary"},
    {"cut off in a boundary", disposition + "\r\n\r\nhi\r\n--b-",
     "<f|-|>hi</>error: multipart body: it ends before its closing boundary"},
    {"text after a boundary", "--bx\r\n\r\n", "error: multipart body: a boundary is not followed by a line break"},
    {"a header without a name", "--b\r\n: x\r\n\r\n", "error: multipart body: a part has a header line without a name"},
    {"not form-data", "--b\r\ncontent-disposition: attachment\r\n\r\n",
     "error: multipart body: a part's content-disposition is not form-data"},
    {"transfer encodings", "--b\r\ncontent-transfer-encoding: base64\r\n\r\n",
     "error: multipart body: content-transfer-encoding base64 is not supported (RFC 7578 section 4.7)"},
};

TEST(Multipart, TheSameInAnyChunking) {
  for (const Case& c : cases) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{1000}}) {
      EXPECT_EQ(read(c.body, step), c.events) << c.name << " by " << step;
    }
  }
}

TEST(Multipart, Limits) {
  std::string many;
  for (int i = 0; i < 4; ++i) many += "--b\r\n\r\nx\r\n";
  EXPECT_EQ(read(many + "--b--", 5, "b", {.parts = 3}),
            "<|-|>x</><|-|>x</><|-|>x</>error: multipart body: more than 3 parts");
  const std::string wide = "--b\r\nx: " + std::string(100, 'x') + "\r\n\r\n";
  EXPECT_EQ(read(wide, 10, "b", {.head_bytes = 50}), "error: multipart body: a part's header block is too large");
  EXPECT_EQ(read(wide, 1000, "b", {.head_bytes = 50}), "error: multipart body: a part's header block is too large");
}

}  // namespace
}  // namespace parley::wire
