// The frames of docs/formats/websocket.md in both formats: what clients' mean, and what servers' look like.
#include "edge/websocket/frames.h"

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/transcode.h"

namespace parley::edge::websocket {
namespace {

using namespace std::string_literals;

const contract::ContractPtr& contract_of_test() {
  static const contract::ContractPtr loaded = [] {
    auto all = contract::load_texts({{"t.proto",
                                      "syntax = \"proto3\"; package t; message Line { string text = 1; int64 n = 2; } "
                                      "service S { rpc R(Line) returns (Line); }"}});
    EXPECT_NE(all.contract, nullptr) << contract::all_text(all.diagnostics);
    return all.contract;
  }();
  return loaded;
}
const contract::MessageTable& line() { return *contract_of_test()->find("/t.S/R")->input; }

// A frame as a line of text.
std::string shown(Format format, std::string_view payload) {
  auto frame = read_frame(format, payload, line());
  if (!frame) return std::string(name(frame.error().code())) + " " + std::string(frame.error().reason());
  switch (frame->kind) {
    case ClientFrame::Kind::end: return "end";
    case ClientFrame::Kind::ping: return "ping";
    case ClientFrame::Kind::credit: return "credit " + std::to_string(frame->credit);
    case ClientFrame::Kind::message: {
      std::string json;
      EXPECT_TRUE(contract::wire_to_json(line(), frame->message.view(), json));
      return "message " + json;
    }
    case ClientFrame::Kind::start: break;
  }
  std::string out = "start";
  for (const Field f : frame->start.metadata) out.append(" ").append(f.name).append("=").append(f.value);
  if (frame->start.timeout) out += " " + std::to_string(frame->start.timeout->count() / 1'000'000) + "ms";
  if (!frame->start.resume.empty()) out += " after " + frame->start.resume;
  if (frame->start.history != 0) out += " history " + std::to_string(frame->start.history);
  return out;
}

TEST(ClientFrames, json) {
  const struct {
    std::string name, text, seen;
  } cases[] = {
      {"a message", R"({"message":{"text":"a","n":"7"}})", R"(message {"text":"a","n":"7"})"},
      {"with space everywhere", " {\n\"message\" :\t{ } } \n", "message {}"},
      {"an end", R"({"end":{}})", "end"},
      {"a ping", R"({"ping":{}})", "ping"},
      {"credit", R"({"credit":5})", "credit 5"},
      {"credit that is none", R"({"credit":-5})", "INVALID_ARGUMENT bad_frame"},
      {"an empty start", R"({"start":{}})", "start"},
      {"a whole start",
       R"({"start":{"metadata":{"Authorization":"Bearer x","x-raw-bin":"AP8="},"timeout":"2.5s","resume":"k-7","history":5}})",
       "start authorization=Bearer x x-raw-bin=\0\xff 2500ms after k-7 history 5"s},
      {"a time-out of nothing", R"({"start":{"timeout":"0s"}})", "start 0ms"},
      {"a time-out of ten thousand years", R"({"start":{"timeout":"315576000000s"}})", "start 3155760000000ms"},
      {"a negative time-out", R"({"start":{"timeout":"-1s"}})", "INVALID_ARGUMENT bad_frame"},
      {"a message that does not fit", R"({"message":{"text":7}})", "INVALID_ARGUMENT invalid_argument"},
      {"a message and more", R"({"message":{},"end":{}})", "INVALID_ARGUMENT invalid_argument"},
      {"two messages", R"({"message":{},"message":{}})", "INVALID_ARGUMENT invalid_argument"},
      {"more and a message", R"({"end":{},"message":""})", "INVALID_ARGUMENT bad_frame"},
      {"no object", R"("message")", "INVALID_ARGUMENT bad_frame"},
      {"nothing in it", "{}", "INVALID_ARGUMENT bad_frame"},
      {"nothing at all", "", "INVALID_ARGUMENT bad_frame"},
      {"unfinished", R"({"message":{})", "INVALID_ARGUMENT invalid_argument"},
      {"unfinished early", R"({"message":)", "INVALID_ARGUMENT bad_frame"},
      {"something after it", R"({"end":{}} x)", "INVALID_ARGUMENT bad_frame"},
      {"an unknown member", R"({"strat":{}})", "INVALID_ARGUMENT bad_frame"},
      {"an unknown member of start", R"({"start":{"metdata":{}}})", "INVALID_ARGUMENT bad_frame"},
      {"a name that is none", R"({"start":{"metadata":{"a b":"x"}}})", "INVALID_ARGUMENT bad_frame"},
      {"a pseudo-header", R"({"start":{"metadata":{":path":"x"}}})", "INVALID_ARGUMENT bad_frame"},
      {"a value that would split a header", R"({"start":{"metadata":{"a":"b\r\nc: d"}}})",
       "INVALID_ARGUMENT bad_frame"},
      {"bytes that are not base64", R"({"start":{"metadata":{"a-bin":"!"}}})", "INVALID_ARGUMENT bad_frame"},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(Format::json, c.text), c.seen) << c.name;
}

TEST(ClientFrames, protobuf) {
  const struct {
    std::string name, bytes, seen;
  } cases[] = {
      {"a message",
       "\x12\x03\x0a\x01"
       "a",
       R"(message {"text":"a"})"},
      {"an empty message", "\x12\0"s, "message {}"},
      {"an end", "\x1a\0"s, "end"},
      {"a ping", "\x22\0"s, "ping"},
      {"a start with metadata, a time-out and history",
       "\x0a\x0e\x0a\x06\x0a\x01"
       "A"
       "\x12\x01x"
       "\x12\x02\x08\x02"
       "\x20\x05",
       "start a=x 2000ms history 5"},
      {"nothing", "", "INVALID_ARGUMENT bad_frame"},
      {"two in one", "\x1a\0\x22\0"s, "INVALID_ARGUMENT bad_frame"},
      {"credit", "\x28\x05", "credit 5"},
      {"an unknown field", "\x2a\0"s, "INVALID_ARGUMENT bad_frame"},
      {"cut off", "\x12\x05\x0a", "INVALID_ARGUMENT bad_frame"},
      {"a message that is malformed", "\x12\x02\x0a\x05", "INVALID_ARGUMENT invalid_argument"},
      {"a message whose string is not UTF-8", "\x12\x03\x0a\x01\xff", "INVALID_ARGUMENT invalid_argument"},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(Format::proto, c.bytes), c.seen) << c.name;
}

const Fields metadata = {{"x-a", "1"}, {"x-a", "2"}, {"x-bin", "\xff"}, {"connection", "close"}};

TEST(ServerFrames, json) {
  std::string out;
  const auto taken = [&] { return std::exchange(out, {}); };
  ASSERT_TRUE(put_message(Format::json, line(),
                          "\x0a\x01"
                          "a",
                          "", out));
  EXPECT_EQ(taken(), R"({"message":{"text":"a"}})");
  ASSERT_TRUE(put_message(Format::json, line(), "", "k-7", out));
  EXPECT_EQ(taken(), R"({"message":{},"position":"k-7"})");
  const auto bad = put_message(Format::json, line(), "\x0a\x05", "", out);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), Code::internal);
  EXPECT_EQ(bad.error().blame(), Blame::upstream);
  EXPECT_EQ(taken(), "");
  put_headers(Format::json, {}, false, out);
  EXPECT_EQ(taken(), R"({"headers":{}})");
  put_headers(Format::json, metadata, true, out);
  EXPECT_EQ(taken(), R"({"headers":{"metadata":{"x-a":"1, 2","x-bin":"/w"},"resumed":true}})");
  put_status(Format::json, nullptr, {}, nullptr, out);
  EXPECT_EQ(taken(), R"({"status":{"code":"OK"}})");
  const Error error = Error(Code::not_found, Blame::upstream, "no \"a\"")
                          .with_reason("gone")
                          .with_detail({"t.Line",
                                        "\x0a\x01"
                                        "a"})
                          .with_detail({"t.Unknown", "\xff"});
  put_status(Format::json, &error, metadata, &contract_of_test()->tables(), out);
  EXPECT_EQ(
      taken(),
      R"({"status":{"code":"NOT_FOUND","message":"no \"a\"","reason":"gone","details":[)"
      R"({"@type":"type.googleapis.com/t.Line","text":"a"},{"@type":"type.googleapis.com/t.Unknown","value":"/w=="}],)"
      R"("trailers":{"x-a":"1, 2","x-bin":"/w"}}})");
  put_pong(Format::json, out);
  EXPECT_EQ(taken(), R"({"pong":{}})");
  put_skipped(Format::json, 17, out);
  EXPECT_EQ(taken(), R"({"skipped":{"messages":17}})");
}

