"""What operators see of keys: those that are busy, and those that a dead letter holds, as gauges on /metrics."""

import os
import re
import sys
import time

import httpx
import pytest
from conftest import BINARY, HERE, Node

sys.path.append(os.path.join(HERE, "..", "brokers"))
import pull  # noqa: E402

CONTRACT = """
syntax = "proto3";
package keys;
import "google/protobuf/empty.proto";
import "parley/options.proto";
import "parley/receipt.proto";

message Job { string key = 1; }
message Fact {
  option (parley.event) = {topic: "facts" key: "key"};
  string key = 1;
}
service Work {
  rpc Do(Job) returns (parley.Receipt) {
    option (parley.queue) = {key: "key" retry: {followers: WAIT attempts: 5} lease: "600s"};
  }
  rpc OnFact(Fact) returns (google.protobuf.Empty) {
    option (parley.subscribe) = {group: "audit" start: EARLIEST retry: {followers: WAIT attempts: 5} lease: "600s"};
  }
}
"""


@pytest.fixture
def node(tmp_path):
    """It keeps the messages; nobody but the test takes them."""
    (tmp_path / "keys.proto").write_text(CONTRACT)
    with Node(BINARY, {"contracts": str(tmp_path), "messages": "embedded", "shards": 2, "timeouts": {"drain": "5s"}}) as one:
        yield one


def gauges(node):
    """(busy, held) of every queue and group that /metrics names: both have a sample, or neither has. None at all: the store was asked, and takes longer than
    /metrics waits for it."""
    text = httpx.get(f"http://127.0.0.1:{node.admin}/metrics", trust_env=False, timeout=60).text
    found = {}
    for kind in ("busy", "held"):
        name = f"parley_queue_{kind}_keys"
        assert f"# TYPE {name} gauge" in text or f"{name}{{" not in text, text
        found[kind] = {}
        for labels, value in re.findall(rf"^{name}\{{([^}}]*)\}} (\S+)$", text, re.MULTILINE):
            is_at = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            found[kind][is_at["queue"], is_at["group"]] = float(value)
    assert found["busy"].keys() == found["held"].keys()
    return {where: (busy, found["held"][where]) for where, busy in found["busy"].items()}


def wait_gauges(node, busy, held, where, seconds=60):
    """The numbers are asked of the store every other second, so they come a little late."""
    end = time.monotonic() + seconds
    while (now := gauges(node).get(where)) != (busy, held):
        assert time.monotonic() < end, f"{where}: {now} keys are (busy, held), not {(busy, held)}"
        time.sleep(0.1)


def publish(client, key):
    client.queue("keys.Work/Do").publish({"key": key})


def publish_fact(client, key):
    client.topic("facts").publish("keys.Fact", {"key": key})


@pytest.mark.parametrize("name, group, put", [("keys.Work/Do", "", publish), ("facts", "audit", publish_fact)], ids=["queue", "group"])
def test_busy_and_held_keys(node, name, group, put):
    where = (name, group)
    client = pull.Client(node.port)
    source = client.queue(name, group or None)
    wait_gauges(node, 0, 0, where)
    for key in ("leased", "leased", "later", "dead", "dead", "", ""):
        put(client, key)
    wait_gauges(node, 0, 0, where)  # what waits keeps nobody waiting
    taken = source.lease(10, wait=60)
    assert sorted(one["message"].get("key", "") for one in taken) == ["", "", "dead", "later", "leased"]
    wait_gauges(node, 3, 0, where)  # what has no key holds up nothing
    of = {one["message"].get("key", ""): one for one in taken}
    source.settle(of["later"], "RETRY", delay="600s")
    source.settle(of["dead"], "KILL", reason="no")
    wait_gauges(node, 3, 1, where)  # between two attempts, and held by a dead letter: still busy
    source.settle(of["leased"])
    follower = source.one()
    wait_gauges(node, 3, 1, where)
    source.settle(follower)
    wait_gauges(node, 2, 1, where)
    other = next(here for here in gauges(node) if here != where)
    assert gauges(node)[other] == (0, 0), "each has its own"
    source.do("purge", shelf="DEAD")
    source.settle(source.one())  # what the dead letter held up
    wait_gauges(node, 1, 0, where)
