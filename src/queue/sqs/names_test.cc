#include "queue/sqs/names.h"

#include <gtest/gtest.h>

namespace parley::queue::sqs {
namespace {

TEST(Names, OfQueues) {
  const Result<Names> plain = names_of({"shop.Mailer/SendMail", ""}, "", false);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->main + " " + plain->dead + " " + plain->later,
            "shop-Mailer-SendMail shop-Mailer-SendMail-dead shop-Mailer-SendMail-later");
  const Result<Names> keyed = names_of({"shop.Mailer/SendMail", ""}, "prod-", true);
  ASSERT_TRUE(keyed.has_value());
  EXPECT_EQ(keyed->main + " " + keyed->dead, "prod-shop-Mailer-SendMail.fifo prod-shop-Mailer-SendMail-dead");
}

TEST(Names, OfTopics) {
  EXPECT_EQ(topic_name("orders", "", true).value(), "orders-topic.fifo");
  EXPECT_EQ(names_of({"orders", "shop.Mailer"}, "", true)->main, "orders--shop-Mailer.fifo");
  EXPECT_EQ(names_of({"orders", "shop.Mailer"}, "", true)->dead, "orders--shop-Mailer-dead");
  EXPECT_TRUE(names_of({"orders", "mailer"}, "p-", false)->main.starts_with(groups_prefix("orders", "p-")));
  EXPECT_FALSE(topic_name(std::string(75, 'x'), "", false).has_value());
}

TEST(Names, EightyCharactersAreTheMost) {
  EXPECT_TRUE(names_of({std::string(74, 'x'), ""}, "", true).has_value());
  EXPECT_FALSE(names_of({std::string(75, 'x'), ""}, "", false).has_value()) << "with -later behind it";
  EXPECT_FALSE(names_of({std::string(70, 'x'), ""}, "prod-", false).has_value());
  for (const std::string_view bad : {"", "a b", "a:b", "\xc3\xa9"}) {
    EXPECT_FALSE(names_of({std::string(bad), ""}, "", false).has_value()) << bad;
  }
}

TEST(Names, BackFromSqs) {
  struct Case {
    std::string_view sqs_name;
    std::string_view expect;
  };
  const Case cases[] = {{"p-shop-Mailer-SendMail", "shop-Mailer-SendMail"},
                        {"p-shop-Mailer-SendMail.fifo", "shop-Mailer-SendMail"},
                        {"p-orders--mailer.fifo", "orders (group mailer)"},
                        {"p-shop-Mailer-SendMail-dead", "none"},
                        {"p-shop-Mailer-SendMail-later", "none"},
                        {"p-orders-topic.fifo", "none"},
                        {"other", "none"}};
  for (const Case& c : cases) {
    const std::optional<Source> got = source_of(c.sqs_name, "p-");
    EXPECT_EQ(got ? label_of(*got) : "none", c.expect) << c.sqs_name;
  }
}

}  // namespace
}  // namespace parley::queue::sqs
