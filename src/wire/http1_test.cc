// The HTTP/1.1 parser: what each message means, whatever the chunks it comes in.
#include "wire/http1.h"

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::wire {
namespace {

std::string show(const Fields& fields) {
  std::string out;
  for (const Field f : fields) out += fmt::format(" {}={}", f.name, f.value);
  return out;
}

std::string show_head(const Http1Head& h) {
  std::string out = h.method.empty() ? fmt::format("{}", h.status) : fmt::format("{} {}", h.method, h.target);
  out += fmt::format(" {}", h.version);
  if (h.has_host) out += fmt::format(" host:{}", h.host);
  if (h.body == Http1Body::length) out += fmt::format(" length:{}", h.content_length);
  if (h.body == Http1Body::chunked) out += " chunked";
  if (h.body == Http1Body::until_close) out += " until-close";
  if (!h.keep_alive) out += " close";
  if (h.expect_continue) out += " expect";
  if (!h.upgrade.empty()) out += fmt::format(" upgrade:{}", h.upgrade);
  return out + show(h.fields);
}

// All events of `input`, given in chunks that end at `cuts`, as one text: heads, bodies joined, ends with trailers, the
// first error.
std::string events_of(Http1Parser::Kind kind, std::string_view input, std::size_t chunk, bool ends,
                      const Http1Limits& limits, bool no_body = false) {
  Http1Parser parser(kind, limits);
  parser.expect_no_body(no_body);
  std::string out;
  std::string body;
  const auto take = [&](const std::expected<Http1Parser::Event, Http1Error>& event) {
    if (!event || *event != Http1Parser::Event::data) {
      if (!body.empty()) out += fmt::format("[{}]", std::exchange(body, {}));
    }
    if (!event) {
      out += fmt::format("<{} {}>", event.error().status, event.error().text);
      return false;
    }
    switch (*event) {
      case Http1Parser::Event::head: out += fmt::format("({})", show_head(parser.head())); return true;
      case Http1Parser::Event::data: body += parser.data(); return true;
      case Http1Parser::Event::end: out += fmt::format("end{};", show(parser.trailers())); return true;
      case Http1Parser::Event::need_more: return false;
    }
    return false;
  };
  for (std::size_t at = 0; at < input.size(); at += chunk) {
    std::string_view in = input.substr(at, chunk);
    for (;;) {
      const auto event = parser.next(in);
      const bool data_so_far = event && *event == Http1Parser::Event::need_more && !body.empty();
      if (data_so_far) break;  // the body goes on in the next chunk: one piece of text
      if (!take(event)) {
        if (!event) return out;
        break;
      }
    }
  }
  if (ends) {
    take(parser.finish());
  } else if (!body.empty()) {
    out += fmt::format("[{}]", body);
  }
  return out;
}

struct Case {
  const char* name;
  std::string input;
  std::string events;
};

void check(Http1Parser::Kind kind, const std::vector<Case>& cases, bool ends = false, const Http1Limits& limits = {}) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(events_of(kind, c.input, c.input.size(), ends, limits), c.events);
    const std::string whole = events_of(kind, c.input, c.input.size(), ends, limits);
    for (const std::size_t chunk : {1, 2, 3, 5, 7, 16, 31}) {
      EXPECT_EQ(events_of(kind, c.input, chunk, ends, limits), whole) << "in chunks of " << chunk;
    }
  }
}

