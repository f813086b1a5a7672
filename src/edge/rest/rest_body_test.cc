// Bodies that are not plain JSON: google.api.HttpBody, forms, PATCH masks, content codings, CORS.
#include "edge/rest/rest_fixture.h"

namespace parley::edge::rest {
namespace {

const Fields text_plain = {{"content-type", "text/plain"}};
const Fields form = {{"content-type", "multipart/form-data; boundary=\"b\""}};

std::string part(std::string_view head, std::string_view content) {
  return "--b\r\ncontent-disposition: form-data; " + std::string(head) + "\r\n\r\n" + std::string(content) + "\r\n";
}
std::string named(std::string_view name, std::string_view filename) {
  std::string out = R"("extensions":[{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"name":")" +
                    std::string(name) + '"';
  if (!filename.empty()) out += R"(,"filename":")" + std::string(filename) + '"';
  return out + "}}]";
}

struct UploadCase {
  std::string_view name;
  std::string_view verb;
  std::string_view target;
  Fields fields;
  std::string body;
  std::vector<std::string> messages;
};

TEST(RestBodies, Uploads) {
  const UploadCase cases[] = {
      {"raw: the type is kept",
       "POST",
       "/v1/upload/n",
       text_plain,
       "hi",
       {R"({"file":{"contentType":"text/plain","data":"aGk="},"name":"n"})"}},
      {"raw: JSON is bytes too",
       "POST",
       "/v1/upload/n",
       {{"content-type", "application/json"}},
       "{}",
       {R"({"file":{"contentType":"application/json","data":"e30="},"name":"n"})"}},
      {"raw: without a type",
       "POST",
       "/v1/upload/n",
       {},
       "hi",
       {R"({"file":{"contentType":"application/octet-stream","data":"aGk="},"name":"n"})"}},
      {"raw: empty", "POST", "/v1/upload/n", {}, "", {R"({"file":{},"name":"n"})"}},
      {"raw: the whole message", "POST", "/whole", text_plain, "hi", {R"({"contentType":"text/plain","data":"aGk="})"}},
      {"raw: query fills the rest",
       "PUT",
       "/files/o?fileName=f&size=3",
       text_plain,
       "hi",
       {R"({"file":{"contentType":"text/plain","data":"aGk="},"fileName":"f","size":3,"owner":"o"})"}},
      {"raw stream",
       "POST",
       "/files/o?file_name=f",
       text_plain,
       "hi",
       {R"({"file":{"contentType":"text/plain","data":"aGk="},"fileName":"f","owner":"o"})"}},
      {"raw stream: empty", "POST", "/files/o", {}, "", {R"({"file":{},"owner":"o"})"}},
      {"form: one file and fields on both sides of it",
       "PUT",
       "/files/o",
       form,
       part("name=\"size\"", "3") + part("name=\"upload\"; filename=\"a.txt\"\r\ncontent-type: text/csv", "hi") +
           part("name=\"fileName\"", "f") + "--b--\r\n",
       {R"({"file":{"contentType":"text/csv","data":"aGk=",)" + named("upload", "a.txt") +
        R"(},"owner":"o","size":3,"fileName":"f"})"}},
      {"form: a file is known by the body's name as well",
       "PUT",
       "/files/o",
       form,
       part("name=\"file\"", "hi") + "--b--",
       {R"({"file":{"contentType":"text/plain","data":"aGk=",)" + named("file", "") + R"(},"owner":"o"})"}},
      {"form stream: the first message has the fields",
       "POST",
       "/files/o",
       form,
       part("name=\"file_name\"", "f") + part("name=\"file\"; filename=\"a\"", "hi") + "--b--",
       {R"({"file":{"contentType":"application/octet-stream","data":"aGk=",)" + named("file", "a") +
        R"(},"owner":"o","fileName":"f"})"}},
      {"form stream: two files, one of them empty",
       "POST",
       "/v1/upload-parts",
       form,
       part("name=\"a\"; filename=\"a\"", "") + part("name=\"b\"; filename=\"b\"", "hi") + "--b--",
       {R"({"contentType":"application/octet-stream",)" + named("a", "a") + "}",
        R"({"contentType":"application/octet-stream","data":"aGk=",)" + named("b", "b") + "}"}},
  };
  for (const UploadCase& c : cases) {
    SCOPED_TRACE(c.name);
    RestBench bench;
    bench.script.replies = {"{}"};
    const TestExchange& exchange = bench.ask(c.verb, c.target, c.fields, c.body);
    EXPECT_EQ(exchange.head().status, 200) << exchange.text();
    EXPECT_EQ(bench.script.requests, c.messages);
  }
}

TEST(RestBodies, ARawStreamIsOneMessageAChunk) {
  RestBench bench;
  bench.script.replies = {"{}"};
  TestExchange& exchange = bench.open("POST", "/files/o", text_plain);
  exchange.send("one");
  bench.settle();
  EXPECT_EQ(bench.script.requests.size(), 1U) << "at once";
  exchange.send("two");
  exchange.end();
  bench.settle();
  EXPECT_EQ(bench.script.requests,
            (std::vector<std::string>{R"({"file":{"contentType":"text/plain","data":"b25l"},"owner":"o"})",
                                      R"({"file":{"data":"dHdv"}})"}));
}

