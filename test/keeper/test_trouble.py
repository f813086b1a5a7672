"""The keeper dies, freezes, is cut off, comes late: publishing is refused and says who is away, nothing that was acknowledged is lost, no call hangs, and
all goes on by itself."""

import os
import sys
import threading
import time

import parley_node
import pytest
from rig import CONTRACTS, Keeper, Publishers, Sidecar

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "total_queue"))
import checker  # noqa: E402

# A keeper that says nothing is asked after five seconds, and given up after five more; calls that did not end would fail after sixty.
NOTICED = 30


def is_refusal(answer, keeper_port):
    """UNAVAILABLE, and it says which keeper."""
    return answer.status == 503 and answer.problem["code"] == "UNAVAILABLE" and f"the node at 127.0.0.1:{keeper_port}" in answer.problem["detail"]


def check(publishers, handler):
    """All that was acknowledged is handled, in order per key."""
    publishers.stop()
    handler.wait(lambda seen: publishers.acknowledged <= {(one.key, one.number) for one in seen}, 40)
    verdict = checker.check(publishers.sent, publishers.acknowledged, [(one.key, one.number) for one in handler.seen])
    assert verdict.good(), verdict


def test_a_keeper_that_is_killed_and_comes_back(keeper, sidecar, handler):
    publishers = Publishers(sidecar)
    for _ in range(3):
        publishers.wait(100)
        keeper.kill()
        publishers.wait_refused()
        keeper.start()
    publishers.wait(100)
    check(publishers, handler)
    assert all(is_refusal(one, keeper.port) for one in publishers.refused), [one for one in publishers.refused if not is_refusal(one, keeper.port)][:3]
    assert publishers.longest < 9, "a call waited for a keeper that was gone"


def test_a_keeper_that_stops_is_not_held_up(started, handler):
    keeper = started(Keeper(timeouts={"drain": "40s"}))
    sidecar = started(Sidecar(f"parley://127.0.0.1:{keeper.port}", handler))
    publishers = Publishers(sidecar)
    publishers.wait(100)
    began = time.monotonic()
    keeper.stop()
    took = time.monotonic() - began
    keeper.start()
    publishers.wait(100)
    check(publishers, handler)
    assert took < 20, f"the stop took {took:.1f} s of its 40"
    # Those that it had on its way were answered.
    assert all("may be stored" not in one.problem["detail"] for one in publishers.refused), publishers.refused[:3]


def test_a_keeper_that_is_away_is_named_at_once(keeper, sidecar):
    keeper.kill()
    for number in range(3):
        answer = sidecar.publish(number=number)
        assert is_refusal(answer, keeper.port), answer
        # Which of them depends on where the connection stood when the keeper died: up, being made, or not there.
        assert any(why in answer.problem["detail"] for why in ("lost", "Connection reset", "Connection refused")), answer.problem
        assert answer.seconds < 9
    status, problem = sidecar.tell("GET", "/parley/queues/work.Work/Do:stats")
    assert (status, problem["code"]) == (503, "UNAVAILABLE")
    assert f"the node at 127.0.0.1:{keeper.port}" in problem["detail"]


def test_a_keeper_that_freezes(keeper, sidecar, handler):
    assert sidecar.publish(number=1).status == 202
    handler.wait(lambda seen: len(seen) == 1)
    keeper.freeze()
    lost = sidecar.publish(number=2)
    assert is_refusal(lost, keeper.port), lost
    assert "may be stored" in lost.problem["detail"]
    assert lost.seconds < NOTICED
    # The next one waits for a connection that nobody answers on.
    refused = sidecar.publish(number=3)
    assert is_refusal(refused, keeper.port), refused
    assert refused.seconds < NOTICED
    keeper.thaw()
    sidecar.store(number=2)  # the same one again
    sidecar.store(number=4)
    seen = handler.wait(lambda seen: {1, 2, 4} <= {one.number for one in seen})
    assert sorted({one.number for one in seen} - {3}) == [1, 2, 4]
    assert len([one for one in seen if one.number == 2]) == 1, "stored once"


