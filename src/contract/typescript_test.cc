#include "contract/typescript.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/contract_fixture.h"

namespace parley::contract {
namespace {

using testing::HasSubstr;

std::string typescript_of(const std::vector<std::pair<std::string, std::string>>& files) {
  const Loaded loaded = load_texts(files);
  EXPECT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  return loaded.contract == nullptr ? "" : typescript(*loaded.contract);
}

// That what is printed compiles, and accepts what ProtoJSON has, test/web_client sees.
TEST(Typescript, WhatIsPrintedOfEachThing) {
  const std::string text = typescript_of({{"a.proto", R"(syntax = "proto3"; package a;
// Does things.
service S {
  // Asks.
  rpc Ask(Q) returns (R);
  rpc Hear(Q) returns (stream R) { option deprecated = true; }
  rpc Tell(stream Q) returns (R);
  rpc Talk(stream Q) returns (stream R);
}
// A question */ with an end of a comment in it.
message Q {
  int64 big_number = 1;
  repeated double numbers = 2;
  map<int32, R> by_id = 3;
  oneof pick { string left = 4; bytes right = 5; }
  repeated Kind kinds = 6 [deprecated = true];
  string odd = 7 [json_name = "odd-one"];
  enum Kind { KIND_UNSPECIFIED = 0; GOOD = 1; }
}
message R { Q again = 1; }
message Unused { string x = 1; }
)"}});
  const char* parts[] = {
      "  /** Asks. */\n  \"a.S/Ask\": Unary<Q, R>;\n",
      "  /** @deprecated */\n  \"a.S/Hear\": ServerStream<Q, R>;\n",
      "  \"a.S/Tell\": ClientStream<Q, R>;\n",
      "  \"a.S/Talk\": BidiStream<Q, R>;\n",
      "/** A question * / with an end of a comment in it. */\nexport interface Q {\n",
      "  bigNumber?: string;\n  numbers?: Float[];\n",
      "  byId?: { [key: string]: R };\n",
      "  left?: string;\n  right?: string;\n",
      "  /** @deprecated */\n  kinds?: QKind[];\n",
      "  \"odd-one\"?: string;\n",
      "export interface R {\n  again?: Q;\n}\n",
      "export type QKind = \"KIND_UNSPECIFIED\" | \"GOOD\";\n",
  };
  for (const char* part : parts) EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, testing::Not(HasSubstr("Unused")));
}

TEST(Typescript, NamesThatWouldClashAreLongOnes) {
  const std::string text =
      typescript_of({{"a.proto", R"(syntax = "proto3"; package a.v1; import "b.proto";
service S { rpc Ask(Order) returns (b.Order); rpc Tell(Record) returns (Any); }
message Order { string x = 1; }
message Record { string x = 1; }
message Any { string x = 1; }
)"},
                     {"b.proto", R"(syntax = "proto3"; package b; message Order { string y = 1; })"}});
  for (const char* part :
       {"\"a.v1.S/Ask\": Unary<a_v1_Order, b_Order>;", "\"a.v1.S/Tell\": Unary<a_v1_Record, a_v1_Any>;",
        "export interface a_v1_Record {", "export interface b_Order {\n  y?: string;\n}\n"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace parley::contract
