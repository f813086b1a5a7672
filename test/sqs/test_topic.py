"""Topics: every group has a queue of its own, which the topic's events are handed on to."""

import rig


class Topic(rig.Case):
    def setUp(self):
        super().setUp()
        self.topic = self.queue.replace("shop.Mailer/Send", "orders")

    def declare_topic(self, *groups, keyed=True, driver=None, earliest=False):
        (driver or self.driver).call("declare", queues=[], topics=[
            {"name": self.topic, "keyed": keyed, "groups": [{"group": group, "earliest": earliest} for group in groups]}])

    def publish_event(self, number, key="", driver=None):
        return (driver or self.driver).call("publish", queue=self.topic, message=rig.message(number, key=key))

    def take(self, group, driver=None, **parameters):
        return (driver or self.driver).call("lease", queue=self.topic, group=group, **parameters)["deliveries"]

    def end(self, delivery, group, how="done", **parameters):
        self.driver.call("settle", queue=self.topic, group=group, lease=delivery["lease"], how=how, **parameters)

    def take_all(self, group, count):
        seen = []
        while len(seen) < count:
            got = self.take(group, max=16)
            self.assertTrue(got, f"{group} has {len(seen)} of {count}")
            for each in got:
                seen.append((each["message"]["key"], int(each["message"]["id"])))
                self.end(each, group)
        return seen

    def test_each_group_gets_each_event_in_the_order_of_its_key(self):
        self.declare_topic("mailer", "stock")
        for i in range(18):
            self.publish_event(i, key=f"k{i % 3}")
        for group in ("mailer", "stock"):
            seen = self.take_all(group, 18)
            self.assertEqual(sorted(number for _, number in seen), list(range(18)))
            for key in ("k0", "k1", "k2"):
                numbers = [number for each, number in seen if each == key]
                self.assertEqual(numbers, sorted(numbers))
            self.assertEqual(self.take(group, wait=1200), [])

    def test_groups_settle_by_themselves(self):
        self.declare_topic("mailer", "stock", keyed=False)
        self.publish_event(1)
        self.end(self.take("mailer")[0], "mailer", "dead", reason="no")
        self.end(self.take("stock")[0], "stock", "retry")
        self.assertEqual(self.take("stock")[0]["attempt"], 2)
        self.until(lambda: self.driver.call("stats", queue=self.topic, group="mailer")["dead"] == 1)
        self.until(lambda: self.driver.call("stats", queue=self.topic, group="stock")["dead"] == 0)
        self.assertEqual(self.driver.call("redrive", queue=self.topic, group="mailer")["count"], 1)
        self.assertEqual(self.take("mailer")[0]["message"]["id"], "1")

    def test_events_wait_for_whoever_hands_them_on(self):
        self.declare_topic("mailer")
        publisher = self.new_driver()
        for i in range(3):
            self.publish_event(i, key="k", driver=publisher)
        self.until(lambda: publisher.call("stats", queue=self.topic)["waiting"] == 3)
        self.assertEqual([number for _, number in self.take_all("mailer", 3)], [0, 1, 2])
        self.until(lambda: publisher.call("stats", queue=self.topic)["waiting"] == 0)

    def test_where_groups_begin(self):
        self.declare_topic(earliest=True)
        self.publish_event(1)
        self.declare_topic("early", earliest=True)
        self.assertEqual(self.take_all("early", 1), [("", 1)])
        refused = self.refused("declare", queues=[], topics=[
            {"name": self.topic, "keyed": True, "groups": [{"group": "early", "earliest": True}, {"group": "second", "earliest": True}]}])
        self.assertEqual((refused.code, refused.reason), ("failed_precondition", "not_by_this_backend"))
        self.assertIn("group second would begin at the earliest event", refused.message)

    def test_a_group_that_begins_at_the_latest(self):
        self.declare_topic("early")
        self.publish_event(1)
        self.assertEqual(self.take_all("early", 1), [("", 1)])
        self.declare_topic("early", "late")
        other = self.new_driver()  # whose relay knows of both at once
        self.driver.call("reopen")
        self.publish_event(2)
        self.assertEqual(other.call("lease", queue=self.topic, group="late")["deliveries"][0]["message"]["id"], "2")

    def test_plain_users(self):
        self.declare_topic("mailer", "stock")
        plain = rig.plain_client()
        url = plain.get_queue_url(QueueName=f"{self.topic}-topic.fifo")["QueueUrl"]
        plain.send_message(QueueUrl=url, MessageBody='{"order_id":"7"}', MessageGroupId="c7", MessageDeduplicationId="1")
        got = self.take("mailer")[0]
        self.assertEqual((got["message"]["key"], rig.payload_of(got)), ("c7", b'{"order_id":"7"}'))
        url = plain.get_queue_url(QueueName=f"{self.topic}--stock.fifo")["QueueUrl"]
        found = []
        self.until(lambda: found.extend(plain.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])) or found)
        got = found[0]
        self.assertEqual(got["Body"], '{"order_id":"7"}')

    def test_what_a_topic_cannot_do(self):
        self.declare_topic("mailer")
        self.assertEqual(self.refused("read", queue=self.topic).reason, "not_by_this_backend")
        self.assertEqual(self.refused("publish", queue=self.topic, message=rig.message(1), due_in=60_000).reason, "not_by_this_backend")
        self.assertEqual(self.refused("lease", queue=self.topic).code, "invalid_argument")
        self.assertEqual(self.refused("lease", queue=self.topic, group="nobody").code, "not_found")

    def test_list(self):
        self.declare_topic("mailer")
        self.assertIn(f"{self.topic}/mailer", self.driver.call("list")["queues"])