def test_a_lease_that_a_frozen_keeper_did_not_extend_is_lost_loudly(started, handler, tmp_path):
    with open(os.path.join(CONTRACTS, "work.proto")) as file:
        text = file.read()
    assert 'lease: "10s"' in text
    (tmp_path / "work.proto").write_text(text.replace('lease: "10s"', 'lease: "2s"'))
    keeper = started(Keeper(contracts=str(tmp_path)))
    sidecar = started(Sidecar(f"parley://127.0.0.1:{keeper.port}", handler, contracts=str(tmp_path)))
    assert sidecar.publish(number=1, milliseconds=8000).status == 202
    handler.wait(lambda seen: len(seen) == 1)
    keeper.freeze()
    time.sleep(4)
    keeper.thaw()
    sidecar.wait_log("the lease of message")
    seen = handler.wait(lambda seen: len(seen) == 2)
    assert [one.attempt for one in seen] == [1, 2]


def test_leases_outlive_a_keeper_that_is_killed(keeper, sidecar, handler):
    assert sidecar.publish(number=1, milliseconds=2500).status == 202
    handler.wait(lambda seen: len(seen) == 1)
    keeper.kill()
    keeper.start()
    sidecar.wait_empty()
    assert [one.attempt for one in handler.seen] == [1], "settled by the one that had it"


def test_a_network_that_is_cut(network, far_sidecar, handler):
    publishers = Publishers(far_sidecar)
    publishers.wait(50)
    network.cut()
    time.sleep(3)
    network.heal()  # for new connections: what was on the old ones is lost
    publishers.wait(50)
    check(publishers, handler)
    assert publishers.refused
    assert all(is_refusal(one, network.port) for one in publishers.refused), publishers.refused[:3]
    assert publishers.longest < NOTICED


def test_connections_that_break_under_load(network, far_sidecar, handler):
    publishers = Publishers(far_sidecar, 8)
    for _ in range(5):
        publishers.wait(60)
        network.reset()
    publishers.wait(60)
    check(publishers, handler)
    assert all(is_refusal(one, network.port) for one in publishers.refused), publishers.refused[:3]


def test_a_sidecar_stops_while_its_keeper_is_frozen(keeper, sidecar, handler):
    assert sidecar.publish(number=1, milliseconds=30000).status == 202
    handler.wait(lambda seen: len(seen) == 1)
    keeper.freeze()
    began = time.monotonic()
    assert sidecar.stop() == 0
    assert time.monotonic() - began < NOTICED + 5
    keeper.thaw()


def test_a_keeper_that_comes_after_its_sidecar(started, handler):
    keeper = Keeper()
    sidecar = Sidecar(f"parley://127.0.0.1:{keeper.port}", handler)
    over = threading.Event()

    def come():
        sidecar.wait_log("waiting for it")
        started(keeper)
        over.wait()  # a child dies with the thread that started it

    coming = threading.Thread(target=come)
    coming.start()
    try:
        started(sidecar)
        assert f"the node at 127.0.0.1:{keeper.port}" in sidecar.log()
        assert sidecar.publish().status == 202
        handler.wait(lambda seen: len(seen) == 1)
        sidecar.stop()
    finally:
        over.set()
        coming.join()


def test_a_keeper_that_never_comes(started):
    port = parley_node.free_port()
    began = time.monotonic()
    with pytest.raises(parley_node.ParleyFailed, match=f"the node at 127.0.0.1:{port}"):
        started(Sidecar(f"parley://127.0.0.1:{port}"))
    assert time.monotonic() - began < 100


def test_a_keeper_without_the_queue(started, tmp_path):
    (tmp_path / "other.proto").write_text('syntax = "proto3"; package other; message Nothing {} service Other { rpc Do(Nothing) returns (Nothing); }')
    keeper = started(Keeper(contracts=str(tmp_path)))
    with pytest.raises(parley_node.ParleyFailed, match="work.Work/Do: the node at .* has none"):
        started(Sidecar(f"parley://127.0.0.1:{keeper.port}"))
