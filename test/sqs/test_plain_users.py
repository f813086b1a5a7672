"""Other users of SQS: Amazon's client for Python feeds our queues and reads them."""

import base64

import rig

TEXT = {"DataType": "String"}


class PlainUsers(rig.Case):
    def test_a_plain_consumer_reads_what_we_publish(self):
        self.declare()
        self.publish("m1", key="c7", payload=b'{"to":"ann"}', content_type="application/json", metadata=[["x-tenant", "eu"]])
        got = rig.plain_client().receive_message(QueueUrl=self.sqs_url(), MessageAttributeNames=["All"], WaitTimeSeconds=20)["Messages"][0]
        self.assertEqual(got["Body"], '{"to":"ann"}')
        values = {name: each["StringValue"] for name, each in got["MessageAttributes"].items()}
        self.assertRegex(values.pop("ce_time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(values, {"ce_specversion": "1.0", "ce_id": "m1", "ce_source": "/shop.Mailer/SendMail", "ce_type": "shop.Mail",
                                  "ce_partitionkey": "c7", "content_type": "application/json", "parley_metadata": '{"x-tenant":"eu"}'})

    def test_protobuf_is_base64_and_says_so(self):
        self.declare(keyed=True)
        self.publish("m1", key="c7", payload=b"\n\x03ann")
        got = rig.plain_client().receive_message(QueueUrl=self.sqs_url(".fifo"), MessageAttributeNames=["All"], AttributeNames=["All"],
                                                 WaitTimeSeconds=20)["Messages"][0]
        self.assertEqual(base64.b64decode(got["Body"]), b"\n\x03ann")
        self.assertEqual(got["MessageAttributes"]["parley_encoding"]["StringValue"], "base64")
        self.assertEqual(got["Attributes"]["MessageGroupId"], "c7")

    def test_a_plain_producer_feeds_a_queue(self):
        self.declare()
        sent = rig.plain_client().send_message(QueueUrl=self.sqs_url(), MessageBody='{"to":"ann"}',
                                               MessageAttributes={"tenant": {**TEXT, "StringValue": "eu"},
                                                                  "count": {"DataType": "Number", "StringValue": "7"}})
        got = self.lease_one()
        self.assertEqual(rig.payload_of(got), b'{"to":"ann"}')
        self.assertEqual((got["message"]["id"], got["message"]["content_type"]), (sent["MessageId"], "application/json"))
        self.assertEqual(sorted(got["message"]["metadata"]), sorted(["tenant", "ZXU=", "count", "Nw=="]))
        self.assertGreater(got["message"]["time"], 0)
        self.settle(got, "dead", reason="no")
        self.driver.call("redrive", queue=self.queue)
        back = self.lease_one()
        self.assertEqual((back["message"]["id"], rig.payload_of(back)), (sent["MessageId"], b'{"to":"ann"}'))

    def test_a_plain_producers_group_is_the_key(self):
        self.declare(keyed=True)
        for i in range(2):
            rig.plain_client().send_message(QueueUrl=self.sqs_url(".fifo"), MessageBody=str(i), MessageGroupId="c7", MessageDeduplicationId=str(i),
                                            MessageAttributes={"content_type": {**TEXT, "StringValue": "text/plain"}})
        got = self.lease(max=10)
        self.assertEqual([(d["message"]["key"], rig.payload_of(d)) for d in got], [("c7", b"0")])

    def test_cloud_events_attributes_of_a_plain_producer(self):
        self.declare()
        attributes = {"ce_id": "e-1", "ce_type": "shop.Mail", "ce_source": "/billing", "ce_partitionkey": "c7", "ce_time": "2026-01-02T03:04:05Z",
                      "content_type": "application/protobuf"}
        rig.plain_client().send_message(QueueUrl=self.sqs_url(), MessageBody=base64.b64encode(b"\n\x03ann").decode(),
                                        MessageAttributes={name: {**TEXT, "StringValue": value} for name, value in attributes.items()})
        got = self.lease_one()["message"]
        self.assertEqual((got["id"], got["type"], got["source"], got["key"], got["time"]),
                         ("e-1", "shop.Mail", "/billing", "c7", 1767323045000))
        self.assertEqual(base64.b64decode(got["payload"]), b"\n\x03ann")

    def test_an_event_in_structured_mode(self):
        self.declare()
        event = '{"specversion":"1.0","id":"e-1","source":"/billing","type":"shop.Mail","partitionkey":"c7","data":{"to":"ann"}}'
        rig.plain_client().send_message(QueueUrl=self.sqs_url(), MessageBody=event,
                                        MessageAttributes={"content-type": {**TEXT, "StringValue": "application/cloudevents+json"}})
        got = self.lease_one()
        message = got["message"]
        self.assertEqual((message["id"], message["type"], message["source"], message["key"], message["content_type"]),
                         ("e-1", "shop.Mail", "/billing", "c7", "application/json"))
        self.assertEqual(rig.payload_of(got), b'{"to":"ann"}')
        self.settle(got, "release")
        self.assertEqual(rig.payload_of(self.lease_one()), b'{"to":"ann"}')

    def test_a_body_that_is_not_what_it_says(self):
        self.declare()
        rig.plain_client().send_message(QueueUrl=self.sqs_url(), MessageBody="*** no base64 ***",
                                        MessageAttributes={"content_type": {**TEXT, "StringValue": "application/protobuf"}})
        got = self.lease_one()
        self.assertIn("base64", got["malformed"])
        self.assertEqual(rig.payload_of(got), b"*** no base64 ***")
