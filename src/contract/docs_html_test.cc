#include "contract/docs_html.h"

#include <gtest/gtest.h>

namespace parley::contract {
namespace {

TEST(DocsHtml, IsOneFile) {
  const std::string& page = docs_html();
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  for (const char* part :
       {"--accent:", "function fieldRow(", "function buildRequest(", "function tryForm(", "start();", "function h("}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
}

TEST(DocsHtml, AsksTheNetworkForNothingElse) {
  const std::string& page = docs_html();
  for (const char* part : {"src=\"", "rel=\"stylesheet\"", "@import", "url(", "https://", "//cdn"}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
}

TEST(DocsHtml, NoScriptEndsEarly) {
  // Each script has one end: a closing tag in a string would cut it.
  const std::string& page = docs_html();
  const auto count = [&](const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = page.find(what); at != std::string::npos; at = page.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<script>"), 5U);
  EXPECT_EQ(count("</script"), 5U);
}

}  // namespace
}  // namespace parley::contract