// The same frames read back by the definition in contracts/parley/websocket.proto.
TEST(ServerFrames, protobuf_is_what_the_contract_says) {
  const auto built_in = contract::load_built_in({"parley/websocket.proto"});
  ASSERT_NE(built_in.contract, nullptr) << contract::all_text(built_in.diagnostics);
  const contract::MessageTable& frame = *built_in.contract->tables().find("parley.ServerFrame");
  const auto read = [&](const std::string& wire) {
    std::string json;
    const auto done = contract::wire_to_json(frame, wire, json);
    return done ? json : done.error().message();
  };
  std::string out;
  const auto taken = [&] { return read(std::exchange(out, {})); };
  ASSERT_TRUE(put_message(Format::proto, line(),
                          "\x0a\x01"
                          "a",
                          "k-7", out));
  EXPECT_EQ(taken(), R"({"message":"CgFh","position":"k-7"})");
  put_headers(Format::proto, metadata, true, out);
  EXPECT_EQ(taken(), R"({"headers":{"metadata":{"x-a":"1, 2","x-bin":"/w"},"resumed":true}})");
  const Error error = Error(Code::not_found, Blame::upstream, "no \xff").with_detail({"google.rpc.RetryInfo", ""});
  put_status(Format::proto, &error, {{"x", "y"}}, nullptr, out);
  EXPECT_EQ(taken(),
            "{\"status\":{\"code\":\"NOT_FOUND\",\"message\":\"no "
            "\xef\xbf\xbd\",\"reason\":\"not_found\",\"details\":[{\"@type\":"
            "\"type.googleapis.com/google.rpc.RetryInfo\"}],\"trailers\":{\"x\":\"y\"}}}");
  put_status(Format::proto, nullptr, {}, nullptr, out);
  EXPECT_EQ(taken(), R"({"status":{}})");
  put_pong(Format::proto, out);
  EXPECT_EQ(taken(), R"({"pong":{}})");
  put_skipped(Format::proto, 300, out);
  EXPECT_EQ(taken(), R"({"skipped":{"messages":300}})");
}

}  // namespace
}  // namespace parley::edge::websocket
