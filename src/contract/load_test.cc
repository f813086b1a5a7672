#include "contract/load.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/message_table.h"
#include "contract/router.h"

namespace parley::contract {
namespace {

TEST(Load, TheShop) {
  const Loaded loaded = load({std::filesystem::path(PARLEY_SOURCE_DIR) / "examples/shop/contracts"});
  ASSERT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  EXPECT_EQ(all_text(loaded.diagnostics), "");
  const Contract& c = *loaded.contract;
  EXPECT_EQ(c.services().size(), 6U);
  const Method* get = c.find("/shop.Orders/GetOrder");
  ASSERT_NE(get, nullptr);
  EXPECT_EQ(get->idempotency, Idempotency::no_side_effects);
  EXPECT_TRUE(get->is_unary());
  ASSERT_EQ(get->rules.size(), 1U);
  EXPECT_EQ(get->rules[0].verb, "GET");
  EXPECT_EQ(get->rules[0].pattern, "/v1/{name=orders/*}");
  ASSERT_NE(get->input, nullptr);
  EXPECT_EQ(get->input->full_name(), "shop.GetOrderRequest");
  EXPECT_EQ(get->output->full_name(), "shop.Order");
  EXPECT_EQ(c.find("/shop.Orders/getorder"), nullptr);
  EXPECT_EQ(c.find_service("shop.Orders")->methods.size(), 10U);
  const auto match = c.router().match("GET", "/v1/orders/7");
  ASSERT_TRUE(match.has_value());
  EXPECT_EQ(match->method, get);
  EXPECT_EQ(match->bindings.at(0).value, "orders/7");
  EXPECT_EQ(c.find("/shop.Catalog/GetProduct")->rules.size(), 2U);  // an additional binding
}

TEST(Load, EveryMethodHasAnIndexOfItsOwn) {
  const Loaded loaded = load({std::filesystem::path(PARLEY_SOURCE_DIR) / "examples/shop/contracts"});
  ASSERT_NE(loaded.contract, nullptr);
  std::vector<bool> seen(loaded.contract->method_count());
  for (const Service& s : loaded.contract->services()) {
    for (const Method& m : s.methods) {
      ASSERT_LT(m.index, seen.size());
      EXPECT_FALSE(seen[m.index]);
      seen[m.index] = true;
    }
  }
}

TEST(Load, AnRpcWithoutABindingHasTheDefaultOne) {
  const Loaded loaded = load_text("service S { rpc Do(A) returns (A); } message A { string x = 1; }");
  ASSERT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  const auto match = loaded.contract->router().match("POST", "/shop.S/Do");
  ASSERT_TRUE(match.has_value());
  EXPECT_EQ(match->rule->body, "*");
  EXPECT_TRUE(match->rule->assumed);
}

TEST(Load, SaysWhereAndWhatIsWrong) {
  struct Case {
    const char* name;
    const char* text;  // from line 2 on
    const char* want;  // begins with
  };
  const Case cases[] = {
      {"syntax error", "message A {\n  string x;\n}",
       "shop.proto:3:11: error: Missing field number. (hint: each field has"},
      {"type that is not there", "message Order {}\nmessage A { Oder x = 1; }",
       "shop.proto:3:13: error: \"Oder\" is not defined. (hint: did you mean `shop.Order`?)"},
      {"type of another package", "message A { Timestamp x = 1; }",
       "shop.proto:2:13: error: \"Timestamp\" is not defined. (hint: did you mean `google.protobuf.Timestamp`?)"},
      {"import that is not there", "import \"google/api/anotations.proto\";",
       "shop.proto:2:1: error: import `google/api/anotations.proto` was not found (hint: did you mean "
       "`google/api/annotations.proto`?)"},
      {"number used twice", "message A {\n  string x = 1;\n  string y = 1;\n}",
       "shop.proto:4:14: error: Field number 1 has already been used"},
      {"number that is none", "message A {\n  string x = 0;\n}",
       "shop.proto:3:14: error: Field numbers must be positive integers. (hint: numbers begin with 1; free in shop.A: "
       "1)"},
      {"option with a slip", "service S { rpc R(A) returns (A) {\n option (parley.qeue) = {};\n} } message A {}",
       "shop.proto:3:9: error: Option \"(parley.qeue)\" unknown."},
      {"field of an option",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {keey: \"x\"}; } } message A {}",
       "shop.proto:2:73: error: Error while parsing option value for \"queue\": Message type \"parley.Queue\" has no "
       "field named \"keey\"."
       " (hint: did you mean `key`?)"},
      {"no end", "message A {\n  string x = 1;\n",
       "shop.proto:4:1: error: Reached end of input in message definition (missing '}'). (hint: a `}` is missing"},
      {"enum without a zero", "enum E {\n  A = 1;\n}",
       "shop.proto:3:7: error: The first enum value must be zero in proto3. (hint: proto3: begin"},
  };
  for (const Case& c : cases) {
    const Loaded loaded = load_text("\n" + std::string(c.text));
    EXPECT_EQ(loaded.contract, nullptr) << c.name;
    ASSERT_FALSE(loaded.diagnostics.empty()) << c.name;
    EXPECT_TRUE(loaded.diagnostics[0].text().starts_with(c.want)) << c.name << "\n" << all_text(loaded.diagnostics);
  }
}

TEST(Load, ShowsTheLineAndACaret) {
  const Loaded loaded = load_text("\nmessage A {\n\tOder x = 1;\n}");
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_EQ(loaded.diagnostics[0].source, "\tOder x = 1;");
  EXPECT_TRUE(loaded.diagnostics[0].text_with_source().ends_with("\n    \tOder x = 1;\n    \t^"))
      << loaded.diagnostics[0].text_with_source();
}

TEST(Load, AnOptionWhoseImportIsMissingNamesTheImport) {
  const Loaded loaded = load_text(
      "syntax = \"proto3\";\nservice S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\"}; } } message "
      "A {}",
      false);
  ASSERT_FALSE(loaded.diagnostics.empty());
  EXPECT_EQ(loaded.diagnostics[0].hint, "add `import \"google/api/annotations.proto\";`")
      << all_text(loaded.diagnostics);
}

TEST(Load, OneBrokenFileDoesNotHideTheErrorsOfAnother) {
  const Folder folder;
  folder.write("a.proto", "syntax = \"proto3\";\nmessage A { string x; }\n");
  folder.write("b.proto", "syntax = \"proto3\";\nmessage B { Nothing x = 1; }\n");
  folder.write("c.proto",
               "syntax = \"proto3\";\nimport \"a.proto\";\nmessage C { A a = 1; }\n");  // not an error of its own
  const Loaded loaded = load({folder.path()});
  ASSERT_EQ(loaded.diagnostics.size(), 2U) << all_text(loaded.diagnostics);
  EXPECT_TRUE(loaded.diagnostics[0].file.ends_with("a.proto"));
  EXPECT_TRUE(loaded.diagnostics[1].file.ends_with("b.proto"));
  EXPECT_EQ(loaded.files.size(), 3U);
}

TEST(Load, ImportsInACircleAreShown) {
  const Folder folder;
  folder.write("a.proto", "syntax = \"proto3\";\nimport \"b.proto\";\n");
  folder.write("b.proto", "syntax = \"proto3\";\nimport \"a.proto\";\n");
  const Loaded loaded = load({folder.path()});
  ASSERT_EQ(loaded.diagnostics.size(), 1U) << all_text(loaded.diagnostics);
  EXPECT_EQ(loaded.diagnostics[0].message, "imports go round in a circle: a.proto -> b.proto -> a.proto");
  EXPECT_EQ(loaded.diagnostics[0].line, 2);
}

TEST(Load, RootsAreSearchedInTurn) {
  const Folder one;
  const Folder two;
  one.write("a.proto", "syntax = \"proto3\"; package p; import \"lib/b.proto\"; message A { B b = 1; }");
  two.write("lib/b.proto", "syntax = \"proto3\"; package p; message B {}");
  two.write("a.proto", "this is hidden by the first root");
  const Loaded loaded = load({one.path(), two.path()});
  ASSERT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  EXPECT_NE(loaded.contract->pool().FindMessageTypeByName("p.B"), nullptr);
}

TEST(Load, ACopyOfABuiltInFileInAFolderOfItsOwnDoesNoHarm) {
  const Folder folder;
  folder.write("third_party/google/api/annotations.proto", built_in_text("google/api/annotations.proto"));
  folder.write("third_party/google/api/http.proto", built_in_text("google/api/http.proto"));
  folder.write("a.proto",
               "syntax = \"proto3\"; import \"google/api/annotations.proto\"; message A {}\n"
               "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\"}; } }");
  const Loaded loaded = load({folder.path()});
  ASSERT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  EXPECT_TRUE(loaded.contract->router().match("GET", "/a").has_value());
}

TEST(Load, RefusesWhatIsNoContract) {
  const Folder folder;
  folder.write("one.proto", "syntax = \"proto3\";");
  folder.write("garbage.bin", "this is not a descriptor set");
  const Folder empty;
  EXPECT_EQ(load({empty.path() / "nothing"}).diagnostics.at(0).message, "there is no such folder or file");
  EXPECT_EQ(load({empty.path()}).diagnostics.at(0).message, "holds no .proto file");
  EXPECT_EQ(load({folder.path() / "garbage.bin"}).diagnostics.at(0).message, "is not a descriptor set");
  EXPECT_FALSE(load({folder.path() / "one.proto"}).diagnostics.empty());
  EXPECT_FALSE(load({}).diagnostics.empty());
}

std::vector<std::string> descriptors_of(const Contract& contract) {
  std::vector<std::string> out;
  for (const auto* file : contract.files()) {
    google::protobuf::FileDescriptorProto proto;
    file->CopyTo(&proto);
    out.push_back(proto.SerializeAsString());
  }
  return out;
}

TEST(Load, ADescriptorSetAndReflectionGiveTheSameContract) {
  const Loaded text = load({std::filesystem::path(PARLEY_SOURCE_DIR) / "examples/shop/contracts"});
  ASSERT_NE(text.contract, nullptr);
  std::vector<std::string> files = descriptors_of(*text.contract);
  google::protobuf::FileDescriptorSet set;
  for (const std::string& f : files) set.add_file()->ParseFromString(f);
  const Folder folder;
  folder.write("shop.pb", set.SerializeAsString());
  std::reverse(files.begin(), files.end());  // an upstream sends them in any order
  for (const Loaded& loaded : {load({folder.path() / "shop.pb"}), load_descriptors(files)}) {
    ASSERT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
    EXPECT_EQ(loaded.contract->method_count(), text.contract->method_count());
    EXPECT_TRUE(loaded.contract->router().match("GET", "/v1/orders/7").has_value());
  }
}

TEST(Load, BrokenDescriptorsAreErrors) {
  EXPECT_FALSE(load_descriptors({"\xff\xff"}).diagnostics.empty());
  google::protobuf::FileDescriptorProto proto;
  proto.set_name("a.proto");
  proto.add_dependency("b.proto");
  const Loaded loaded = load_descriptors({proto.SerializeAsString()});
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_EQ(loaded.diagnostics[0].message, "import `b.proto` was not found");
}

// 2,000 messages and 500 rpcs: 50 files that import one another.
TEST(Load, ALargeContractLoadsInTime) {
  const Folder folder;
  for (int f = 0; f < 50; ++f) {
    std::string text = "syntax = \"proto3\";\n// A file.\npackage big.p" + std::to_string(f) +
                       ";\nimport \"google/api/annotations.proto\";\n";
    if (f > 0) text += "import \"f" + std::to_string(f - 1) + ".proto\";\n";
    for (int m = 0; m < 40; ++m) {
      text += "// Message " + std::to_string(m) + ".\nmessage M" + std::to_string(m) +
              " {\n  // A name.\n  string name = 1;\n";
      for (int k = 2; k < 10; ++k)
        text += "  // A field.\n  int32 some_field_" + std::to_string(k) + " = " + std::to_string(k) + ";\n";
      text += "  repeated M" + std::to_string((m + 1) % 40) + " children = 10;\n";
      if (f > 0) text += "  big.p" + std::to_string(f - 1) + ".M" + std::to_string(m) + " other = 11;\n";
      text += "}\n";
    }
    text += "service S {\n";
    for (int r = 0; r < 10; ++r) {
      const std::string n = std::to_string(r);
      text += "  rpc R" + n + "(M" + n + ") returns (M1) { option (google.api.http) = {get: \"/v" + std::to_string(f) +
              "/{name=r" + n + "/*}\"}; }\n";
    }
    folder.write("f" + std::to_string(f) + ".proto", text + "}\n");
  }
  double best = 1e9;  // seconds of CPU: others may be busy, too
  for (int round = 0; round < 3; ++round) {
    const std::clock_t start = std::clock();
    const Loaded loaded = load({folder.path()});
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    ASSERT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
    EXPECT_EQ(loaded.contract->method_count(), 500U);
  }
  std::printf("load: %.0f ms for 2,000 messages and 500 rpcs\n", best * 1000);
  EXPECT_LT(best, 10);  // a debug build under sanitizers
}

}  // namespace
}  // namespace parley::contract
