#include "contract/path_template.h"

#include <gtest/gtest.h>

namespace parley::contract {
namespace {

// "orders/*/**:verb {name 0+2 multi}": everything the parser found, as text.
std::string describe(const PathTemplate& t) {
  std::string out;
  for (const Segment& s : t.segments) {
    out += out.empty() ? "" : "/";
    out += s.kind == Segment::Kind::any ? "*" : s.kind == Segment::Kind::rest ? "**" : "'" + s.text + "'";
  }
  if (!t.colon_verb.empty()) out += " :" + t.colon_verb;
  for (const PathVariable& v : t.variables) {
    out += " {" + v.field_path + " " + std::to_string(v.first) + "+" + std::to_string(v.count) +
           (v.multi ? " multi}" : "}");
  }
  return out;
}

TEST(PathTemplate, Parses) {
  struct Case {
    const char* name;
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"literals", "/v1/orders", "'v1'/'orders'"},
      {"the root", "/", "''"},
      {"a variable takes one segment", "/v1/{id}", "'v1'/* {id 1+1}"},
      {"an explicit star is the same", "/v1/{id=*}", "'v1'/* {id 1+1}"},
      {"a variable of two segments", "/v1/{name=orders/*}", "'v1'/'orders'/* {name 1+2 multi}"},
      {"nested field", "/v1/{order.name=orders/*}", "'v1'/'orders'/* {order.name 1+2 multi}"},
      {"several variables", "/v1/{a}/b/{c=d/*}", "'v1'/*/'b'/'d'/* {a 1+1} {c 3+2 multi}"},
      {"a verb", "/v1/{name=orders/*}:cancel", "'v1'/'orders'/* :cancel {name 1+2 multi}"},
      {"a verb after a literal", "/v1/orders:import", "'v1'/'orders' :import"},
      {"double star at the end", "/v1/{path=**}", "'v1'/** {path 1+1 multi}"},
      {"double star in a longer variable", "/v1/{path=files/**}", "'v1'/'files'/** {path 1+2 multi}"},
      {"double star before a tail", "/v1/{path=**}/raw", "'v1'/**/'raw' {path 1+1 multi}"},
      {"bare wildcards", "/v1/*/x/**", "'v1'/*/'x'/**"},
      {"a variable that is a literal", "/v1/{kind=orders}", "'v1'/'orders' {kind 1+1}"},
      {"encoded literals are decoded", "/v1/caf%C3%A9", "'v1'/'caf\xC3\xA9'"},
      {"an encoded colon is no verb", "/v1/a%3Ab", "'v1'/'a:b'"},
      {"full names", "/shop.Orders/GetOrder", "'shop.Orders'/'GetOrder'"},
      {"underscores and digits", "/v1/{a_1.b2}", "'v1'/* {a_1.b2 1+1}"},
  };
  for (const Case& c : cases) {
    const auto got = parse_path_template(c.text);
    ASSERT_TRUE(got.has_value()) << c.name << ": " << got.error().message;
    EXPECT_EQ(describe(*got), c.want) << c.name;
  }
}

TEST(PathTemplate, RefusesWithThePlace) {
  struct Case {
    const char* text;
    std::size_t offset;
    const char* message;
  };
  const Case cases[] = {
      {"", 0, "a path begins with `/`"},
      {"v1/orders", 0, "a path begins with `/`"},
      {"/v1/", 4, "an empty segment"},
      {"/v1//orders", 4, "an empty segment"},
      {"/v1/{name", 9, "`{name` is not closed"},
      {"/v1/{}", 5, "a field's name is missing"},
      {"/v1/{1a}", 5, "a field's name is missing"},
      {"/v1/{a.}", 7, "a field's name is missing"},
      {"/v1/{name=}", 10, "`}` closes no variable"},
      {"/v1/{a={b}}", 7, "a variable inside a variable"},
      {"/v1/{a}/{a}", 9, "`a` stands twice"},
      {"/v1/x{a}", 5, "a variable must be a whole segment"},
      {"/v1/{a}x", 7, "`x` does not belong into a path"},
      {"/v1/x*", 5, "`*` must be a whole segment"},
      {"/v1/***", 6, "`*` must be a whole segment"},
      {"/v1/**/**", 9, "a second `**`"},
      {"/v1/a:b/c", 7, "a verb in the middle of a path"},
      {"/v1/:cancel", 4, "a verb follows a slash"},
      {"/v1/orders:", 11, "a verb is missing after the colon"},
      {"/v1/a:b:c", 7, "`:` does not belong into a path"},
      {"/v1/{a:b}", 6, "a verb inside a variable"},
      {"/v1/{a=b:c}", 8, "a verb inside a variable"},
      {"/v1/a b", 5, "` ` does not belong into a path"},
      {"/v1/a?b=c", 5, "`?` does not belong into a path"},
      {"/v1/a#b", 5, "`#` does not belong into a path"},
      {"/v1/a}", 5, "`}` closes no variable"},
      {"/v1/%zz", 7, "a percent-encoding that is not `%` and two hexadecimal digits"},
      {"/v1/a%2", 7, "a percent-encoding that is not `%` and two hexadecimal digits"},
  };
  for (const Case& c : cases) {
    const auto got = parse_path_template(c.text);
    ASSERT_FALSE(got.has_value()) << c.text;
    EXPECT_EQ(got.error().message, c.message) << c.text;
    EXPECT_EQ(got.error().offset, c.offset) << c.text;
  }
}

TEST(PercentEncoding, DecodesAndKeepsSlashesWhereAsked) {
  EXPECT_EQ(percent_decode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decode("a%20b%2Fc%2fd", true), "a b%2Fc%2fd");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  EXPECT_EQ(percent_decode("+"), "+");  // a plus is a space in forms only
  EXPECT_EQ(percent_decode("%"), std::nullopt);
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("%g0"), std::nullopt);
  EXPECT_EQ(percent_encode("a b/\xC3\xA9~"), "a%20b%2F%C3%A9~");
}

}  // namespace
}  // namespace parley::contract
