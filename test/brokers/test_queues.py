"""What a queue does, whoever keeps it."""

import concurrent.futures
import json
import time

import pytest

from conftest import BACKEND
from pull import ApiError, number, payload


def job(key="", n=0, request_id="", **more):
    return {"key": key, "number": str(n), "requestId": request_id, **more}


@pytest.mark.queue("key")
def test_order_per_key(queue):
    for n in range(20):
        queue.publish(job("even" if n % 2 == 0 else "odd", n))
    seen = queue.drain(20)
    for key, first in (("even", 0), ("odd", 1)):
        assert [number(d) for d in seen if d["message"]["key"] == key] == list(range(first, 20, 2))


@pytest.mark.queue("key")
def test_one_at_a_time_per_key(queue):
    for n in range(3):
        queue.publish(job("a", n))
    queue.publish(job("b", 9))
    leased = queue.lease(10, wait=30)
    while len(leased) < 2:
        leased += queue.lease(10, wait=30)
    assert sorted((d["message"]["key"], number(d)) for d in leased) == [("a", 0), ("b", 9)]
    queue.none(1.0)
    queue.settle(next(d for d in leased if d["message"]["key"] == "a"))
    assert number(queue.one()) == 1


@pytest.mark.queue()
def test_competing_consumers(queue):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: queue.publish(job(n=n)), range(200)))

        seen, end = [], time.monotonic() + 180

        def consume(_):
            while (deliveries := queue.lease(7, wait=1)) or (len(seen) < 200 and time.monotonic() < end):
                for delivery in deliveries:
                    queue.settle(delivery)
                    seen.append(number(delivery))

        list(pool.map(consume, range(4)))
    assert sorted(seen) == list(range(200))


@pytest.mark.queue("key")
def test_retry_comes_after_its_delay(queue):
    queue.publish(job("a"))
    first = queue.one()
    began = time.monotonic()
    queue.settle(first, "RETRY", delay="2s")
    second = queue.one()
    assert time.monotonic() - began >= 1.9
    assert second["attempt"] == 2
    assert second["message"]["id"] == first["message"]["id"]


@pytest.mark.queue("key")
def test_retry_blocks_only_its_key(queue):
    for key, n in (("a", 1), ("a", 2), ("b", 3)):
        queue.publish(job(key, n))
    first = queue.one()
    assert number(first) == 1
    began = time.monotonic()
    queue.settle(first, "RETRY", delay="15s")  # which nothing between here and the next line takes
    other = queue.one()
    assert number(other) == 3
    queue.settle(other)
    again = queue.one()
    assert (number(again), again["attempt"]) == (1, 2)
    assert time.monotonic() - began >= 14.9, "its follower, and it itself, waited"
    queue.settle(again)
    assert number(queue.one()) == 2


@pytest.mark.queue()
def test_a_release_is_no_attempt(queue):
    queue.publish(job())
    for kind, attempt in (("RELEASE", 1), ("RETRY", 1), ("RELEASE", 2), ("DONE", 2)):
        delivery = queue.one()
        assert delivery["attempt"] == attempt
        queue.settle(delivery, kind)
    queue.none()


@pytest.mark.queue()
def test_a_lease_runs_out(queue):
    queue.publish(job())
    began = time.monotonic()
    first = queue.one(lease=2)
    second = queue.one()
    assert time.monotonic() - began >= 1.9
    assert second["message"]["id"] == first["message"]["id"]
    assert second["attempt"] == 2


@pytest.mark.queue("thrice")
def test_whose_lease_always_runs_out_is_a_dead_letter_at_the_limit(queue):
    queue.publish(job(n=1))
    for attempt in (1, 2, 3):
        delivery = queue.one(lease=2)
        assert (number(delivery), delivery["attempt"]) == (1, attempt)
    queue.publish(job(n=2))
    assert [number(delivery) for delivery in queue.drain(1, more=4.0)] == [2]
    dead = queue.bury()
    assert int(dead["message"]["json"]["number"]) == 1
    assert "lease ran out" in dead["reason"]


@pytest.mark.queue()
def test_a_lease_is_extended(queue):
    queue.publish(job())
    delivery = queue.one(lease=20)
    for _ in range(3):
        queue.extend(delivery, 20)
        queue.none(8.0)
    queue.settle(delivery)


@pytest.mark.queue()
def test_a_late_settlement_fails_loudly(queue):
    queue.publish(job())
    first = queue.one(lease=1)
    second = queue.one()
    for kind in ("DONE", "RETRY", "KILL"):
        with pytest.raises(ApiError) as error:
            queue.settle(first, kind)
        assert (error.value.code, error.value.reason) == ("FAILED_PRECONDITION", "lease_lost")
    with pytest.raises(ApiError) as error:
        queue.extend(first, 5)
    assert error.value.reason == "lease_lost"
    queue.settle(second)
    with pytest.raises(ApiError) as error:
        queue.settle(second)
    assert error.value.reason == "lease_lost"


