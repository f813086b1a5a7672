#include "base/nearest.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(Nearest, FindsSlipsOfTheFingersOnly) {
  const std::vector<std::string> names = {"name", "order_id", "customer", "id", "shop.Orders/GetOrder"};
  const struct {
    const char* name;
    const char* typed;
    const char* want;
  } cases[] = {
      {"the same", "name", "name"},
      {"a service of parley.yaml", "costumer", "customer"},
      {"swapped letters", "nmae", "name"},
      {"a letter too few", "custmer", "customer"},
      {"a letter too many", "custoomer", "customer"},
      {"another case", "Order_ID", "order_id"},
      {"an underscore left out", "orderid", "order_id"},
      {"a long name with two slips", "shop.Order/GetOder", "shop.Orders/GetOrder"},
      {"something else", "price", ""},
      {"nothing", "", ""},
      {"too short to guess", "x", ""},
      {"short, but it begins alike", "i", "id"},
  };
  for (const auto& c : cases) EXPECT_EQ(nearest(c.typed, names).value_or(""), c.want) << c.name;
  EXPECT_FALSE(nearest("name", std::vector<std::string>{}));
}

TEST(Nearest, AsksOrSaysOtherwise) {
  const std::vector<std::string> names = {"key"};
  EXPECT_EQ(did_you_mean("keey", names, "x"), "did you mean `key`?");
  EXPECT_EQ(did_you_mean("lease", names, "x"), "x");
}

}  // namespace
}  // namespace parley
