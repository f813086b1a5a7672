"""A queue's life on ElasticMQ: what is published is leased, settled, put off, buried and brought back."""

import time

import rig


class Queue(rig.Case):
    def test_publish_lease_done(self):
        self.declare()
        receipt = self.publish("a", key="k1", payload=b"\x0a\x02hi\x00\xff", metadata=[["x-trace", "1"], ["x-trace", "2"], ["x-b-bin", "\x01é"]])
        self.assertEqual(receipt["id"], "a")
        got = self.lease_one()
        self.assertEqual(rig.payload_of(got), b"\x0a\x02hi\x00\xff")
        self.assertEqual(got["attempt"], 1)
        self.assertEqual({name: got["message"][name] for name in ("id", "key", "type", "source", "content_type")},
                         {"id": "a", "key": "k1", "type": "shop.Mail", "source": "/shop.Mailer/SendMail",
                          "content_type": "application/protobuf"})
        self.assertEqual(got["message"]["metadata"], ["x-trace", "MQ==", "x-trace", "Mg==", "x-b-bin", "AcOp"])
        self.settle(got, "done")
        self.assertEqual(self.lease(wait=1200), [])
        self.until(lambda: self.stats() == {"waiting": 0, "leased": 0, "delayed": 0, "dead": 0, "paused": 0})

    def test_many_at_once_go_in_batches(self):
        self.declare()
        ends = [self.driver.begin("publish", queue=self.queue, message=rig.message(i)) for i in range(57)]
        for end in ends:
            end()
        got = self.lease_all(57)
        self.assertEqual(sorted(int(d["message"]["id"]) for d in got), list(range(57)))
        for end in [self.driver.begin("settle", queue=self.queue, lease=d["lease"], how="done") for d in got]:
            end()
        self.until(lambda: self.stats()["leased"] == 0)

    def test_empty_and_awkward_messages(self):
        self.declare()
        cases = [("no payload", {"payload": b""}), ("text", {"payload": "{\"a\":\"é\"}".encode(), "content_type": "application/json"}),
                 ("text that SQS refuses", {"payload": b"{\"a\":\"\x01\"}", "content_type": "application/json"}),
                 ("text that is not UTF-8", {"payload": b"\xff\xfe", "content_type": "text/plain"}),
                 ("a key that SQS refuses", {"key": "\u0001 \ufffe é" * 60}),
                 ("metadata that SQS refuses", {"metadata": [["x-a", "\u0001\ufffe\U0001f600\""], ["x-e", ""]]})]
        for name, fields in cases:
            with self.subTest(name):
                self.publish(name, **fields)
                got = self.lease_one()
                want = rig.message(name, **fields)
                for field in ("id", "key", "payload"):
                    self.assertEqual(got["message"][field], want[field])
                if "metadata" in fields:
                    import base64
                    flat = [x for n, v in fields["metadata"] for x in (n, base64.b64encode(v.encode()).decode())]
                    self.assertEqual(got["message"]["metadata"], flat)
                self.settle(got, "done")

    def test_too_large_a_message_is_refused(self):
        self.declare()
        self.publish("fits", payload=b"x" * 700_000)
        refused = self.refused("publish", queue=self.queue, message=rig.message("b", payload=b"x" * 800_000))
        self.assertEqual((refused.code, refused.reason), ("resource_exhausted", "message_too_large"))
        self.assertEqual(len(rig.payload_of(self.lease_one())), 700_000)

    def test_attempts_grow_with_retries_and_not_with_releases(self):
        for keyed in (False, True):
            with self.subTest(keyed=keyed):
                self.queue += "x"
                self.declare(keyed=keyed)
                self.publish("a", key="k")
                first = self.lease_one()
                self.settle(first, "retry")
                second = self.lease_one()
                self.assertEqual(second["attempt"], 2)
                self.settle(second, "release")
                again = self.lease_one()
                self.assertEqual(again["attempt"], 2)
                begun = time.monotonic()
                self.settle(again, "retry", delay=2000)
                self.assertEqual(self.lease_one()["attempt"], 3)
                self.assertGreater(time.monotonic() - begun, 0.9)  # SQS has whole seconds

    def test_a_released_message_keeps_its_count_at_another_node(self):
        self.declare()
        self.publish("a")
        self.settle(self.lease_one(), "retry")
        self.settle(self.lease_one(), "release")
        other = self.new_driver()
        self.assertEqual(self.lease(other)[0]["attempt"], 2)

    def test_a_lease_that_ran_out(self):
        self.declare()
        self.publish("a")
        late = self.lease_one(lease=1000)
        again = self.lease_one()
        self.assertEqual(again["attempt"], 2)
        for how in ("done", "retry", "release", "dead"):
            refused = self.refused("settle", queue=self.queue, lease=late["lease"], how=how)
            self.assertEqual((refused.code, refused.reason), ("failed_precondition", "lease_lost"))
        refused = self.refused("extend", queue=self.queue, lease=late["lease"], by=5000)
        self.assertEqual(refused.reason, "lease_lost")
        self.settle(again, "done")
        self.assertEqual(self.refused("settle", queue=self.queue, lease=again["lease"], how="done").reason, "lease_lost")

    def test_an_extended_lease_holds(self):
        self.declare()
        self.publish("a")
        got = self.lease_one(lease=15000)
        self.driver.call("extend", queue=self.queue, lease=got["lease"], by=300000)
        self.assertEqual(self.lease(wait=16000), [])
        self.settle(got, "done")

    def test_a_lease_of_another_process(self):
        self.declare()
        self.publish("a")
        got = self.lease_one()
        other = self.new_driver()
        self.assertEqual(self.refused("settle", driver=other, queue=self.queue, lease=got["lease"], how="dead").reason, "leased_elsewhere")
        self.settle(got, "done", driver=other)
        self.until(lambda: self.stats()["leased"] == 0)

    def test_dead_letters_with_their_reason_and_back(self):
        self.declare(keyed=True)
        begun = time.time()
        for i in range(3):
            self.publish(i, key=f"k{i}", metadata=[["x-a", "b"]])
        for _ in range(3):
            self.settle(self.lease_one(), "dead", reason="INVALID_ARGUMENT: no such customer \u0001")
        self.until(lambda: self.stats()["dead"] == 3)
        dead = self.driver.call("peek", queue=self.queue, shelf="dead")["messages"]
        self.assertEqual(sorted(each["message"]["id"] for each in dead), ["0", "1", "2"])
        for each in dead:
            self.assertEqual(each["reason"], "INVALID_ARGUMENT: no such customer \u0001")
            self.assertEqual(each["attempts"], 1)
            self.assertTrue(begun - 1 <= each["since"] / 1000 <= time.time() + 1, each["since"])
        page = self.driver.call("peek", queue=self.queue, shelf="dead", after=dead[0]["position"])["messages"]
        self.assertEqual([each["position"] for each in page], [each["position"] for each in dead[1:]])
        self.assertEqual(self.driver.call("redrive", queue=self.queue, which=[dead[1]["position"]])["count"], 1)
        back = self.lease_one()
        self.assertEqual((back["message"]["id"], back["attempt"]), (dead[1]["message"]["id"], 1))
        self.assertEqual(back["message"]["metadata"], ["x-a", "Yg=="])
        self.assertEqual(self.driver.call("redrive", queue=self.queue)["count"], 2)
        self.until(lambda: self.stats()["dead"] == 0)
        self.assertEqual(len(self.lease_one()) + len(self.lease_one()), 2 * len(back))

    def test_a_keyed_retry_blocks_its_key_only(self):
        self.declare(keyed=True)
        for name in ("a1", "a2", "b1"):
            self.publish(name, key=name[0])
        got = {d["message"]["id"]: d for d in self.lease(max=10)}
        while len(got) < 2:
            got.update({d["message"]["id"]: d for d in self.lease(max=10)})
        self.assertEqual(sorted(got), ["a1", "b1"])
        begun = time.monotonic()
        self.settle(got["a1"], "retry", delay=4000)
        self.settle(got["b1"], "done")
        self.publish("b2", key="b")
        came = [self.lease_one()]
        # SQS has whole seconds; where the machine stopped for so long, a1 may come first.
        self.assertTrue(came[0]["message"]["id"] == "b2" or time.monotonic() - begun > 2.9, came)
        came.append(self.lease_one())
        again, b2 = sorted(came, key=lambda delivery: delivery["message"]["id"])
        self.assertEqual((again["message"]["id"], again["attempt"], b2["message"]["id"]), ("a1", 2, "b2"))
        self.assertGreater(time.monotonic() - begun, 2.9)
        self.settle(again, "done")
        self.assertEqual(self.lease_one()["message"]["id"], "a2")

    def test_order_of_a_key_under_load(self):
        self.declare(keyed=True)
        ends = [self.driver.begin("publish", queue=self.queue, message=rig.message(i, key=f"k{i % 4}")) for i in range(60)]
        for end in ends:
            end()
        seen = {}
        while sum(map(len, seen.values())) < 60:
            got = self.lease(max=16)
            self.assertEqual(len({d["message"]["key"] for d in got}), len(got), "one of a key at a time")
            for each in got:
                seen.setdefault(each["message"]["key"], []).append(int(each["message"]["id"]))
            for end in [self.driver.begin("settle", queue=self.queue, lease=d["lease"], how="done") for d in got]:
                end()
        for key, ids in seen.items():
            self.assertEqual(ids, sorted(ids), key)

    def test_dedup(self):
        self.declare(dedup=300_000)
        first = self.publish("a", dedup="order 7")
        again = self.publish("b", dedup="order 7")
        other = self.publish("c", dedup="order 8")
        self.assertEqual((first["duplicate"], again["duplicate"], other["duplicate"]), (0, 1, 0))
        self.assertEqual((first["id"], again["id"]), ("a", "a"))
        self.assertEqual(sorted(d["message"]["id"] for d in self.lease_all(2)), ["a", "c"])
        self.assertEqual(self.lease(wait=1200), [])

    def test_due(self):
        for keyed in (False, True):
            with self.subTest(keyed=keyed):
                self.queue += "x"
                self.declare(keyed=keyed)
                begun = time.monotonic()
                self.publish("much later", key="k", due_in=800_000)
                self.publish("later", key="k", due_in=4000)
                self.publish("now", key="k")
                self.until(lambda: self.stats()["delayed"] >= 1)
                came = []
                for _ in range(2):
                    got = self.lease_one()
                    came.append((got["message"]["id"], got["attempt"]))
                    # Where the machine stopped for so long, it may come first: the two have an order from then on only.
                    self.assertTrue(came[-1][0] == "now" or time.monotonic() - begun > 2.9, came)
                    self.settle(got, "done")
                self.assertEqual(sorted(came), [("later", 1), ("now", 1)])
                self.until(lambda: self.stats()["delayed"] == 1)

    def test_due_in_three_days(self):
        self.declare()
        self.publish("later", due_in=72 * 3_600_000)
        self.assertEqual(self.lease(wait=1200), [])
        self.driver.call("advance", by=72 * 3_600_000)
        self.until(lambda: self.stats()["delayed"] == 1)
        self.assertEqual(self.refused("publish", queue=self.queue, message=rig.message("x"), due_in=15 * 24 * 3_600_000).code, "out_of_range")

    def test_time_to_live(self):
        self.declare(ttl=3_600_000)
        self.publish("a")
        self.publish("b", expires_in=7_200_000)
        self.driver.call("advance", by=3_600_001)
        self.assertEqual(self.lease_one()["message"]["id"], "b")
        self.assertEqual(self.lease(wait=1200), [])
        dead = self.driver.call("peek", queue=self.queue, shelf="dead")["messages"]
        self.assertEqual([each["message"]["id"] for each in dead], ["a"])
        self.assertIn("expired", dead[0]["reason"])

    def test_pause_holds_for_every_node(self):
        self.declare()
        self.driver.call("pause", queue=self.queue, paused=True)
        self.publish("a")
        self.assertEqual(self.lease(wait=600), [])
        other = self.new_driver()
        self.assertEqual(self.lease(other, wait=600), [])
        self.until(lambda: self.stats()["paused"] == 1)
        waiting = self.driver.begin("lease", queue=self.queue, wait=120000)
        self.driver.call("pause", queue=self.queue, paused=False)
        self.assertEqual(len(waiting()["deliveries"]), 1)

    def test_peek_takes_nothing_and_is_no_attempt(self):
        self.declare()
        for i in range(12):
            self.publish(i)
        for _ in range(2):
            seen = self.driver.call("peek", queue=self.queue, max=20)["messages"]
            self.assertEqual(sorted(int(each["message"]["id"]) for each in seen), list(range(12)))
        got = self.lease_all(12)
        self.assertEqual({d["attempt"] for d in got}, {1})
        self.assertEqual(len(got), 12)
        self.assertEqual(self.refused("peek", queue=self.queue, shelf="leased").reason, "not_by_this_backend")

    def test_nobody_settles_it_and_looks_are_no_attempts_at_another_node(self):
        for keyed in (False, True):
            with self.subTest(keyed=keyed):
                self.queue += "x"
                self.declare(keyed=keyed, attempts=2)
                self.publish("a", key="k")
                for _ in range(3):
                    self.assertEqual(len(self.driver.call("peek", queue=self.queue)["messages"]), 1)
                other = self.new_driver()
                self.declare(other, keyed=keyed, attempts=2)
                for _ in range(2):
                    self.assertEqual(len(self.lease(other, lease=1000)), 1)
                end = time.monotonic() + 120
                dead = []
                while not dead and time.monotonic() < end:
                    self.assertEqual(self.lease(other, wait=3000), [])
                    dead = self.driver.call("peek", queue=self.queue, shelf="dead")["messages"]
                self.assertEqual([(each["attempts"], each["reason"]) for each in dead], [(2, "after 2 attempts: the lease ran out")])

    def test_purge(self):
        self.declare()
        for i in range(14):
            self.publish(i)
        held = self.lease_one()
        self.assertEqual(self.driver.call("purge", queue=self.queue, shelf="waiting")["count"], 13)
        self.settle(held, "dead", reason="x")
        self.assertEqual(self.driver.call("purge", queue=self.queue, shelf="dead")["count"], 1)
        self.publish("later", due_in=800_000)
        self.assertEqual(self.driver.call("purge", queue=self.queue, shelf="delayed")["count"], 1)
        self.until(lambda: self.stats() == {"waiting": 0, "leased": 0, "delayed": 0, "dead": 0, "paused": 0})

    def test_list(self):
        self.declare()
        names = self.driver.call("list")["queues"]
        self.assertIn(self.queue, names)
        self.assertFalse([name for name in names if name.endswith(("-dead", "-later", ".fifo"))])

    def test_draining_gives_back_what_still_comes(self):
        self.declare()
        waiting = self.driver.begin("lease", queue=self.queue)
        time.sleep(0.3)
        self.driver.call("stop_leasing")
        self.assertEqual(waiting()["deliveries"], [])
        self.publish("a")
        other = self.new_driver()
        got = self.lease(other)
        self.assertEqual([(d["message"]["id"], d["attempt"]) for d in got], [("a", 1)])

    def test_closing_ends_what_waits(self):
        self.declare()
        # A question that was cut off may still get the message, which comes again after the lease.
        waiting = self.driver.begin("lease", queue=self.queue, lease=2000)
        time.sleep(0.3)
        self.driver.call("reopen")
        with self.assertRaises(rig.Refused) as caught:
            waiting()
        self.assertEqual((caught.exception.code, caught.exception.reason), ("unavailable", "closing"))
        self.publish("a")
        self.assertEqual(self.lease_one()["message"]["id"], "a")
