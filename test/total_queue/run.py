#!/usr/bin/env python3
"""The total-queue check: producers publish numbered work while Parley, its handler and the broker are killed and stopped at random; then
everything is drained, and every acknowledged message must have been handled, in order per key.

    run.py --parley BINARY --cache FOLDER [--backend embedded|rabbitmq|kafka|sqs] [--faults N] [--seed N]

--faults is for how long: CI takes some dozens, a night takes thousands. A failing run names its seed and leaves its folder.
"""

import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import brokers  # noqa: E402
import checker  # noqa: E402
import elasticmq  # noqa: E402
import parley_node  # noqa: E402
import suite  # noqa: E402

KEYS = 8
PRODUCERS = 4


class Producer(threading.Thread):
    """Publishes the next number of one of its keys again and again; sends one again, as the same message, until it is acknowledged."""

    def __init__(self, port, keys, seed):
        super().__init__(daemon=True)
        self.port, self.keys, self.chance = port, keys, random.Random(seed)
        self.numbers = dict.fromkeys(keys, 0)
        self.sent, self.acknowledged = set(), set()
        self.refused = ""
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set() and not self.refused:
            key = self.chance.choice(self.keys)
            self.numbers[key] += 1
            work = (key, self.numbers[key])
            self.sent.add(work)
            while not self.publish(*work):
                if self.ending.is_set() or self.refused:
                    return
                time.sleep(0.05)
            self.acknowledged.add(work)
            time.sleep(self.chance.uniform(0, 0.02))  # about as fast as the handler

    def publish(self, key, number):
        body = json.dumps({"id": f"{key}-{number}", "key": key, "number": number})
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3)
            try:
                connection.request("POST", "/total.Queue/Handle", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                text = response.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException):
            return False
        if response.status == 202:
            return True
        if response.status < 500 and response.status != 429:
            self.refused = f"publishing {key}#{number} is answered {response.status}: {text.decode(errors='replace')}"
        return False


