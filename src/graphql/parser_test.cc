#include <gtest/gtest.h>

#include "graphql/document.h"
#include "graphql/schema_fixture.h"

namespace parley::graphql {
namespace {

// "ok", or "message (line:column)".
std::string parsed(std::string_view source, const ParseLimits& limits = {}) {
  const auto document = Document::parse(source, limits);
  if (document) return "ok";
  std::string out = text_of({document.error()});
  out.pop_back();
  return out;
}

TEST(GraphqlParser, SyntaxErrors) {
  const struct {
    const char* name;
    std::string_view source;
    const char* want;
  } cases[] = {
      {"nothing", "", "Syntax Error: Unexpected <EOF>. (1:1)"},
      {"a brace that is open", "{", "Syntax Error: Expected Name, found <EOF>. (1:2)"},
      {"an empty selection", "{ a {} }", "Syntax Error: Expected Name, found \"}\". (1:6)"},
      {"a keyword that is none", "notAnOperation Foo { a }", "Syntax Error: Unexpected Name \"notAnOperation\". (1:1)"},
      {"a fragment called on", "fragment on on on { on }", "Syntax Error: Unexpected Name \"on\". (1:10)"},
      {"a fragment without a type", "{ ...MissingOn }\nfragment MissingOn Type",
       "Syntax Error: Expected \"on\", found Name \"Type\". (2:20)"},
      {"a bare spread", "...", "Syntax Error: Unexpected \"...\". (1:1)"},
      {"two dots", "{ ..a }", "Syntax Error: Unexpected character: \".\". (1:3)"},
      {"a text where a name is due", "{ \"\" }", "Syntax Error: Expected Name, found String \"\". (1:3)"},
      {"a variable in a default", "query Q($a: I = $b) { c }",
       "Syntax Error: Unexpected variable \"$b\" in constant value. (1:17)"},
      {"arguments that end", "{ a(b: ) }", "Syntax Error: Unexpected \")\". (1:8)"},
      {"a single quote", "{ a(b: 'c') }",
       "Syntax Error: Unexpected single quote character ('), did you mean to use a double quote (\")? (1:8)"},
      {"a control character", std::string_view("{ \0 }", 5), "Syntax Error: Unexpected character: U+0000. (1:3)"},
      {"a character beyond ASCII", "{ \xf0\x9f\x98\x80 }", "Syntax Error: Unexpected character: U+1F600. (1:3)"},
      {"columns are UTF-16", "{ a(b: \"\xf0\x9f\x98\x80\") ? }", "Syntax Error: Unexpected character: \"?\". (1:14)"},
      {"a carriage return and a line feed are one line end", "{\r\n\r?",
       "Syntax Error: Unexpected character: \"?\". (3:1)"},
      {"a number with a zero too many", "{ a(b: 00) }",
       "Syntax Error: Invalid number, unexpected digit after 0: \"0\". (1:9)"},
      {"a number that ends in a point", "{ a(b: 1.) }",
       "Syntax Error: Invalid number, expected digit but got: \")\". (1:10)"},
      {"a number with a letter", "{ a(b: 1x) }", "Syntax Error: Invalid number, expected digit but got: \"x\". (1:9)"},
      {"a minus alone", "{ a(b: -) }", "Syntax Error: Invalid number, expected digit but got: \")\". (1:9)"},
      {"a text without an end", "{ a(b: \"c", "Syntax Error: Unterminated string. (1:10)"},
      {"a text over two lines", "{ a(b: \"c\n\") }", "Syntax Error: Unterminated string. (1:10)"},
      {"an escape that is none", "{ a(b: \"\\x\") }",
       "Syntax Error: Invalid character escape sequence: \"\\x\". (1:9)"},
      {"half a surrogate pair", "{ a(b: \"\\uD83Dx\") }",
       "Syntax Error: Invalid Unicode escape sequence: \"\\uD83D\". (1:9)"},
      {"a code point that is too large", "{ a(b: \"\\u{110000}\") }",
       "Syntax Error: Invalid Unicode escape sequence: \"\\u{110000}\". (1:9)"},
      {"a block string without an end", "{ a(b: \"\"\"c", "Syntax Error: Unterminated string. (1:12)"},
      {"a described shorthand", "\"x\" { a }",
       "Syntax Error: Unexpected description, descriptions are not supported on shorthand queries. (1:1)"},
      {"a described keyword that is none", "\"x\" extend type A { b: C }",
       "Syntax Error: Unexpected description, only GraphQL definitions support descriptions. (1:1)"},
      {"source that is not UTF-8", "{ \xff }", "Syntax Error: Source is not UTF-8."},
      {"an empty list of variables", "query Q() { a }", "Syntax Error: Expected \"$\", found \")\". (1:9)"},
      {"an enum value called null", "enum E { null }",
       "Syntax Error: Name \"null\" is reserved and cannot be used for an enum value. (1:10)"},
  };
  for (const auto& c : cases) EXPECT_EQ(parsed(c.source), c.want) << c.name;
}

TEST(GraphqlParser, AllThatIsAllowed) {
  const char* const cases[] = {
      "{ a }",
      "\xef\xbb\xbf{ a, b,,c }",
      "query Q($a: [Int!]! = [1, 2] @d, $b: E = {x: 1}) @e(f: $a) { g: h(i: -1.5e+3, j: null, k: true) @l { m } }",
      "subscription S { a { ...F ... on T @x { b } ... @include(if: true) { c } } } fragment F on T { query on type }",
      "\"\"\"says what\"\"\" query Q(\"and this\" $a: Int) { b } \"too\" fragment F on T { c }",
      "type A implements B & C @d { \"x\" e(f: G = 1): [H!] } extend schema @x union U = | A | B scalar S",
      "directive @a(b: C) repeatable on | FIELD | QUERY input I { a: B = {c: 1} } enum E { A B @c }",
      "{ a(b: {c: [], d: {}, e: $f}) } # a comment, \xf0\x9f\x98\x80",
  };
  for (const char* source : cases) EXPECT_EQ(parsed(source), "ok") << source;
}

TEST(GraphqlParser, Strings) {
  const struct {
    const char* source;
    std::string_view want;
  } cases[] = {
      {R"("plain")", "plain"},
      {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
      {R"("\u00e9\u{1F600}\uD83D\uDE00")", "\xc3\xa9\xf0\x9f\x98\x80\xf0\x9f\x98\x80"},
      {R"("""""")", ""},
      {"\"\"\"\n    one\n      two\n\n    three \\\"\"\"\n  \"\"\"", "one\n  two\n\nthree \"\"\""},
      {"\"\"\"first\r\n  second\r  third\"\"\"", "first\nsecond\nthird"},
      {"\"\"\"  kept\"\"\"", "  kept"},
  };
  for (const auto& c : cases) {
    Arena arena;
    const auto value = parse_value(c.source, arena);
    ASSERT_TRUE(value) << c.source << value.error().message;
    EXPECT_EQ((*value)->text, c.want) << c.source;
  }
}

TEST(GraphqlParser, ValuesArePrintedAsGraphqlJsDoes) {
  const char* const cases[] = {"[1, -2.5e3, \"a\\n\\u007F\\u0080\", E, {a: null, b: [true]}]", "[]", "{}",
                               "\"\"\"one line\"\"\"", "\"\"\"\ntwo\nlines\n\"\"\""};
  for (const char* source : cases) {
    Arena arena;
    std::string out;
    print(**parse_value(source, arena), out);
    EXPECT_EQ(out, source);
  }
}

TEST(GraphqlParser, Limits) {
  const ParseLimits few{.max_tokens = 5, .max_depth = 200};
  EXPECT_EQ(parsed("{ a b c }", few), "ok");
  EXPECT_EQ(parsed("{ a b c d }", few), "Syntax Error: Document contains more that 5 tokens. Parsing aborted. (1:11)");
  const ParseLimits flat{.max_tokens = 1000, .max_depth = 3};
  EXPECT_EQ(parsed("{ a { b { c } } }", flat), "ok");
  EXPECT_EQ(parsed("{ a { b { c { d } } } }", flat),
            "Syntax Error: Document is nested deeper than 3 levels. Parsing aborted. (1:15)");
  EXPECT_EQ(parsed("{ a(b: [[[1]]]) }", flat),
            "Syntax Error: Document is nested deeper than 3 levels. Parsing aborted. (1:11)");
  std::string deep = "query($a: ";
  for (int i = 0; i < 40; ++i) deep += '[';
  EXPECT_EQ(parsed(deep + "Int" + std::string(40, ']') + ") { b }"),
            "Syntax Error: Type has more than 30 lists and non-nulls. Parsing aborted. (1:20)");
}

TEST(GraphqlParser, Operations) {
  const auto two = *Document::parse("query A { a } mutation B { b } fragment F on T { c }");
  EXPECT_EQ((*two->operation("B"))->kind, OperationKind::mutation);
  EXPECT_EQ(two->operation("").error().message, "Must provide operation name if query contains multiple operations.");
  EXPECT_EQ(two->operation("C").error().message, "Unknown operation named \"C\".");
  const auto one = *Document::parse("{ a { b } }");
  EXPECT_TRUE((*one->operation(""))->name.text.empty());
  EXPECT_EQ(one->depth(), 2U);
  EXPECT_EQ(one->token_count(), 6U);
  EXPECT_EQ((*Document::parse("fragment F on T { c }"))->operation("").error().message, "Must provide an operation.");
}

}  // namespace
}  // namespace parley::graphql