@pytest.mark.queue("key")
def test_a_dead_letter_keeps_everything(queue):
    data = bytes(range(256)) * 40
    wire = b"\x0a\x01k" + b"\x22" + bytes([0x80 | len(data) & 0x7f, len(data) >> 7]) + data
    import base64
    queue.publish(message={"id": "the-id", "source": "/tests", "payload": base64.b64encode(wire).decode(),
                           "metadata": {"x-tenant": "t1", "ce-subject": "s p a c e", "sig-bin": "AAH/"}})
    delivery = queue.one()
    reason = "INVALID_ARGUMENT (upstream_status): no such customer: Zoë"
    queue.settle(delivery, "KILL", reason=reason)
    queue.none()
    (dead,) = queue.peek_all(1, "DEAD", json_payload=False)
    assert dead["reason"] == reason
    assert dead["attempts"] == 1
    assert dead["message"]["id"] == "the-id"
    assert dead["message"]["source"] == "/tests"
    assert dead["message"]["key"] == "k"
    assert payload(dead["message"]) == wire
    metadata = dead["message"]["metadata"]
    assert (metadata["x-tenant"], metadata["ce-subject"], metadata["sig-bin"]) == ("t1", "s p a c e", "AAH/")
    deadline = time.monotonic() + 60  # a broker counts what it has given back a little later
    while queue.count("dead") != 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert queue.count("dead") == 1


@pytest.mark.queue("key")
def test_redrive_keeps_the_id_and_resets_the_count(queue):
    receipt = queue.publish(job("a", 7))
    queue.settle(queue.one(), "RETRY")
    second = queue.one()
    assert second["attempt"] == 2
    queue.settle(second, "KILL", reason="why not")
    assert int(queue.do("redrive", all=True)["count"]) == 1
    again = queue.one()
    assert (again["message"]["id"], again["attempt"], number(again)) == (receipt["id"], 1, 7)
    queue.settle(again)
    assert queue.peek("DEAD") == []


@pytest.mark.queue()
def test_redrive_by_filter(queue):
    for key, reason in (("a", "UNAVAILABLE: down"), ("b", "UNAVAILABLE: down"), ("c", "INVALID_ARGUMENT: bad")):
        queue.publish(message={"key": key, "json": job(key)})
        queue.settle(queue.one(), "KILL", reason=reason)
    assert int(queue.do("redrive", reason="UNAVAILABLE", dryRun=True)["count"]) == 2
    assert int(queue.do("redrive", reason="UNAVAILABLE", key="b")["count"]) == 1
    again = queue.one()
    assert again["message"]["json"]["key"] == "b"
    queue.settle(again)
    dead = queue.peek_all(2, "DEAD")
    assert sorted(d["message"]["json"]["key"] for d in dead) == ["a", "c"]
    by_id = next(d for d in dead if d["message"]["json"]["key"] == "c")["message"]["id"]
    assert int(queue.do("redrive", ids=[by_id])["count"]) == 1
    assert queue.one()["message"]["id"] == by_id


@pytest.mark.queue("dedup")
def test_the_same_message_again_is_stored_once(queue):
    first = queue.publish(job(n=1, request_id="r1"))
    again = queue.publish(job(n=1, request_id="r1"))
    other = queue.publish(job(n=2, request_id="r2"))
    assert again.get("duplicate") is True
    assert again["id"] == first["id"]
    assert not other.get("duplicate")
    assert sorted(number(d) for d in queue.drain(2)) == [1, 2]
    assert queue.publish(job(n=1, request_id="r1")).get("duplicate") is True, "the window outlives the message"
    queue.none()


@pytest.mark.queue()
def test_a_delay(queue):
    began = time.monotonic()
    queue.publish(job(n=1), delay="15s")  # which nothing between here and the first delivery takes
    queue.publish(job(n=2))
    first = queue.one()
    assert number(first) == 2, "what is not due holds nobody up"
    queue.settle(first)
    later = queue.one()
    assert time.monotonic() - began >= 14.9
    assert (number(later), later["attempt"]) == (1, 1)


@pytest.mark.queue("key", "wait")
def test_followers_of_a_dead_letter_wait_for_it(queue):
    for n in (1, 2):
        queue.publish(job("a", n))
    queue.publish(job("b", 1))
    for delivery in (queue.one(), queue.one()):
        queue.settle(delivery, "KILL" if delivery["message"]["key"] == "a" else "DONE", reason="no")
    queue.publish(job("b", 2))
    after = queue.one()
    assert (after["message"]["key"], number(after)) == ("b", 2), "other keys go on"
    queue.settle(after)
    queue.none(1.0)
    assert int(queue.stats()["heldKeys"]) == 1
    assert int(queue.do("redrive", all=True)["count"]) == 1
    for n in (1, 2):
        delivery = queue.one()
        assert (delivery["message"]["key"], number(delivery)) == ("a", n)
        queue.none(0.3)
        queue.settle(delivery, "KILL" if n == 2 else "DONE")
    queue.publish(job("a", 3))
    queue.none(1.0)
    queue.do("purge", shelf="DEAD")
    assert number(queue.one()) == 3


