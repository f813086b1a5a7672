"""What the tests share: one ElasticMQ for all of them, drivers (a broker of ours each) and boto3's client."""

import base64
import itertools
import json
import os
import subprocess
import threading
import time
import unittest

import boto3
import botocore.config

import elasticmq

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
server = None
driver_binary = None
_names = itertools.count(1)


def start(folder, cache, driver):
    global server, driver_binary
    driver_binary = driver
    server = elasticmq.ElasticMQ(folder, cache).start()


def stop():
    server.stop()


def plain_client(url=None):
    """Amazon's own client, as any service would use it."""
    return boto3.client("sqs", region_name="eu-west-1", endpoint_url=url or server.url, aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
                        config=botocore.config.Config(retries={"max_attempts": 1}))


class Refused(Exception):
    """An operation's error."""

    def __init__(self, error):
        super().__init__(f"{error['code']} ({error['reason']}): {error['message']}")
        self.code, self.reason, self.message = error["code"], error["reason"], error["message"]


class Driver:
    """A broker of ours in a process of its own. `call` waits for the answer; `begin` gives a function that does."""

    def __init__(self, address=None, **environment):
        address = address or f"sqs+http://127.0.0.1:{server.port}?region=eu-west-1&poll=1s"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.process = subprocess.Popen([driver_binary, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env={**clean, **KEYS, **environment})
        self.lock = threading.Condition()
        self.answers = {}
        self.ids = itertools.count(1)
        self.log = []
        for stream, reader in ((self.process.stdout, self._read), (self.process.stderr, self.log.extend)):
            threading.Thread(target=reader, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            answer = json.loads(line)
            with self.lock:
                self.answers[answer["id"]] = answer
                self.lock.notify_all()
        with self.lock:
            self.answers[None] = True
            self.lock.notify_all()

    def begin(self, op, **parameters):
        number = next(self.ids)
        self.process.stdin.write(json.dumps({"id": number, "op": op, **parameters}) + "\n")
        self.process.stdin.flush()

        def finish(patience=240):
            with self.lock:
                if not self.lock.wait_for(lambda: number in self.answers or None in self.answers, patience):
                    raise AssertionError(f"{op} does not end")
                answer = self.answers.pop(number, None)
            if answer is None:
                raise AssertionError(f"the driver ended with {self.process.wait(10)}: {''.join(self.log)[-2000:]}")
            if "error" in answer:
                raise Refused(answer["error"])
            return answer["value"]
        return finish

    def call(self, op, **parameters):
        return self.begin(op, **parameters)()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process.returncode not in (0, -9):
            raise AssertionError(f"the driver ended with {self.process.returncode}: {''.join(self.log)[-2000:]}")


def message(number, key="", payload=b"hi", **more):
    return {"id": str(number), "key": key, "type": "shop.Mail", "source": "/shop.Mailer/SendMail",
            "payload": base64.b64encode(payload).decode(), **more}


def payload_of(delivery):
    return base64.b64decode(delivery["message"]["payload"])


class Case(unittest.TestCase):
    """A driver and a queue of its own for each test."""

    maxDiff = None

    def setUp(self):
        self.driver = self.new_driver()
        self.queue = f"shop.Mailer/Send{next(_names)}"

    def new_driver(self, *arguments, **environment):
        driver = Driver(*arguments, **environment)
        self.addCleanup(driver.close)
        return driver

    def declare(self, driver=None, **options):
        (driver or self.driver).call("declare", queues=[{"name": self.queue, **options}])

    def sqs_name(self, suffix=""):
        return self.queue.replace(".", "-").replace("/", "-") + suffix

    def sqs_url(self, suffix=""):
        return plain_client().get_queue_url(QueueName=self.sqs_name(suffix))["QueueUrl"]

    def publish(self, number, driver=None, **parameters):
        fields = {name: parameters.pop(name) for name in ("key", "payload", "content_type", "metadata", "type") if name in parameters}
        return (driver or self.driver).call("publish", queue=self.queue, message=message(number, **fields), **parameters)

    def lease(self, driver=None, **parameters):
        return (driver or self.driver).call("lease", queue=self.queue, **parameters)["deliveries"]

    def lease_one(self, **parameters):
        got = self.lease(**parameters)
        self.assertEqual(len(got), 1)
        return got[0]

    def lease_all(self, count, driver=None, **parameters):
        """Leases until there are so many; one answer has what has come."""
        got = []
        while len(got) < count:
            more = self.lease(driver, max=count - len(got), **parameters)
            self.assertTrue(more, f"{len(got)} of {count} came")
            got += more
        return got

    def settle(self, delivery, how, driver=None, **parameters):
        return (driver or self.driver).call("settle", queue=self.queue, lease=delivery["lease"], how=how, **parameters)

    def stats(self):
        return self.driver.call("stats", queue=self.queue)

    def until(self, check):
        """Waits until it is so: SQS counts a little behind what it has answered."""
        end = time.monotonic() + 120
        while not check():
            self.assertLess(time.monotonic(), end, "it never was")
            time.sleep(0.1)

    def refused(self, op, driver=None, **parameters):
        with self.assertRaises(Refused) as caught:
            (driver or self.driver).call(op, **parameters)
        return caught.exception
