"""A node that stops, or is killed, in the middle: what was acknowledged is there, and nothing is forgotten."""

import signal

import pytest

from conftest import BACKEND
from pull import number
from test_queues import job


@pytest.fixture(params=["stop", "kill"])
def restart(request, node):
    def again():
        if request.param == "stop":
            node.stop()
        else:
            node.signal(signal.SIGKILL)
            node.process.wait()
        node.start()
    again.kind = request.param
    return again


@pytest.mark.queue("key")
def test_a_queue_after_a_restart(queue, restart):
    tag = restart.kind
    queue.publish(job("dead", 1))
    queue.settle(queue.one(), "KILL", reason="before")
    queue.publish(job("again", 2))
    again = queue.one()
    queue.publish(job("held", 3))
    held = queue.one(lease=4)
    assert (number(again), number(held)) == (2, 3)
    queue.settle(again, "RETRY", delay="1s")
    receipts = [queue.publish(job("waiting", n)) for n in range(10, 20)]
    restart()
    seen = {}
    while len(seen) < 12:
        delivery = queue.one(120)
        assert delivery["message"]["id"] not in seen, "once settled, it is settled"
        seen[delivery["message"]["id"]] = delivery
        queue.settle(delivery)
    assert [number(seen[receipt["id"]]) for receipt in receipts] == list(range(10, 20))
    assert [i for i in seen if i in {receipt["id"] for receipt in receipts}] == [receipt["id"] for receipt in receipts], "in order"
    by_number = {number(delivery): delivery for delivery in seen.values()}
    assert by_number[2]["attempt"] >= 2, "attempts are remembered"
    assert by_number[3]["attempt"] == 2, "the lease of the node before has run out"
    assert [dead["reason"] for dead in queue.peek_all(1, "DEAD")] == ["before"]
    assert int(queue.do("redrive", all=True)["count"]) == 1
    assert number(queue.one()) == 1
    queue.drain(0)
    assert tag in ("stop", "kill")


@pytest.mark.queue("key", "wait")
def test_a_key_that_a_dead_letter_holds_after_a_restart(queue, restart):
    key = restart.kind
    for n in (1, 2):
        queue.publish(job(key, n))
    queue.settle(queue.one(), "KILL", reason="no")
    restart()
    queue.publish(job(key, 3))
    queue.none(1.0)
    queue.do("redrive", all=True)
    restart()
    assert [number(delivery) for delivery in queue.drain(3)] == [1, 2, 3]


@pytest.mark.queue("thrice")
@pytest.mark.topic
def test_what_kills_the_node_is_a_dead_letter_at_the_limit(queue, topic, group, node):
    """Whoever takes it is in the middle of it when the node dies, each time. What waits behind it was in nobody's hands and stays well."""
    audit = group("audit")
    queue.publish(job("k", 1))
    for n in (1, 2):
        topic.publish(topic.type, {"key": "k", "number": str(n)})
    attempts = {queue: 0, audit: 0}
    while any(attempt < 3 for attempt in attempts.values()):
        for source in [source for source, attempt in attempts.items() if attempt < 3]:
            delivery = source.one(120, lease=2)
            assert number(delivery) == 1
            is_uncounted = "first_attempt" in BACKEND.lacks and delivery["attempt"] == attempts[source] == 1
            assert delivery["attempt"] == attempts[source] + 1 or is_uncounted, "a delivery that a crash has ended counts"
            attempts[source] = delivery["attempt"]
        node.signal(signal.SIGKILL)
        node.process.wait()
        node.start()
    follower = audit.one(120)
    assert number(follower) == 2, "the one that kills is not delivered again"
    assert follower["attempt"] <= 2
    audit.settle(follower)
    for source in (queue, audit):
        source.none(3.0)
        assert "lease ran out" in source.bury()["reason"]
        assert int(source.do("redrive", all=True)["count"]) == 1
        again = source.one()
        assert number(again) == 1
        assert again["attempt"] == 1
        source.settle(again)


@pytest.mark.queue("dedup")
def test_a_dedup_window_after_a_restart(queue, restart):
    first = queue.publish(job(n=1, request_id=restart.kind))
    restart()
    again = queue.publish(job(n=1, request_id=restart.kind))
    if "old_duplicates" not in BACKEND.lacks:
        assert again.get("duplicate") is True
        assert again["id"] == first["id"]
    assert len(queue.drain(1)) == 1


@pytest.mark.queue()
def test_a_pause_after_a_restart(queue, restart):
    queue.do("pause")
    queue.publish(job())
    restart()
    queue.none(1.0)
    queue.do("resume")
    queue.settle(queue.one(120))


@pytest.mark.topic
def test_a_topic_after_a_restart(topic, group, restart):
    for n in range(4):
        topic.publish(topic.type, {"key": restart.kind, "number": str(n)})
    audit = group("audit")
    for n in range(2):
        delivery = audit.one()
        assert number(delivery) == n
        audit.settle(delivery)
    events = topic.read_all(4, key=restart.kind, earliest=True)
    topic.commit("reader", events[-2]["position"])
    restart()
    after = topic.read_all(4, key=restart.kind, earliest=True)
    assert [e["position"] for e in after] == [e["position"] for e in events]
    rest, _ = topic.read(wait=60, after=topic.checkpoint("reader"))
    assert [int(e["message"]["json"]["number"]) for e in rest] == [3]
    for n in (2, 3):
        delivery = audit.one(120)  # Kafka waits for the killed node until its session has run out
        assert number(delivery) == n
        audit.settle(delivery)
    assert audit.drain(0) == []
    assert BACKEND.survives_kill