struct BadFormCase {
  std::string_view name;
  std::string_view verb;
  std::string body;
  std::string_view detail;
};

TEST(RestBodies, BadForms) {
  const BadFormCase cases[] = {
      {"two files for one message", "PUT", part("name=a; filename=a", "x") + part("name=b; filename=b", "y") + "--b--",
       "second file"},
      {"no file", "PUT", part("name=size", "1") + "--b--", "no file"},
      {"unknown field", "PUT", part("name=siz", "1") + part("name=file", "y") + "--b--",
       "unknown form field \\\"siz\\\""},
      {"wrong value", "PUT", part("name=size", "x") + part("name=file", "y") + "--b--", "size"},
      {"field after the file of a stream", "POST", part("name=file", "y") + part("name=size", "1") + "--b--",
       "before the file"},
      {"cut off", "PUT", part("name=file", "y"), "closing boundary"},
      {"no boundary at all", "PUT", "something else", "never appears"},
      {"field too large", "PUT", part("name=file_name", std::string(70'000, 'x')) + "--b--", "larger"},
  };
  for (const BadFormCase& c : cases) {
    SCOPED_TRACE(c.name);
    RestBench bench;
    const TestExchange& exchange = bench.ask(c.verb, "/files/o", form, c.body);
    EXPECT_TRUE(exchange.head().status == 400 || exchange.head().status == 413);
    EXPECT_NE(exchange.text().find(c.detail), std::string::npos) << exchange.text();
  }
  RestBench bench;
  EXPECT_EQ(bench.ask("PUT", "/files/o", {{"content-type", "multipart/form-data"}}, "x").head().status, 400);
}

TEST(RestBodies, RawReplies) {
  RestBench bench;
  bench.script.replies = {R"({"contentType":"image/png","data":"aGk="})"};
  const TestExchange& exchange = bench.ask("GET", "/v1/download/2", {{"accept", "image/*"}});
  EXPECT_EQ(exchange.header("content-type"), "image/png");
  EXPECT_EQ(exchange.header("content-length"), "2");
  EXPECT_EQ(exchange.text(), "hi");
  bench.script.replies = {"{}"};
  const TestExchange& empty = bench.ask("GET", "/v1/download/2");
  EXPECT_EQ(empty.header("content-type"), "application/octet-stream");
  EXPECT_EQ(empty.text(), "");
}

TEST(RestBodies, RawReplyStreams) {
  RestBench bench;
  bench.script.replies = {R"({"contentType":"text/csv","data":"YQ=="})", R"({"data":"Yg=="})"};
  const TestExchange& exchange = bench.ask("GET", "/v1/download-parts/2");
  EXPECT_EQ(exchange.header("content-type"), "text/csv");
  EXPECT_EQ(exchange.text(), "ab");
  bench.script.status = Error(Code::data_loss, Blame::upstream, "x");
  const TestExchange& broken = bench.ask("GET", "/v1/download-parts/2");
  EXPECT_EQ(broken.text(), "ab");
  EXPECT_EQ(broken.was_reset(), net::Reset::internal_error) << "no body that looks whole (trap 13)";
  bench.script.replies.clear();
  EXPECT_EQ(bench.ask("GET", "/v1/download-parts/2").head().status, 500);
}

struct MaskCase {
  std::string_view name;
  std::string_view target;
  std::string_view body;
  std::string_view message;
};

TEST(RestBodies, PatchFillsTheMask) {
  const MaskCase cases[] = {
      {"the paths that are there", "/v1/things/1", R"({"i32":1,"inner":{"label":"x","tags":[]},"labels":{"a":"b"}})",
       R"({"thing":{"name":"things/1","i32":1,"inner":{"label":"x"},"labels":{"a":"b"}},"updateMask":"i32,inner.label,inner.tags,labels"})"},
      {"what the path gives is no change", "/v1/things/1", R"({"name":"x","i32":1})",
       R"({"thing":{"name":"things/1","i32":1},"updateMask":"i32"})"},
      {"the caller's mask stays", "/v1/things/1?updateMask=text", R"({"i32":1})",
       R"({"thing":{"name":"things/1","i32":1},"updateMask":"text"})"},
      {"an empty body changes nothing", "/v1/things/1", "{}", R"({"thing":{"name":"things/1"},"updateMask":""})"},
      {"null clears", "/v1/things/1", R"({"text":null})", R"({"thing":{"name":"things/1"},"updateMask":"text"})"},
  };
  for (const MaskCase& c : cases) {
    SCOPED_TRACE(c.name);
    RestBench bench;
    bench.script.replies = {"{}"};
    const TestExchange& exchange =
        bench.ask("PATCH", c.target, {{"content-type", "application/merge-patch+json"}}, c.body);
    EXPECT_EQ(exchange.head().status, 200) << exchange.text();
    EXPECT_EQ(bench.script.requests, std::vector<std::string>{std::string(c.message)});
  }
}

TEST(RestBodies, RequestsInAnyCoding) {
  for (const wire::Encoding encoding :
       {wire::Encoding::gzip, wire::Encoding::deflate, wire::Encoding::br, wire::Encoding::zstd}) {
    SCOPED_TRACE(wire::name(encoding));
    RestBench bench;
    bench.script.replies = {"{}"};
    std::string packed;
    wire::compress(encoding, R"({"i32":5})", packed);
    const Fields fields = {{"content-encoding", wire::name(encoding)}};
    EXPECT_EQ(bench.ask("POST", "/v1/post", fields, packed).head().status, 200);
    EXPECT_EQ(bench.script.requests, std::vector<std::string>{R"({"i32":5})"});
    EXPECT_EQ(bench.ask("POST", "/v1/post", fields, packed.substr(0, packed.size() - 1)).head().status, 400)
        << "cut off";
    EXPECT_EQ(bench.ask("POST", "/v1/post", fields, "rubbish").head().status, 400);
    EXPECT_EQ(bench.ask("POST", "/v1/post", fields, "").head().status, 200)
        << "an empty body is never decompressed (trap 5)";

    std::string lines;
    wire::compress(encoding, "{\"value\":1}\n{\"value\":2}\n", lines);
    bench.script.requests.clear();
    EXPECT_EQ(bench.ask("POST", "/v1/sum", fields, lines).head().status, 200);
    EXPECT_EQ(bench.script.requests.size(), 2U);
  }
}

TEST(RestBodies, AStreamThatIsABombEnds) {
  std::string packed;
  wire::compress(wire::Encoding::zstd, std::string(std::size_t{64} << 20, 'x'), packed);
  RestBench bench;
  const TestExchange& exchange = bench.ask("POST", "/files/o", {{"content-encoding", "zstd"}}, packed);
  EXPECT_EQ(exchange.head().status, 413);
  EXPECT_LT(bench.script.requests.size(), 100U);
}

struct CodingCase {
  std::string_view accept;
  std::string_view coding;
};

TEST(RestBodies, AnswersInTheCodingTheClientLikes) {
  const CodingCase cases[] = {
      {"", ""},
      {"gzip", "gzip"},
      {"gzip, br", "br"},
      {"gzip, br, zstd", "zstd"},
      {"gzip;q=1, zstd;q=0.5", "gzip"},
      {"identity", ""},
      {"zstd;q=0, br", "br"},
      {"compress", ""},
      {"gzip;q=0", ""},
  };
  RestBench bench;
  bench.script.replies = {"{\"rpc\":\"" + std::string(2000, 'x') + "\"}"};
  const std::string whole = bench.ask("GET", "/v1/get/a").text();
  for (const CodingCase& c : cases) {
    SCOPED_TRACE(c.accept);
    const TestExchange& exchange = bench.ask("GET", "/v1/get/a", {{"accept-encoding", c.accept}});
    EXPECT_EQ(exchange.header("content-encoding"), c.coding);
    EXPECT_EQ(exchange.header("vary"), "accept-encoding");
    EXPECT_EQ(exchange.header("content-length"), std::to_string(exchange.text().size()));
    std::string text;
    ASSERT_TRUE(wire::decompress(*wire::encoding_from_name(c.coding), exchange.text(), {}, text));
    EXPECT_EQ(text, whole);
  }
  bench.script.replies = {"{}"};
  EXPECT_EQ(bench.ask("GET", "/v1/get/a", {{"accept-encoding", "gzip"}}).header("content-encoding"), "") << "too small";
  bench.script.replies = {R"({"contentType":"image/png","data":")" + std::string(4000, 'A') + "\"}"};
  EXPECT_EQ(bench.ask("GET", "/v1/download/1", {{"accept-encoding", "gzip"}}).header("content-encoding"), "")
      << "compressed already";
}

TEST(RestBodies, CrossOrigin) {
  net::CorsConfig config;
  config.origins = {"https://shop.example"};
  RestBench bench(RestOptions{.cors = std::make_shared<net::Cors>(config)});
  bench.script.replies = {"{}"};
  bench.script.headers = {{"x-answer", "1"}};
  const TestExchange& preflight =
      bench.ask("OPTIONS", "/v1/get/a", {{"origin", "https://shop.example"}, {"access-control-request-method", "GET"}});
  EXPECT_EQ(preflight.head().status, 204);
  EXPECT_EQ(preflight.header("access-control-allow-methods"), "GET, HEAD, POST");
  EXPECT_FALSE(bench.script.called);
  const TestExchange& answer = bench.ask("GET", "/v1/get/a", {{"origin", "https://shop.example"}});
  EXPECT_EQ(answer.header("access-control-allow-origin"), "https://shop.example");
  EXPECT_NE(answer.header("access-control-expose-headers").find("x-answer"), std::string::npos);
  EXPECT_EQ(bench.ask("GET", "/v1/nothing", {{"origin", "https://shop.example"}}).header("access-control-allow-origin"),
            "https://shop.example")
      << "pages may read errors";
  EXPECT_EQ(bench.ask("GET", "/v1/get/a", {{"origin", "https://evil.example"}}).header("access-control-allow-origin"),
            "");
}

}  // namespace
}  // namespace parley::edge::rest
