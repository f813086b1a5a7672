"""What is asked of SQS at start-up: created, taken over, or refused with a reason."""

import rig


class Declare(rig.Case):
    def test_queues_are_made_with_those_beside_them(self):
        self.declare(keyed=True, lease=45_000)
        attributes = rig.plain_client().get_queue_attributes(QueueUrl=self.sqs_url(".fifo"), AttributeNames=["All"])["Attributes"]
        self.assertEqual((attributes["FifoQueue"], attributes["VisibilityTimeout"]), ("true", "45"))
        self.sqs_url("-dead")
        self.sqs_url("-later")

    def test_changes_are_taken_over(self):
        self.declare(lease=30_000)
        self.declare(lease=60_000)
        attributes = rig.plain_client().get_queue_attributes(QueueUrl=self.sqs_url(), AttributeNames=["All"])["Attributes"]
        self.assertEqual(attributes["VisibilityTimeout"], "60")

    def test_what_sqs_cannot_do_is_refused(self):
        cases = [({"dedup": 24 * 3_600_000}, "5 minutes"), ({"ttl": 15 * 24 * 3_600_000}, "14 days"), ({"lease": 13 * 3_600_000}, "12 hours"),
                 ({"retry_max": 13 * 3_600_000}, "12 hours"), ({"name": "shop.Mailer/" + "x" * 80}, "80 characters"),
                 ({"name": "shop.Mailer/é"}, "letters")]
        for options, why in cases:
            with self.subTest(why):
                refused = self.refused("declare", queues=[{"name": self.queue, **options}])
                self.assertEqual((refused.code, refused.reason), ("failed_precondition", "not_by_this_backend"))
                self.assertIn(why, refused.message)

    def test_every_refusal_has_its_line(self):
        topic = {"name": "orders ", "keyed": False, "groups": []}
        refused = self.refused("declare", topics=[topic], queues=[{"name": "a.B/C", "dedup": 10**9}, {"name": "a.B/D"}, {"name": "a/B.D"}])
        self.assertEqual(len(refused.message.splitlines()), 3)
        self.assertIn("topic orders : SQS takes letters", refused.message)
        self.assertIn("one queue for it and a.B/D", refused.message)

    def test_a_queue_that_does_not_exist(self):
        refused = self.refused("publish", queue="shop.Nobody/Knows", message=rig.message("a"))
        self.assertEqual(refused.code, "not_found")

    def test_no_server(self):
        driver = self.new_driver("sqs+http://127.0.0.1:9?region=eu-west-1")
        refused = self.refused("declare", driver=driver, queues=[{"name": self.queue}])
        self.assertEqual(refused.code, "unavailable")
        self.assertIn("127.0.0.1:9", refused.message)
        self.assertNotIn(rig.KEYS["AWS_SECRET_ACCESS_KEY"], refused.message)