@pytest.mark.queue("ttl")
def test_what_waits_too_long_is_a_dead_letter(queue):
    queue.publish(job())
    time.sleep(1.5)
    queue.none(1.0)
    dead = queue.bury()
    assert "expired" in dead["reason"], dead["reason"]


@pytest.mark.queue()
def test_peek_takes_nothing(queue):
    for n in range(5):
        queue.publish(job(n=n))
    for _ in range(2):
        assert sorted(int(p["message"]["json"].get("number", 0)) for p in queue.peek_all(5)) == list(range(5))
    first = queue.peek_all(2, count=2)
    if "peek_after" not in BACKEND.lacks:
        queue.peek_all(3, after=first[-1]["position"])
    delivery = queue.one()
    assert delivery["attempt"] == 1


@pytest.mark.queue()
def test_purge(queue):
    for n in range(5):
        queue.publish(job(n=n))
    taken = queue.one()
    with pytest.raises(ApiError):
        queue.do("purge", shelf="LEASED")
    assert int(queue.do("purge", shelf="WAITING")["count"]) == 4
    queue.none()
    queue.settle(taken, "KILL", reason="x")
    assert int(queue.do("purge", shelf="DEAD")["count"]) == 1
    assert queue.peek("DEAD") == []


@pytest.mark.queue()
def test_pause(queue):
    queue.do("pause")
    assert queue.stats().get("paused") is True
    queue.publish(job())
    queue.none(1.0)
    queue.do("resume")
    assert not queue.stats().get("paused")
    queue.settle(queue.one())


@pytest.mark.queue()
def test_stats(queue):
    for n in range(6):
        queue.publish(job(n=n))
    for kind in ("DONE", "RETRY", "KILL"):
        queue.settle(queue.one(), kind, delay="60s" if kind == "RETRY" else "0s", reason="x" if kind == "KILL" else "")
    queue.one(lease=120)
    stats = queue.stats()
    estimated = set(stats.get("estimated", []))
    end = time.monotonic() + 60
    while any(shelf not in estimated and int(stats.get(shelf, 0)) != count for shelf, count in
              (("waiting", 2), ("leased", 1), ("delayed", 1), ("dead", 1))):
        assert time.monotonic() < end, stats
        time.sleep(0.1)
        stats = queue.stats()
    assert "oldest" in estimated or "oldestTime" in stats, stats


@pytest.mark.queue()
def test_a_long_poll_ends_with_the_message(queue):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: (queue.one(120), time.monotonic()))
        time.sleep(1)
        published = time.monotonic()
        queue.publish(job())
        delivery, came = waiting.result(180)
    assert came - published < 60
    queue.settle(delivery)


@pytest.mark.queue()
def test_where_a_message_is(queue):
    def state(position):
        return queue.client.call("GET", f"/parley/queues/{queue.name}/messages/{position}")["state"]

    receipt = queue.publish(job())
    if "positions" in BACKEND.lacks:
        assert not receipt.get("position")
        return
    position = receipt["position"]
    assert state(position) == "WAITING_FOR_DELIVERY"
    delivery = queue.one()
    assert state(position) == "IN_DELIVERY"
    queue.settle(delivery, "KILL", reason="x")
    assert queue.peek_all(1, "DEAD")[0]["message"]["id"] == receipt["id"]


@pytest.mark.queue("key")
def test_the_door(queue):
    for message, says in (({"json": {"nothing": 1}}, "nothing"), ({"payload": "/////w=="}, "Job"), ({"type": "cases.Other", "json": {}}, "cases.Other"),
                          ({"key": "b", "json": {"key": "a"}}, "`key` is \"a\"")):
        with pytest.raises(ApiError) as error:
            queue.publish(message=message)
        assert error.value.code == "INVALID_ARGUMENT"
        assert says in error.value.detail
    with pytest.raises(ApiError) as error:
        queue.client.queue("cases.Queues/Nothing").publish({})
    assert error.value.code == "NOT_FOUND"
    queue.none()


@pytest.mark.queue("key")
def test_a_call_of_the_rpc_is_a_message(queue):
    status, headers, text = queue.client.request("POST", "/" + queue.name, json.dumps(job("a", 3)), {"content-type": "application/json"})
    assert status == 202
    receipt = json.loads(text)
    delivery = queue.one()
    assert (delivery["message"]["id"], delivery["message"]["key"], number(delivery)) == (receipt["messageId"], "a", 3)
    if headers["location"]:
        assert queue.client.call("GET", headers["location"])["state"] == "IN_DELIVERY"
    queue.settle(delivery)