TEST(Http1Request, well_formed_in_any_chunking) {
  check(Http1Parser::Kind::request,
        {
            {"a plain GET", "GET /a?b=c HTTP/1.1\r\nHost: x:80\r\n\r\n", "(GET /a?b=c 11 host:x:80)end;"},
            {"names in lower case, values trimmed", "GET / HTTP/1.1\r\nHost:x\r\nX-A: \t 1 2 \t\r\n\r\n",
             "(GET / 11 host:x x-a=1 2)end;"},
            {"an empty value", "GET / HTTP/1.1\r\nHost: x\r\nA:\r\n\r\n", "(GET / 11 host:x a=)end;"},
            {"bytes above ASCII in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: \xc3\xa4\r\n\r\n",
             "(GET / 11 host:x a=\xc3\xa4)end;"},
            {"an empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "(GET / 11 host:x)end;"},
            {"pipelined", "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
             "(GET /1 11 host:x)end;(GET /2 11 host:x)end;"},
            {"Content-Length",
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: x\r\n\r\n",
             "(POST / 11 host:x length:5 content-length=5)[hello]end;(GET / 11 host:x)end;"},
            {"Content-Length zero", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
             "(POST / 11 host:x content-length=0)end;"},
            {"Content-Length twice, the same",
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
             "(POST / 11 host:x length:1 content-length=1)[a]end;"},
            {"chunked",
             "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n06;a=\"b\"\r\n "
             "world\r\n0\r\n\r\n",
             "(POST / 11 host:x chunked)[hello world]end;"},
            {"chunked with trailers",
             "POST / HTTP/1.1\r\nHost: x\r\ntransfer-encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX-Sum: 7\r\n\r\n",
             "(POST / 11 host:x chunked)[0123456789]end x-sum=7;"},
            {"trailers that would change framing are left out",
             "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 7\r\nHost: y\r\nA: "
             "1\r\n\r\n",
             "(POST / 11 host:x chunked)end a=1;"},
            {"HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", "(GET / 10 close)end;"},
            {"HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "(GET / 10)end;"},
            {"Connection: close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             "(GET / 11 host:x close)end;"},
            {"Connection names fields that stop here",
             "GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nConnection: keep-alive, a\r\n\r\n",
             "(GET / 11 host:x b=2)end;"},
            {"Connection cannot take away framing",
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: content-length\r\n\r\na",
             "(POST / 11 host:x length:1 content-length=1)[a]end;"},
            {"te: trailers stays, other codings go", "GET / HTTP/1.1\r\nHost: x\r\nTE: gzip, trailers\r\n\r\n",
             "(GET / 11 host:x te=trailers)end;"},
            {"keep-alive and proxy-connection stop here",
             "GET / HTTP/1.1\r\nHost: x\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n\r\n", "(GET / 11 host:x)end;"},
            {"Expect", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\na",
             "(POST / 11 host:x length:1 expect content-length=1)[a]end;"},
            {"Upgrade, named by Connection",
             "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
             "A\r\n\r\n",
             "(GET / 11 host:x upgrade:h2c)end;"},
            {"Upgrade that Connection does not name", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n",
             "(GET / 11 host:x)end;"},
            {"absolute form", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "(GET http://a/b 11 host:a)end;"},
            {"an unknown method", "FROB / HTTP/1.1\r\nHost: x\r\n\r\n", "(FROB / 11 host:x)end;"},
            {"a later minor version is spoken to as 1.1", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", "(GET / 11 host:x)end;"},
        });
}

TEST(Http1Request, malformed_is_refused_in_any_chunking) {
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  check(
      Http1Parser::Kind::request,
      {
          {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", "<400 a line ends without CR>"},
          {"bare LF after a field", "GET / HTTP/1.1\r\nHost: x\n\r\n", "<400 a line ends without CR>"},
          {"bare LF as the empty line", "GET / HTTP/1.1\r\nHost: x\r\n\n", "<400 a line ends without CR>"},
          {"bare CR in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n",
           "<400 malformed header field value>"},
          {"NUL in a value", std::string("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 35),
           "<400 malformed header field value>"},
          {"a blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "<400 malformed header field name>"},
          {"an empty name", "GET / HTTP/1.1\r\n: x\r\n\r\n", "<400 malformed header field name>"},
          {"no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", "<400 a header field without a colon>"},
          {"obsolete folding", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "<400 obsolete line folding>"},
          {"a folded first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", "<400 obsolete line folding>"},
          {"no version", "GET /\r\n\r\n", "<400 malformed request line>"},
          {"two blanks", "GET  / HTTP/1.1\r\n\r\n", "<400 malformed request target>"},
          {"a blank in the target", "GET /a b HTTP/1.1\r\n\r\n", "<400 malformed request target>"},
          {"a control in the target", "GET /\x01 HTTP/1.1\r\n\r\n", "<400 malformed request target>"},
          {"a raw non-ASCII target", "GET /\xc3\xa4 HTTP/1.1\r\n\r\n", "<400 malformed request target>"},
          {"a method with a colon", "GE:T / HTTP/1.1\r\n\r\n", "<400 malformed method>"},
          {"HTTP/2.0", "GET / HTTP/2.0\r\n\r\n", "<505 only HTTP/1.0 and HTTP/1.1 are spoken here>"},
          {"HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", "<505 only HTTP/1.0 and HTTP/1.1 are spoken here>"},
          {"http/1.1", "GET / http/1.1\r\n\r\n", "<400 malformed HTTP version>"},
          {"HTTP/1.1x", "GET / HTTP/1.1x\r\n\r\n", "<400 malformed HTTP version>"},
          {"two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "<400 more than one Host field>"},
          {"a Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", "<400 malformed Host field>"},
          {"a Host with a user", "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", "<400 malformed Host field>"},
          {"Content-Length beside Transfer-Encoding",
           post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "<400 Content-Length beside Transfer-Encoding>"},
          {"different Content-Lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
           "<400 Content-Length fields that disagree>"},
          {"a list of Content-Lengths", post + "Content-Length: 3, 3\r\n\r\nabc", "<400 malformed Content-Length>"},
          {"a sign", post + "Content-Length: +3\r\n\r\nabc", "<400 malformed Content-Length>"},
          {"negative", post + "Content-Length: -3\r\n\r\nabc", "<400 malformed Content-Length>"},
          {"hexadecimal", post + "Content-Length: 0x3\r\n\r\nabc", "<400 malformed Content-Length>"},
          {"beyond 63 bits", post + "Content-Length: 9223372036854775808\r\n\r\n", "<400 malformed Content-Length>"},
          {"an empty Content-Length", post + "Content-Length:\r\n\r\n", "<400 malformed Content-Length>"},
          {"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
           "<400 chunked must be the last transfer coding>"},
          {"chunked in two fields", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "<400 chunked must be the last transfer coding>"},
          {"chunked before another", post + "Transfer-Encoding: chunked, gzip\r\n\r\n",
           "<400 chunked must be the last transfer coding>"},
          {"another before chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n",
           "<501 the only transfer coding known is chunked>"},
          {"identity", post + "Transfer-Encoding: identity\r\n\r\n", "<400 chunked must be the last transfer coding>"},
          {"chunked in quotes", post + "Transfer-Encoding: \"chunked\"\r\n\r\n",
           "<400 chunked must be the last transfer coding>"},
          {"chunked after a vertical tab",
           post + "Transfer-Encoding: \x0b"
                  "chunked\r\n\r\n",
           "<400 malformed header field value>"},
          {"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "<400 Transfer-Encoding in HTTP/1.0>"},
          {"an unknown expectation", post + "Expect: 200-ok\r\n\r\n",
           "<417 the only expectation known is 100-continue>"},
          {"empty lines without end", "\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n",
           "<400 empty lines before the request>"},
      });
}

TEST(Http1Request, malformed_chunks_are_refused_in_any_chunking) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string seen = "(POST / 11 host:x chunked)";
  check(Http1Parser::Kind::request,
        {
            {"no digits", head + "x\r\n", seen + "<400 malformed chunk size>"},
            {"an empty size", head + "\r\n", seen + "<400 malformed chunk size>"},
            {"a sign", head + "+5\r\nhello\r\n", seen + "<400 malformed chunk size>"},
            {"0x", head + "0x5\r\nhello\r\n", seen + "<400 malformed chunk extension>"},
            {"beyond 63 bits", head + "ffffffffffffffff\r\n", seen + "<400 malformed chunk size>"},
            {"seventeen digits", head + "00000000000000005\r\nhello\r\n", seen + "<400 malformed chunk size>"},
            {"a blank after the size", head + "5 \r\nhello\r\n", seen + "<400 malformed chunk size>"},
            {"bare LF after the size", head + "5\nhello\r\n", seen + "<400 a line ends without CR>"},
            {"longer than its size", head + "5\r\nhello!\r\n", seen + "[hello]<400 a chunk is longer than its size>"},
            {"no CR after the data", head + "5\r\nhello\n0\r\n\r\n",
             seen + "[hello]<400 a chunk is longer than its size>"},
            {"an endless extension", head + "5;" + std::string(300, 'a') + "\r\n",
             seen + "<400 a chunk's line is too long>"},
            {"a control in an extension", head + "5;\x01\r\nhello\r\n", seen + "<400 malformed chunk extension>"},
            {"bare LF in trailers", head + "0\r\nA: b\n\r\n", seen + "<400 a line ends without CR>"},
            {"folded trailers", head + "0\r\nA: b\r\n c\r\n\r\n", seen + "<400 obsolete line folding>"},
        });
}

TEST(Http1Request, limits_hold_in_any_chunking) {
  const Http1Limits limits{.field_bytes = 100, .field_count = 4, .target_bytes = 20};
  const std::string line = "GET / HTTP/1.1\r\n";
  check(Http1Parser::Kind::request,
        {
            {"a target at the limit", "GET /" + std::string(19, 'a') + " HTTP/1.1\r\n\r\n",
             "(GET /aaaaaaaaaaaaaaaaaaa 11)end;"},
            {"a target beyond", "GET /" + std::string(20, 'a') + " HTTP/1.1\r\n\r\n",
             "<414 the request target is too long>"},
            {"a line without end", "GET /" + std::string(200, 'a'), "<414 the request line is too long>"},
            {"fields at the limit", line + "a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n", "(GET / 11 a=1 b=2 c=3 d=4)end;"},
            {"too many fields", line + "a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\ne: 5\r\n\r\n", "<431 too many header fields>"},
            {"a field without end", line + "a: " + std::string(300, 'a'), "<431 the header fields are too large>"},
            {"fields too large together",
             line + "a: " + std::string(60, 'a') + "\r\nb: " + std::string(60, 'b') + "\r\n\r\n",
             "<431 the header fields are too large>"},
            {"trailers too large",
             "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + std::string(200, 'a') + "\r\n\r\n",
             "(POST / 11 chunked)<431 the header fields are too large>"},
        },
        false, limits);
}

TEST(Http1Request, an_early_end_is_an_error_but_not_between_messages) {
  check(Http1Parser::Kind::request,
        {
            {"nothing", "\r\n", "<400 the message ends early>"},
            {"in the head", "GET / HT", "<400 the message ends early>"},
            {"in a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel",
             "(POST / 11 host:x length:5 content-length=5)[hel]<400 the message ends early>"},
            {"between messages", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "(GET / 11 host:x)end;"},
        },
        true);
}

TEST(Http1Response, bodies_end_as_the_head_says) {
  check(
      Http1Parser::Kind::response,
      {
          {"Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
           "(200 11 length:2 content-length=2)[ok]end;"},
          {"chunked with trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n",
           "(200 11 chunked)[ok]end a=b;"},
          {"until the close", "HTTP/1.1 200 OK\r\n\r\nall of it", "(200 11 until-close close)[all of it]end;"},
          {"204 has none", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "(204 11 content-length=5)end;"},
          {"304 has none", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "(304 11)end;"},
          {"100 then the answer", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
           "(100 11)end;(200 11 content-length=0)end;"},
          {"no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "(200 11 content-length=0)end;"},
          {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "(200 10 close content-length=0)end;"},
          {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "<400 malformed status line>"},
          {"a status out of range", "HTTP/1.1 999 ?\r\n\r\n", "<400 a status out of range>"},
          {"not HTTP", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "<400 malformed status line>"},
          {"both framings", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
           "<400 Content-Length beside Transfer-Encoding>"},
          {"ends in a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
           "(200 11 length:5 content-length=5)[ok]<400 the message ends early>"},
      },
      true);
}

TEST(Http1Response, an_answer_to_head_has_no_body) {
  EXPECT_EQ(events_of(Http1Parser::Kind::response, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1, false, {}, true),
            "(200 11 content-length=5)end;");
}

TEST(Http1Fields, only_safe_fields_go_out) {
  EXPECT_TRUE(is_field({"x-a", "b c\t\xc3\xa4"}));
  for (const Field f : {Field{"", "b"}, Field{"X-A", "b"}, Field{"x a", "b"}, Field{"x:", "b"}, Field{"x", "a\r\nb: c"},
                        Field{"x", "a\nb"}, Field{"x", std::string_view("a\0b", 3)}}) {
    EXPECT_FALSE(is_field(f)) << f.name << "=" << f.value;
  }
  for (const char* name : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te"}) {
    EXPECT_TRUE(is_hop_by_hop(name)) << name;
  }
  for (const char* name : {"host", "content-length", "expect", "x"}) EXPECT_FALSE(is_hop_by_hop(name)) << name;
}

TEST(Http1Serialise, heads_and_chunks) {
  std::string out;
  append_status_line(out, 404);
  append_fields(out, {{"a", "1"}});
  append_head_end(out);
  append_chunk_head(out, 255);
  append_last_chunk(out, {{"t", "2"}});
  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\na: 1\r\n\r\nff\r\n0\r\nt: 2\r\n\r\n");
}

}  // namespace
}  // namespace parley::wire
