#!/usr/bin/env python3
"""A node and a cluster of three Kafka servers, of which one after the other is killed while a queue's messages and a topic's events are published and
handled: what was acknowledged is handled, in order per key, and what Parley created is kept as often as the cluster says.

The checker and the handler are those of test/total_queue."""

import http.client
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TOTAL_QUEUE = HERE.parent / "total_queue"
sys.path[:0] = [str(HERE.parent / "lib"), str(TOTAL_QUEUE)]
import brokers  # noqa: E402
import checker  # noqa: E402
import parley_node  # noqa: E402
import record  # noqa: E402
import suite  # noqa: E402

KEYS = 4  # of each producer
QUEUE = "total.Queue/Handle"
LOG = "total.Queue.Handle"
TOPIC = "done"
CONTRACT = """
syntax = "proto3";
package total;
import "google/protobuf/empty.proto";
import "parley/options.proto";

service Queue {
  rpc Handle(Work) returns (google.protobuf.Empty) {
    option (parley.queue) = {key: "lane" retry: {attempts: 1000 first: "50ms" max: "500ms"} lease: "5s" in_flight: 16};
  }
  rpc Note(Done) returns (google.protobuf.Empty) {
    option (parley.subscribe) =
        {group: "notes" start: EARLIEST retry: {attempts: 1000 first: "50ms" max: "500ms"} lease: "5s" in_flight: 16};
  }
}
message Work { string lane = 1; int32 number = 2; }
message Done { option (parley.event) = {topic: "done" key: "lane"}; string lane = 1; int32 number = 2; }
"""


class Producer(threading.Thread):
    """Publishes the next number of one of its keys again and again, to the queue or the topic; sends one again until it is acknowledged."""

    def __init__(self, port, keys, to_topic):
        super().__init__(daemon=True)
        self.port, self.keys, self.to_topic = port, keys, to_topic
        self.sent, self.acknowledged, self.refusals = set(), set(), []
        self.ending = threading.Event()

    def run(self):
        number = 0
        while not self.ending.is_set():
            number += 1
            for key in self.keys:
                self.sent.add((key, number))
                while not self.publish(key, number):
                    if self.ending.is_set():
                        return
                    time.sleep(0.1)
                self.acknowledged.add((key, number))
                time.sleep(0.01)

    def publish(self, key, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            path, body = f"/{QUEUE}", {"lane": key, "number": number}
            if self.to_topic:
                path, body = f"/parley/topics/{TOPIC}:publish", {"message": {"type": "total.Done", "json": body}}
            connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return False  # not known: again
        finally:
            connection.close()
        if answer.status == (200 if self.to_topic else 202):
            return True
        self.refusals.append((answer.status, text))
        return False


class Scene:
    def __init__(self, cluster, producers):
        self.cluster, self.producers = cluster, producers
        self.began = time.monotonic()

    def acknowledged(self):
        return set().union(*(producer.acknowledged.copy() for producer in self.producers))

    def say(self, what):
        print(f"{time.monotonic() - self.began:6.1f} s: {what}, {len(self.acknowledged())} acknowledged", flush=True)

    def publishing_goes_on(self, seconds=180):
        """Every producer gets two messages of each of its keys acknowledged: all partitions have a leader."""
        before = [len(producer.acknowledged) for producer in self.producers]
        end = time.monotonic() + seconds
        while any(len(producer.acknowledged) < count + 2 * KEYS for producer, count in zip(self.producers, before)):
            assert time.monotonic() < end, f"publishing does not go on: {[producer.refusals[-1:] for producer in self.producers]}"
            time.sleep(0.05)

    def leader_dies(self, log, partition):
        self.cluster.wait_until_in_sync()
        leader = self.cluster.topics()[log][1][partition]
        leader.kill()
        self.say(f"server {leader.node}, the leader of partition {partition} of {log}, is killed")
        self.publishing_goes_on()
        self.say("publishing goes on")
        leader.start()
        self.publishing_goes_on()
        self.say("it is back")

    def most_die(self):
        """One copy is too few to acknowledge anything."""
        self.cluster.wait_until_in_sync()  # the one that stays shall know of all topics
        gone = random.sample(self.cluster.brokers, 2)
        for broker in gone:
            broker.kill()
        self.say(f"servers {' and '.join(str(broker.node) for broker in gone)} are killed")
        for producer in self.producers:
            producer.refusals.clear()
        end = time.monotonic() + 120
        while not all(producer.refusals for producer in self.producers):
            assert time.monotonic() < end, "publishing waits for ever"
            time.sleep(0.05)
        refusals = [json.loads(text) for producer in self.producers for _, text in producer.refusals]
        assert {refusal["code"] for refusal in refusals} <= {"UNAVAILABLE", "DEADLINE_EXCEEDED"}, refusals
        self.say(f"publishing is refused: {refusals[0]['detail']}")
        for broker in gone:
            broker.launch()
        for broker in gone:
            broker.wait()
        self.publishing_goes_on()
        self.say("publishing goes on")


def drain(handled, acknowledged, seconds):
    """Until all were handled, or none for so long."""
    count, end = -1, time.monotonic() + seconds
    while not acknowledged <= set(record.read(handled)) and time.monotonic() < end:
        if count != len(record.read(handled)):
            count, end = len(record.read(handled)), time.monotonic() + seconds
        time.sleep(0.1)


def check_copies(cluster):
    """Every topic that Parley created, and Kafka's own."""
    cluster.wait_until_in_sync()
    copies = {name: count for name, (count, _) in cluster.topics().items()}
    assert {LOG, LOG + ".dead", TOPIC, "done.notes.dead", "done.notes.retry", "parley.notes"} <= copies.keys(), copies
    assert set(copies.values()) == {len(cluster.brokers)}, f"not all are kept three times: {copies}"


def main():
    arguments = suite.arguments(__doc__).parse_args()
    checker.self_test()
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "contracts").mkdir()
        (work / "contracts" / "total.proto").write_text(CONTRACT)
        handled = work / "handled"
        handled.touch()
        with brokers.KafkaCluster(work / "kafka", arguments.cache) as cluster:
            run(arguments, cluster, work, handled)


def run(arguments, cluster, work, handled):
    command = [sys.executable, str(TOTAL_QUEUE / "handler.py"), "{port}", str(handled), "1"]
    with parley_node.Backend(command, name="handler") as handler:
        config = {"contracts": str(work / "contracts"), "shards": 2, "timeouts": {"drain": "5s"},
                  "messages": f"kafka://{cluster.addresses}?session=6s&timeout=20s",
                  "services": {"total": {"serves": ["total.Queue"], "at": f"http://127.0.0.1:{handler.port}"}}}
        with parley_node.Parley(arguments.parley, config) as node:
            check_copies(cluster)
            producers = [Producer(node.port, [f"k{number}-{each}" for each in range(KEYS)], to_topic=number >= 3) for number in range(5)]
            scene = Scene(cluster, producers)
            for producer in producers:
                producer.start()
            scene.publishing_goes_on()
            scene.leader_dies(LOG, 0)
            scene.leader_dies(TOPIC, 1)
            scene.most_die()
            for producer in producers:
                producer.ending.set()
            for producer in producers:
                producer.join()  # its last call ends by its own time-out
            drain(handled, scene.acknowledged(), 90)
            scene.say("everything was drained")
            verdict = checker.check(set().union(*(producer.sent for producer in producers)), scene.acknowledged(), record.read(handled))
            print(verdict, flush=True)
            assert verdict.good(), f"{verdict}\n{node.log()[-4000:]}"
            assert verdict.acknowledged > 200, verdict


if __name__ == "__main__":
    main()