class Scene:
    """The processes, and what can happen to them."""

    def __init__(self, arguments, folder):
        self.chance = random.Random(arguments.seed)
        self.record = folder / "handled"
        self.record.touch()
        self.handler_port = parley_node.free_port()
        self.handler = None
        self.broker = self.start_broker(arguments, folder)
        self.start_handler()
        messages = {"rabbitmq": lambda: f"rabbitmq://guest:guest@127.0.0.1:{self.broker.port}/",
                    "kafka": lambda: f"kafka://127.0.0.1:{self.broker.port}", "embedded": lambda: "embedded",
                    "sqs": lambda: f"sqs+http://127.0.0.1:{self.broker.port}?region=local&poll=2s"}[arguments.backend]()
        self.node = parley_node.Parley(arguments.parley, {
            "contracts": self.contracts(arguments.backend, folder), "messages": messages, "data": str(folder / "data"), "timeouts": {"drain": "3s"},
            "services": {"total": {"serves": ["total.Queue"], "at": f"http://127.0.0.1:{self.handler_port}"}}})
        self.node.start()

    @staticmethod
    def contracts(backend, folder):
        """SQS takes no other dedup window than its own, and says so at the start."""
        if backend != "sqs":
            return str(HERE / "contracts")
        (folder / "contracts").mkdir()
        for file in (HERE / "contracts").iterdir():
            (folder / "contracts" / file.name).write_text(file.read_text().replace('window: "1h"', 'window: "5m"'))
        return str(folder / "contracts")

    @staticmethod
    def start_broker(arguments, folder):
        if arguments.backend == "embedded":
            return None
        kinds = {"rabbitmq": lambda: brokers.RabbitMQ(folder / "broker"), "kafka": lambda: brokers.Kafka(folder / "broker", arguments.cache),
                 "sqs": lambda: elasticmq.ElasticMQ(folder / "broker", arguments.cache)}
        return kinds[arguments.backend]().start()

    def start_handler(self):
        command = [sys.executable, str(HERE / "handler.py"), "{port}", str(self.record), str(self.chance.randrange(1 << 30))]
        self.handler = parley_node.Backend(command, name="handler", port=self.handler_port)

    def kill_node(self):
        self.node.process.kill()
        self.node.process.wait()
        self.node.start()

    def restart_node(self):
        self.node.stop()
        self.node.start()

    def pause(self, process, seconds):
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def kill_handler(self):
        self.handler.kill()
        time.sleep(self.chance.uniform(0, 0.5))
        self.start_handler()

    def trouble_broker(self):
        """ElasticMQ keeps its messages in memory: it is stopped for a while, as SQS may be out of reach."""
        if isinstance(self.broker, elasticmq.ElasticMQ):
            self.pause(self.broker.process, self.chance.uniform(0.1, 4))
        else:
            self.kill_broker()

    def kill_broker(self):
        self.broker.kill()
        time.sleep(self.chance.uniform(0, 1))
        self.broker.start()

    def fault(self):
        """One thing goes wrong, and right again; returns its name."""
        faults = [(6, self.kill_node), (2, self.restart_node), (2, lambda: self.pause(self.node.process, self.chance.uniform(0.1, 1))),
                  (2, self.kill_handler), (1, lambda: self.pause(self.handler.process, self.chance.uniform(0.1, 3)))]
        if self.broker:
            faults.append((3, self.trouble_broker))
        weights, actions = zip(*faults)
        self.chance.choices(actions, weights)[0]()

    def handled(self):
        return [(key, int(number)) for key, number in (line.split() for line in self.record.read_text().splitlines())]

    def drain(self, acknowledged, seconds):
        """Until everything acknowledged was handled, or nothing happened for so long."""
        count, since = -1, time.monotonic()
        while time.monotonic() - since < seconds:
            handled = self.handled()
            if acknowledged <= set(handled):
                time.sleep(1)  # what comes twice
                return
            if len(handled) != count:
                count, since = len(handled), time.monotonic()
            time.sleep(0.2)

    def stop(self):
        self.node.stop()
        self.handler.stop()
        if self.broker:
            self.broker.stop()


def progress(began, fault, faults, producers):
    acknowledged = sum(len(p.acknowledged) for p in producers)
    print(f"{time.monotonic() - began:6.1f} s: {fault} of {faults} faults, {acknowledged} messages acknowledged", flush=True)


def main():
    checker.self_test()
    parser = suite.arguments(__doc__)
    parser.add_argument("--backend", default="embedded", choices=["embedded", "rabbitmq", "kafka", "sqs"])
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = parser.parse_args()
    folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"total-queue-{os.getpid()}"
    folder.mkdir()
    print(f"seed {arguments.seed}, folder {folder}", flush=True)
    scene = Scene(arguments, folder)
    keys = [f"k{i}" for i in range(KEYS)]
    producers = [Producer(scene.node.port, keys[i::PRODUCERS], arguments.seed + i) for i in range(PRODUCERS)]
    began = time.monotonic()
    for producer in producers:
        producer.start()
    for number in range(1, arguments.faults + 1):
        time.sleep(scene.chance.uniform(0.1, 0.8))
        scene.fault()
        if number % 10 == 0:
            progress(began, number, arguments.faults, producers)
    for producer in producers:
        producer.ending.set()
    for producer in producers:
        producer.join(30)
    acknowledged = set().union(*(p.acknowledged for p in producers))
    scene.drain(acknowledged, 30)
    verdict = checker.check(set().union(*(p.sent for p in producers)), acknowledged, scene.handled())
    refused = [p.refused for p in producers if p.refused]
    print(verdict, *refused, sep="\n", flush=True)
    scene.stop()
    if refused or not verdict.good() or verdict.acknowledged < arguments.faults:
        sys.exit(f"failed with seed {arguments.seed}; see {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
