#include "contract/comments.h"

#include <gtest/gtest.h>

namespace parley::contract {
namespace {

TEST(Comments, LoseWhatTheSourceAdds) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {" One line.\n", "One line."},
      {" Two\n lines.\n", "Two\nlines."},
      {"\n With empty lines around.  \n\n", "With empty lines around."},
      {" A list:\n   - indented\n", "A list:\n  - indented"},
      {" A paragraph.\n\n Another.\n", "A paragraph.\n\nAnother."},
      {"\n\n\n", ""},
      {"no end of line", "no end of line"},
  };
  for (const auto& [raw, want] : cases) EXPECT_EQ(clean_comment(raw), want) << raw;
}

TEST(Comments, BeginWithASentence) {
  const std::pair<const char*, const char*> cases[] = {
      {"Returns one order.", "Returns one order"},
      {"Places an order. Sent again, it answers.", "Places an order"},
      {"Version 1.2 of it. More.", "Version 1.2 of it"},
      {"Wrapped\nover lines. More.", "Wrapped over lines"},
      {"A title\n\nA paragraph.", "A title"},
      {"", ""},
  };
  for (const auto& [comment, want] : cases) EXPECT_EQ(first_sentence(comment), want) << comment;
}

TEST(Comments, NamesAsWords) {
  const std::pair<const char*, const char*> cases[] = {{"ListOrders", "List orders"},
                                                       {"Get", "Get"},
                                                       {"BatchGetOrders", "Batch get orders"},
                                                       {"GetURL", "Get URL"},
                                                       {"getIt", "get it"}};
  for (const auto& [name, want] : cases) EXPECT_EQ(spaced_name(name), want);
}

}  // namespace
}  // namespace parley::contract
